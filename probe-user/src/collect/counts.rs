//! What the kernel side counted since the last flush, over all of its maps.

use super::cells::Cells;
use super::losses::Losses;
use super::maps::Counters;
use super::stale::Stale;
use super::top::Processes;
use crate::probe::schema::Schema;
use crate::sample::{Loss, Record};
use std::collections::HashSet;

/// Everything counted, as it stood at the last flush.
pub struct Counts<M> {
    maps: M,
    probes: Vec<Cells>,
    next_series: u32,
    processes: Processes,
    losses: Losses,
    stale: Stale,
    overflow: HashSet<u32>,
    /// Whether a thread lives; `None` where that cannot be known.
    lives: Option<fn(u32) -> bool>,
}

impl<M: Counters> Counts<M> {
    /// Begins with nothing counted. `schemas` are in the order of the maps'
    /// probes; `lives` tells whether a thread lives, where that can be known.
    pub fn new(
        maps: M,
        schemas: &[&'static Schema],
        shards: u32,
        lives: Option<fn(u32) -> bool>,
    ) -> Self {
        let probes = schemas.iter().map(|schema| Cells::new(schema, shards));
        Self {
            maps,
            probes: probes.collect(),
            next_series: 1,
            processes: Processes::default(),
            losses: Losses::default(),
            stale: Stale::default(),
            overflow: HashSet::new(),
            lives,
        }
    }

    /// What was gained since the last look: series and their deltas, processes,
    /// losses. The `last` look reads every cell, not only those marked as touched.
    pub fn look(&mut self, last: bool) -> anyhow::Result<Vec<Record>> {
        let mut records = Vec::new();
        for (probe, cells) in self.probes.iter_mut().enumerate() {
            let bytes = cells.bytes_in_use(self.maps.keys(probe));
            self.maps.cover(probe, bytes)?;
            let maps = &self.maps;
            let gains = cells.look(
                maps.keys(probe),
                maps.cells(probe),
                last,
                &mut self.next_series,
                || maps.errors(probe),
            )?;
            records.extend(gains.new.into_iter().map(Record::Series));
            records.extend(gains.deltas.into_iter().map(Record::Delta));
        }
        let swept = self.processes(&mut records)?;
        let mut losses = self.losses.delta(self.maps.losses());
        losses.extend(swept);
        records.extend(losses.into_iter().map(Record::Loss));
        Ok(records)
    }

    /// Adds what each process gained, and frees what those that are gone left
    /// behind: calls that never returned are told as lost.
    fn processes(&mut self, records: &mut Vec<Record>) -> anyhow::Result<Option<Loss>> {
        let table = self.maps.top()?;
        let look = self.processes.look(&table, self.maps.slots());
        records.extend(look.deltas.into_iter().map(Record::Process));
        let Some(lives) = self.lives else {
            return Ok(None);
        };
        for (key, top) in &table {
            if look.settled.contains(key) && !lives(key.pid) && self.maps.forget(key) {
                self.processes.forgotten(key, top);
            }
        }
        let stale = self.stale.find(&look.in_flight, lives);
        let mut lost = stale.iter().filter(|call| self.maps.free(call)).count();
        // A thread that is gone now, and was there at the last flush already.
        let overflow: HashSet<u32> = self.maps.overflow()?.into_iter().collect();
        for &tid in overflow.intersection(&self.overflow) {
            lost += usize::from(!lives(tid) && self.maps.free_overflow(tid));
        }
        self.overflow = overflow;
        Ok((lost > 0).then(|| Loss {
            kind: probe_common::loss::Loss::LostReturn.name().to_owned(),
            count: lost as u64,
        }))
    }
}

#[cfg(test)]
#[path = "counts_tests.rs"]
mod tests;
