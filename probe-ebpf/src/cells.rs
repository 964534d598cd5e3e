//! Adding to the value of a series. See `probe_common::cell` for its words.

use crate::atomic;
use probe_common::bucket;

/// A value, of which `WORDS` words may be touched.
#[derive(Clone, Copy)]
pub struct Cell<const WORDS: usize>(*mut u64);

impl<const WORDS: usize> Cell<WORDS> {
    /// The value at `words`.
    ///
    /// # Safety
    ///
    /// `words` is a value of a map.
    #[inline(always)]
    pub unsafe fn new(words: *mut [u64; WORDS]) -> Self {
        Self(words.cast())
    }

    /// Adds to the sum of this number.
    #[inline(always)]
    pub fn add<const SUM: usize>(self, value: u64) {
        // SAFETY: sums are within the value, as histograms follow them.
        unsafe { atomic::add_at::<SUM>(self.0.add(1), value) };
    }

    /// Counts `value` in the histogram of `BUCKETS` buckets whose words begin at
    /// `START`.
    #[inline(always)]
    pub fn count<const START: usize, const BUCKETS: usize>(self, value: u64) {
        self.count_at::<START>(bucket::index(value, BUCKETS), value);
    }

    /// As [`Self::count`], where most values are within a factor of two of the
    /// last one, whose power of two is in `shift`.
    #[inline(always)]
    pub fn count_near<const START: usize, const BUCKETS: usize>(self, value: u64, shift: &mut u32) {
        self.count_at::<START>(bucket::index_near(value, BUCKETS, shift), value);
    }

    #[inline(always)]
    fn count_at<const START: usize>(self, index: usize, value: u64) {
        // SAFETY: `index` is below `BUCKETS`, and the histogram is within the
        // value.
        unsafe {
            atomic::add_at::<START>(self.0.add(1).add(index), 1);
            // Two CPUs may race for the largest value. Who sees a larger one
            // does not write; the bucket bounds what is lost.
            let largest = self.0.add(START);
            if value > largest.read_volatile() {
                largest.write_volatile(value);
            }
        }
    }

    /// Ends an update. The generation comes last, so that a reader who sees it
    /// unchanged has missed nothing that will not move it again.
    #[inline(always)]
    pub fn touch(self) {
        // SAFETY: the first word.
        unsafe { atomic::add_at::<0>(self.0, 1) };
    }
}
