//! Histograms as they are in the stream, for quantiles.

use crate::sample::series_delta::HistogramDelta;
use hdrhistogram::Histogram;
use probe_common::bucket;

/// Buckets beyond this do not fit a `u64`; only a damaged stream names them.
const MAX_BUCKETS: u32 = 960;

/// A distribution of values, exact to the bucket (at most 6.25 % wide).
#[derive(Clone, Debug)]
pub struct Distribution {
    hdr: Histogram<u64>,
    largest: u64,
}

impl Default for Distribution {
    fn default() -> Self {
        Self {
            hdr: Histogram::new(1).expect("one significant digit is a valid precision"),
            largest: 0,
        }
    }
}

impl Distribution {
    /// Adds what a series gained.
    pub fn add(&mut self, delta: &HistogramDelta) {
        for (&index, &count) in delta.buckets.iter().zip(&delta.counts) {
            if index < MAX_BUCKETS && count > 0 {
                // Cannot fail: the histogram grows to any value.
                let _ = self.hdr.record_n(bucket::lowest(index as usize), count);
            }
        }
        self.largest = self.largest.max(delta.max);
    }

    /// Adds all values of another distribution.
    pub fn merge(&mut self, other: &Self) {
        // Cannot fail: the histogram grows to any value.
        let _ = self.hdr.add(&other.hdr);
        self.largest = self.largest.max(other.largest);
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.hdr.len()
    }

    /// The lower bound of the lowest bucket with a value in it.
    pub fn min(&self) -> Option<u64> {
        let lowest = self.hdr.lowest_equivalent(self.hdr.min());
        (!self.hdr.is_empty()).then(|| lowest.min(self.largest))
    }

    /// The largest value. Exact for a whole recording; for a part of it, exact
    /// only where that part holds the recording's largest, and otherwise the
    /// upper bound of its bucket.
    pub fn max(&self) -> Option<u64> {
        (!self.hdr.is_empty()).then(|| self.largest.min(self.hdr.max()))
    }

    /// What values above `limit` have of the sum of all values, 0..=1; 0 where
    /// there are none.
    pub fn share_above(&self, limit: u64) -> f64 {
        let (mut above, mut all) = (0.0, 0.0);
        for step in self.hdr.iter_recorded() {
            let lowest = self.hdr.lowest_equivalent(step.value_iterated_to());
            let sum = lowest as f64 * step.count_at_value() as f64;
            all += sum;
            if lowest > limit {
                above += sum;
            }
        }
        if all > 0.0 { above / all } else { 0.0 }
    }

    /// The value below which the share `quantile` (0..=1) of all values lies:
    /// the middle of its bucket, so at most 3.2 % off.
    pub fn quantile(&self, quantile: f64) -> Option<u64> {
        let (min, max) = (self.min()?, self.max()?);
        let value = self.hdr.value_at_quantile(quantile);
        Some(self.hdr.median_equivalent(value).clamp(min, max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use probe_common::bucket::{TIME_BUCKETS, index};
    use proptest::prelude::*;

    fn of(values: &[u64]) -> Distribution {
        let mut distribution = Distribution::default();
        for &value in values {
            distribution.add(&HistogramDelta {
                max: value,
                buckets: vec![index(value, TIME_BUCKETS) as u32],
                counts: vec![1],
            });
        }
        distribution
    }

    #[test]
    fn shares_are_of_the_sum() {
        let windows = of(&[32, 32, 32, 32, 128, 256]);
        let percent = |windows: &Distribution, limit| (100.0 * windows.share_above(limit)) as u64;
        assert_eq!(
            [256, 32, 0].map(|limit| percent(&windows, limit)),
            [0, 75, 100]
        );
        assert_eq!(percent(&Distribution::default(), 1), 0);
    }

    #[test]
    fn an_empty_one_has_no_quantiles() {
        let empty = Distribution::default();
        assert_eq!(empty.count(), 0);
        assert_eq!(
            (empty.min(), empty.quantile(0.5), empty.max()),
            (None, None, None)
        );
    }

    #[test]
    fn a_part_does_not_claim_the_largest_of_the_whole() {
        let mut part = Distribution::default();
        part.add(&HistogramDelta {
            max: 1_000_000,
            buckets: vec![10],
            counts: vec![3],
        });
        assert_eq!(part.max(), Some(10));
    }

    #[test]
    fn buckets_that_cannot_be_are_left_out() {
        let mut distribution = Distribution::default();
        distribution.add(&HistogramDelta {
            max: 5,
            buckets: vec![u32::MAX, 5, 959],
            counts: vec![7, 1, 1],
        });
        assert_eq!(distribution.count(), 2);
    }

    proptest! {
        #[test]
        fn quantiles_are_within_half_a_bucket(mut values in prop::collection::vec(0u64..1 << 40, 1..200)) {
            let distribution = of(&values);
            values.sort_unstable();
            let exact = values[(values.len() - 1) / 2];
            let median = distribution.quantile(0.5).unwrap();
            prop_assert!(median.abs_diff(exact) <= exact / 31 + 1, "{median} for {exact}");
            prop_assert_eq!(distribution.max(), values.last().copied());
        }

        #[test]
        fn merging_is_adding_all(a in prop::collection::vec(0u64..1 << 40, 0..50), b in prop::collection::vec(0u64..1 << 40, 0..50)) {
            let mut merged = of(&a);
            merged.merge(&of(&b));
            let all = of(&[a, b].concat());
            prop_assert_eq!(merged.count(), all.count());
            prop_assert_eq!(merged.quantile(0.9), all.quantile(0.9));
            prop_assert_eq!(merged.max(), all.max());
        }
    }
}
