//! From a probe's cumulative cells to what its series gained in a window.
//!
//! Nothing here knows a probe: the schema says how many sums and histograms a
//! cell has, and what its keys are.

use super::keys;
use crate::probe::schema::Schema;
use crate::sample::{Series, SeriesDelta, errno_name, series_delta::HistogramDelta};
use probe_common::cell;
use probe_common::series::SeriesKey;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use zerocopy::{FromBytes, IntoBytes};

/// Words of a row of the map from ids to keys.
pub const KEY_WORDS: usize = size_of::<SeriesKey>() / size_of::<u64>();

/// Calls of one series that ended with one error, cumulative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCount {
    /// The kernel's id of the series.
    pub series: u32,
    /// The error, positive.
    pub errno: i32,
    /// Calls since the start.
    pub calls: u64,
}

/// The series of one probe, as they stood at the last look.
#[derive(Debug)]
pub struct Cells {
    schema: &'static Schema,
    words: usize,
    shards: usize,
    /// By the kernel's id.
    series: Vec<Known>,
    errors: HashMap<(u32, i32), u64>,
}

#[derive(Debug, Default)]
struct Known {
    /// Number in the stream; 0 before the first update.
    stream_id: u32,
    /// Generation of each shard at the last look.
    generations: Vec<u64>,
    /// The words of all shards together.
    totals: Vec<u64>,
}

/// What a look at the cells brought.
#[derive(Debug, Default, PartialEq)]
pub struct Gains {
    /// Series seen for the first time.
    pub new: Vec<Series>,
    /// What each gained; only those that gained something.
    pub deltas: Vec<SeriesDelta>,
}

impl Cells {
    /// Nothing seen yet of a probe whose cells are kept in `shards` shards.
    pub fn new(schema: &'static Schema, shards: u32) -> Self {
        let buckets: Vec<usize> = schema.histograms.iter().map(|h| h.2).collect();
        Self {
            schema,
            words: cell::words(schema.sums.len(), &buckets),
            shards: shards as usize,
            series: Vec::new(),
            errors: HashMap::new(),
        }
    }

    /// Name of the probe.
    pub fn probe(&self) -> &'static str {
        self.schema.probe
    }

    /// Bytes at the start of the cells map that hold the series in use.
    /// `keys` is the map from ids to keys; an unused row of it is all zero.
    pub fn bytes_in_use(&self, keys: &[AtomicU64]) -> usize {
        let rows = keys.chunks_exact(KEY_WORDS);
        let last = rows
            .rev()
            .position(|row| row.iter().any(|word| word.load(Relaxed) != 0))
            .map_or(0, |unused| keys.len() / KEY_WORDS - 1 - unused);
        (last + 1) * self.series_words() * size_of::<u64>()
    }

    /// Words of all shards of one series.
    fn series_words(&self) -> usize {
        self.words * self.shards
    }

    /// Looks at the cells whose generation moved, or, if `all`, at every one.
    /// `next_id` gives the series their numbers in the stream; `errors` is read
    /// only if a series counted one.
    pub fn look(
        &mut self,
        keys: &[AtomicU64],
        cells: &[AtomicU64],
        all: bool,
        next_id: &mut u32,
        errors: impl FnOnce() -> anyhow::Result<Vec<ErrorCount>>,
    ) -> anyhow::Result<Gains> {
        let mut gains = Gains::default();
        let mut deltas: BTreeMap<u32, SeriesDelta> = BTreeMap::new();
        let series_words = self.series_words();
        let rows = keys.len() / KEY_WORDS;
        for (id, shards) in cells.chunks_exact(series_words).take(rows).enumerate() {
            if let Some((sums, histograms)) = self.look_at(id, shards, all) {
                if let Some(series) = self.name(id, keys, next_id) {
                    gains.new.push(series);
                }
                deltas.insert(
                    id as u32,
                    SeriesDelta {
                        series: self.series[id].stream_id,
                        sums,
                        histograms,
                        errors: BTreeMap::new(),
                    },
                );
            }
        }
        if all || self.any_error(&deltas) {
            for error in errors()? {
                self.book_error(error, &mut deltas);
            }
        }
        gains.deltas = deltas.into_values().collect();
        Ok(gains)
    }

    /// What one series gained, or `None` if nothing.
    fn look_at(
        &mut self,
        id: usize,
        shards: &[AtomicU64],
        all: bool,
    ) -> Option<(Vec<u64>, Vec<HistogramDelta>)> {
        if self.series.len() <= id {
            self.series.resize_with(id + 1, Known::default);
        }
        let known = &mut self.series[id];
        known.generations.resize(self.shards, 0);
        let mut moved = all;
        // The generation is read before the words and written after them, so
        // what it announces is seen now, and what comes later is seen next time.
        for (shard, generation) in shards.chunks_exact(self.words).zip(&mut known.generations) {
            let now = shard[0].load(std::sync::atomic::Ordering::Acquire);
            moved |= now != *generation;
            *generation = now;
        }
        if !moved {
            return None;
        }
        let now = sum_shards(self.schema, self.words, shards);
        known.totals.resize(self.words, 0);
        let gain = gain(self.schema, &known.totals, &now);
        known.totals = now;
        gain
    }

    /// Gives a series its number in the stream, the first time.
    fn name(&mut self, id: usize, keys: &[AtomicU64], next_id: &mut u32) -> Option<Series> {
        let known = &mut self.series[id];
        if known.stream_id != 0 {
            return None;
        }
        known.stream_id = *next_id;
        *next_id += 1;
        let row = &keys[id * KEY_WORDS..][..KEY_WORDS];
        let row: Vec<u64> = row.iter().map(|word| word.load(Relaxed)).collect();
        let key = SeriesKey::read_from_bytes(row.as_bytes()).unwrap_or_default();
        Some(Series {
            id: known.stream_id,
            probe: self.schema.probe.to_owned(),
            keys: keys::values(self.schema, id as u32, &key),
        })
    }

    fn any_error(&self, deltas: &BTreeMap<u32, SeriesDelta>) -> bool {
        let errors = self.schema.sums.iter().position(|sum| sum.0 == "errors");
        errors.is_some_and(|sum| deltas.values().any(|delta| delta.sums[sum] > 0))
    }

    fn book_error(&mut self, error: ErrorCount, deltas: &mut BTreeMap<u32, SeriesDelta>) {
        let Some(stream_id) = self.series.get(error.series as usize).map(|k| k.stream_id) else {
            return;
        };
        // Its cell has not been seen to move yet: the next look has both.
        if stream_id == 0 {
            return;
        }
        let before = self.errors.entry((error.series, error.errno)).or_default();
        let gained = error.calls.saturating_sub(*before);
        *before = error.calls;
        if gained > 0 {
            let delta = deltas.entry(error.series).or_insert_with(|| SeriesDelta {
                series: stream_id,
                sums: vec![0; self.schema.sums.len()],
                histograms: vec![HistogramDelta::default(); self.schema.histograms.len()],
                errors: BTreeMap::new(),
            });
            *delta.errors.entry(errno_name(error.errno)).or_default() += gained;
        }
    }
}

/// The words of a series over all shards: sums and counts added, the largest of
/// the maxima.
fn sum_shards(schema: &Schema, words: usize, shards: &[AtomicU64]) -> Vec<u64> {
    let mut totals = vec![0u64; words];
    let maxima = maxima(schema);
    for shard in shards.chunks_exact(words) {
        for (word, (total, value)) in totals.iter_mut().zip(shard).enumerate() {
            let value = value.load(Relaxed);
            *total = if maxima.contains(&word) {
                value.max(*total)
            } else {
                total.wrapping_add(value)
            };
        }
    }
    totals
}

/// Positions of the words that hold a histogram's largest value.
fn maxima(schema: &Schema) -> Vec<usize> {
    let mut next = 1 + schema.sums.len();
    let mut maxima = Vec::with_capacity(schema.histograms.len());
    for &(_, _, buckets) in schema.histograms {
        maxima.push(next);
        next += 1 + buckets;
    }
    maxima
}

/// The difference of two totals, or `None` if there is none.
fn gain(schema: &Schema, before: &[u64], now: &[u64]) -> Option<(Vec<u64>, Vec<HistogramDelta>)> {
    let gained = |word: usize| now[word].saturating_sub(before[word]);
    let sums: Vec<u64> = (1..=schema.sums.len()).map(gained).collect();
    let mut histograms = Vec::with_capacity(schema.histograms.len());
    for (&max, &(_, _, buckets)) in maxima(schema).iter().zip(schema.histograms) {
        let mut delta = HistogramDelta {
            max: now[max],
            ..HistogramDelta::default()
        };
        for bucket in 0..buckets {
            let count = gained(max + 1 + bucket);
            if count > 0 {
                delta.buckets.push(bucket as u32);
                delta.counts.push(count);
            }
        }
        histograms.push(delta);
    }
    let any = sums.iter().any(|&sum| sum > 0) || histograms.iter().any(|h| !h.buckets.is_empty());
    any.then_some((sums, histograms))
}

#[cfg(test)]
#[path = "cells_tests.rs"]
mod tests;
