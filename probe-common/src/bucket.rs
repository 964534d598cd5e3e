//! Log-linear buckets: 16 to each power of two.
//!
//! The layout is that of `hdrhistogram` at one significant digit with a lowest
//! discernible value of 1, so kernel counts enter an HDR histogram without
//! loss: values 0..=31 have a bucket each, and above that a bucket is at most
//! 1/16 (6.25 %) of its lower bound wide.

/// Buckets for a time in nanoseconds: up to 2^43 ns, about 2 h 26 min.
pub const TIME_BUCKETS: usize = 640;

/// Buckets for a number of pages: up to 2^20 pages, 4 GiB.
pub const PAGE_BUCKETS: usize = 272;

/// log2 of the sub-buckets of one power of two.
const SUB_BITS: u32 = 4;

/// Sub-buckets of one power of two.
const SUB_BUCKETS: u64 = 1 << SUB_BITS;

/// The bucket of `value` in a histogram of `buckets` buckets; what is too large
/// for it is counted in the last one.
#[inline(always)]
pub fn index(value: u64, buckets: usize) -> usize {
    at(value, log2(value | 31) - SUB_BITS, buckets)
}

/// As [`index`], cheaper where `value` is in the same power of two as the one
/// before it, which `shift` remembers.
#[inline(always)]
pub fn index_near(value: u64, buckets: usize, shift: &mut u32) -> usize {
    let known = *shift & 63;
    if (value >> known).wrapping_sub(SUB_BUCKETS) < SUB_BUCKETS {
        return at(value, known, buckets);
    }
    let found = log2(value | 31) - SUB_BITS;
    *shift = found;
    at(value, found, buckets)
}

#[inline(always)]
fn at(value: u64, shift: u32, buckets: usize) -> usize {
    let index = ((shift as usize) << SUB_BITS) + (value >> shift) as usize;
    if index < buckets { index } else { buckets - 1 }
}

/// The smallest value counted in bucket `index`.
pub fn lowest(index: usize) -> u64 {
    let shift = (index >> SUB_BITS).saturating_sub(1);
    ((index - (shift << SUB_BITS)) as u64) << shift
}

/// The largest value counted in bucket `index`, were there a further bucket.
pub fn highest(index: usize) -> u64 {
    lowest(index + 1) - 1
}

/// Position of the highest set bit of a value that is not 0.
///
/// Written as halvings: BPF has no count-leading-zeros instruction.
#[inline(always)]
const fn log2(value: u64) -> u32 {
    let mut rest = value;
    let mut bits = 0;
    if rest >> 32 != 0 {
        rest >>= 32;
        bits += 32;
    }
    if rest >> 16 != 0 {
        rest >>= 16;
        bits += 16;
    }
    if rest >> 8 != 0 {
        rest >>= 8;
        bits += 8;
    }
    if rest >> 4 != 0 {
        rest >>= 4;
        bits += 4;
    }
    if rest >> 2 != 0 {
        rest >>= 2;
        bits += 2;
    }
    bits + (rest >> 1) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::Histogram;
    use proptest::prelude::*;

    fn hdr() -> Histogram<u64> {
        Histogram::new_with_bounds(1, (1 << 43) - 1, 1).unwrap()
    }

    proptest! {
        #[test]
        fn every_value_falls_in_hdrs_bucket(value in 0u64..1 << 43) {
            let hdr = hdr();
            let i = index(value, TIME_BUCKETS);
            prop_assert_eq!(lowest(i), hdr.lowest_equivalent(value));
            prop_assert_eq!(highest(i), hdr.highest_equivalent(value));
        }

        #[test]
        fn bounds_contain_the_value(value in 0u64..1 << 43) {
            let i = index(value, TIME_BUCKETS);
            prop_assert!(lowest(i) <= value && value <= highest(i));
            prop_assert!(highest(i) - lowest(i) <= value / 16);
        }

        #[test]
        fn no_value_leaves_the_histogram(value: u64) {
            prop_assert!(index(value, TIME_BUCKETS) < TIME_BUCKETS);
            prop_assert!(index(value, PAGE_BUCKETS) < PAGE_BUCKETS);
        }

        #[test]
        fn the_bucket_is_the_same_whatever_came_before(
            values in proptest::collection::vec(any::<u64>().prop_flat_map(|v| (0u32..64).prop_map(move |s| v >> s)), 1..20),
            mut shift: u32,
        ) {
            for value in values {
                prop_assert_eq!(index_near(value, TIME_BUCKETS, &mut shift), index(value, TIME_BUCKETS));
            }
        }

        #[test]
        fn order_is_kept(a: u64, b: u64) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(index(low, TIME_BUCKETS) <= index(high, TIME_BUCKETS));
        }
    }

    #[test]
    fn hdr_has_as_many_buckets() {
        assert_eq!(hdr().distinct_values(), TIME_BUCKETS);
    }
}
