//! What later totals have more than earlier ones.

use super::Totals;
use crate::sample::{Gap, Inventory, Loss, Missed, Record, Sample, Window};

impl Totals {
    /// One window that takes `earlier` to these totals, as far as totals go:
    /// what a damaged stretch of a recording held, without its events.
    pub fn since(&self, earlier: &Self) -> Window {
        let mut samples: Vec<Sample> = Vec::new();
        let mut push = |record: Record| samples.push(record.into());
        if self.session != earlier.session
            && let Some(session) = &self.session
        {
            push(session.clone().into());
        }
        for (name, schema) in &self.schemas {
            if earlier.schemas.get(name) != Some(schema) {
                push(Record::Schema(schema.clone()));
            }
        }
        for (name, status) in &self.probes {
            if earlier.probes.get(name) != Some(status) {
                push(Record::Probe(status.clone()));
            }
        }
        if self.volumes != earlier.volumes {
            // When each of these was read is not known.
            push(Record::Inventory(Inventory {
                carried: true,
                ..self.volumes.to_inventory()
            }));
        }
        self.losses_since(earlier)
            .for_each(|loss| push(Record::Loss(loss)));
        self.gaps_since(earlier)
            .for_each(|gap| push(Record::Gap(gap)));
        for (id, series) in &self.series {
            if earlier.series.get(id) != Some(series) {
                push(Record::Series(series.clone()));
            }
        }
        for (id, total) in &self.counts {
            let before = earlier.counts.get(id);
            if before != Some(total) {
                let gained = before.map_or_else(|| total.clone(), |before| total.since(before));
                push(Record::Delta(gained.to_delta(*id)));
            }
        }
        for process in self.processes.since(&earlier.processes) {
            push(Record::Process(process));
        }
        self.missed_since(earlier)
            .for_each(|missed| push(Record::Missed(missed)));
        if self.clock.last != earlier.clock.last
            && let Some(anchor) = self.clock.last
        {
            push(Record::Anchor(anchor));
        }
        Window {
            seq: self.window_seq,
            from_boot_ns: earlier.to_boot_ns,
            to_boot_ns: self.to_boot_ns,
            samples,
        }
    }

    fn losses_since(&self, earlier: &Self) -> impl Iterator<Item = Loss> {
        self.losses.iter().filter_map(|(kind, loss)| {
            let before = earlier.losses.get(kind).map_or(0, |loss| loss.count);
            let count = loss.count.saturating_sub(before);
            (count != 0).then(|| Loss {
                kind: kind.clone(),
                count,
            })
        })
    }

    fn gaps_since(&self, earlier: &Self) -> impl Iterator<Item = Gap> {
        self.gaps()
            .filter(|gap| !earlier.gaps().any(|known| known == *gap))
            .collect::<Vec<_>>()
            .into_iter()
    }

    fn missed_since(&self, earlier: &Self) -> impl Iterator<Item = Missed> {
        self.missed.iter().filter_map(|(key, count)| {
            let before = earlier.missed.get(key);
            let gained = match (before, count) {
                (Some(before), count) if before == count => return None,
                (Some(Some(before)), Some(count)) => Some(count.saturating_sub(*before)),
                (_, count) => *count,
            };
            Some(Missed {
                probe: key.0.clone(),
                hook: key.1.clone(),
                count: gained,
            })
        })
    }
}
