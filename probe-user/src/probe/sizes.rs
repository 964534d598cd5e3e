//! How large the maps are: bounded, whatever the machine.

use probe_common::cell::{COPY_WORDS, MAX_SHARDS, READAHEAD_WORDS};
use std::ops::RangeInclusive;

/// All maps together stay below this.
pub const MAPS_LIMIT: u64 = 32 << 20;

/// What the series' values may take; the rest is for calls in flight, the ring
/// buffer, and the hashes, whose sizes do not depend on the machine.
const CELLS_LIMIT: u64 = 20 << 20;

/// More series of a probe are not made, however few the CPUs.
const MAX_SERIES: u64 = 1024;

/// Sizes that the loader gives to the maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapSizes {
    /// Values that a series is spread over, a power of two.
    pub shards: u32,
    /// Series of the `copy` probe, the "other" series among them.
    pub copy_series: u32,
    /// Series of the `readahead` probe, the "other" series among them.
    pub readahead_series: u32,
    /// Ring buffer, bytes: a power of two, at least a page.
    pub ring_bytes: u32,
}

/// Ring buffers that can be asked for, bytes.
pub const RING_BYTES: RangeInclusive<u32> = 4096..=8 << 20;

impl MapSizes {
    /// Sizes for a machine with so many possible CPUs; `ring_bytes` is rounded
    /// up to what the kernel takes.
    pub fn new(possible_cpus: u32, ring_bytes: u32) -> Self {
        let shards = possible_cpus.clamp(1, MAX_SHARDS).next_power_of_two();
        let series = |words: usize| {
            let bytes = words as u64 * 8 * u64::from(shards);
            // Each of the two probes gets half.
            (CELLS_LIMIT / 2 / bytes).min(MAX_SERIES) as u32
        };
        Self {
            shards,
            copy_series: series(COPY_WORDS),
            readahead_series: series(READAHEAD_WORDS),
            ring_bytes: ring_bytes
                .clamp(*RING_BYTES.start(), *RING_BYTES.end())
                .next_power_of_two(),
        }
    }

    /// Entries of the maps whose size depends on these.
    pub fn entries(&self) -> [(&'static str, u32); 9] {
        [
            ("COPY_KEYS", self.copy_series),
            ("COPY_FREE", self.copy_series),
            ("COPY_BY_ID", self.copy_series),
            ("COPY_CELLS", self.copy_series * self.shards),
            ("READAHEAD_KEYS", self.readahead_series),
            ("READAHEAD_FREE", self.readahead_series),
            ("READAHEAD_BY_ID", self.readahead_series),
            ("READAHEAD_CELLS", self.readahead_series * self.shards),
            ("EVENTS", self.ring_bytes),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn few_cpus_have_more_series() {
        assert_eq!(
            MapSizes::new(2, 1 << 20),
            MapSizes {
                shards: 2,
                copy_series: 1000,
                readahead_series: 710,
                ring_bytes: 1 << 20
            }
        );
        assert_eq!(
            MapSizes::new(128, 1 << 20),
            MapSizes {
                shards: 8,
                copy_series: 250,
                readahead_series: 177,
                ring_bytes: 1 << 20
            }
        );
    }

    proptest! {
        #[test]
        fn values_stay_within_their_limit(cpus in 0u32..5000, ring in 0u32..) {
            let sizes = MapSizes::new(cpus, ring);
            let words = u64::from(sizes.copy_series) * COPY_WORDS as u64
                + u64::from(sizes.readahead_series) * READAHEAD_WORDS as u64;
            prop_assert!(words * 8 * u64::from(sizes.shards) <= CELLS_LIMIT);
            prop_assert!(sizes.shards.is_power_of_two() && sizes.ring_bytes.is_power_of_two());
            prop_assert!(sizes.copy_series >= 100 && sizes.readahead_series >= 100);
        }
    }
}
