//! What one series counted since the start.

use std::collections::BTreeMap;

use crate::sample::{SeriesDelta, series_delta::HistogramDelta};

/// Cumulative counts of one series. Sums and histograms are in the order of
/// the probe's schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeriesTotal {
    /// Cumulative sums.
    pub sums: Vec<u64>,
    /// Cumulative histograms.
    pub histograms: Vec<HistogramTotal>,
    /// Calls that failed, by errno name.
    pub errors: BTreeMap<String, u64>,
}

/// A cumulative histogram.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistogramTotal {
    /// Largest value.
    pub max: u64,
    /// Bucket index ([`probe_common::bucket`]) and count, ascending; none is 0.
    pub buckets: Vec<(u32, u64)>,
}

impl SeriesTotal {
    /// Adds what a window brought.
    pub fn add(&mut self, delta: &SeriesDelta) {
        extend_to(&mut self.sums, delta.sums.len());
        for (sum, more) in self.sums.iter_mut().zip(&delta.sums) {
            *sum = sum.saturating_add(*more);
        }
        extend_to(&mut self.histograms, delta.histograms.len());
        for (histogram, more) in self.histograms.iter_mut().zip(&delta.histograms) {
            histogram.add(more);
        }
        for (errno, count) in &delta.errors {
            let calls = self.errors.entry(errno.clone()).or_default();
            *calls = calls.saturating_add(*count);
        }
    }

    /// As a record of series `series`.
    pub fn to_delta(&self, series: u32) -> SeriesDelta {
        SeriesDelta {
            series,
            sums: self.sums.clone(),
            histograms: self
                .histograms
                .iter()
                .map(HistogramTotal::to_delta)
                .collect(),
            errors: self.errors.clone(),
        }
    }

    /// What this has more than `earlier`.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let none = HistogramTotal::default();
        Self {
            sums: self
                .sums
                .iter()
                .enumerate()
                .map(|(i, sum)| sum.saturating_sub(earlier.sums.get(i).copied().unwrap_or(0)))
                .collect(),
            histograms: self
                .histograms
                .iter()
                .enumerate()
                .map(|(i, histogram)| histogram.since(earlier.histograms.get(i).unwrap_or(&none)))
                .collect(),
            errors: self
                .errors
                .iter()
                .map(|(errno, count)| {
                    let before = earlier.errors.get(errno).copied().unwrap_or(0);
                    (errno.clone(), count.saturating_sub(before))
                })
                .filter(|(_, count)| *count != 0)
                .collect(),
        }
    }
}

impl HistogramTotal {
    /// Number of values counted.
    pub fn count(&self) -> u64 {
        self.buckets
            .iter()
            .fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    fn add(&mut self, delta: &HistogramDelta) {
        self.max = self.max.max(delta.max);
        // The indices ascend, so each search begins where the last one ended.
        let mut from = 0;
        let mut last = 0;
        for (&index, &count) in delta.buckets.iter().zip(&delta.counts) {
            if count == 0 {
                continue;
            }
            if index < last {
                from = 0;
            }
            last = index;
            match self.buckets[from..].binary_search_by_key(&index, |bucket| bucket.0) {
                Ok(at) => {
                    from += at;
                    let bucket = &mut self.buckets[from];
                    bucket.1 = bucket.1.saturating_add(count);
                }
                Err(at) => {
                    from += at;
                    self.buckets.insert(from, (index, count));
                }
            }
        }
    }

    fn to_delta(&self) -> HistogramDelta {
        let (buckets, counts) = self.buckets.iter().copied().unzip();
        HistogramDelta {
            max: self.max,
            buckets,
            counts,
        }
    }

    fn since(&self, earlier: &Self) -> Self {
        let before: BTreeMap<u32, u64> = earlier.buckets.iter().copied().collect();
        Self {
            max: self.max,
            buckets: self
                .buckets
                .iter()
                .map(|&(index, count)| {
                    let before = before.get(&index).copied().unwrap_or(0);
                    (index, count.saturating_sub(before))
                })
                .filter(|(_, count)| *count != 0)
                .collect(),
        }
    }
}

fn extend_to<T: Default>(list: &mut Vec<T>, len: usize) {
    if list.len() < len {
        list.resize_with(len, T::default);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn buckets_add_up_in_any_order(
            deltas in prop::collection::vec(prop::collection::vec((0u32..50, 0u64..9), 0..8), 0..8)
        ) {
            let mut total = HistogramTotal::default();
            let mut expected = BTreeMap::<u32, u64>::new();
            for delta in deltas {
                let (buckets, counts) = delta.iter().copied().unzip();
                total.add(&HistogramDelta { max: 0, buckets, counts });
                for (index, count) in delta {
                    *expected.entry(index).or_default() += count;
                }
            }
            let expected: Vec<_> = expected.into_iter().filter(|b| b.1 != 0).collect();
            prop_assert_eq!(total.buckets, expected);
        }
    }
}
