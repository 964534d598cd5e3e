//! Adding to memory that other CPUs, and preempted programs, add to as well.

use core::intrinsics::{AtomicOrdering, atomic_xadd};

/// Adds `value` to the word at `word`.
///
/// # Safety
///
/// `word` points to an aligned word of a map value.
#[inline(always)]
pub unsafe fn add(word: *mut u64, value: u64) {
    // `AtomicU64::fetch_add` does not exist for this target. Relaxed and with
    // its result unused, the intrinsic becomes the XADD instruction, the only
    // atomic operation that 5.10 has.
    //
    // SAFETY: the caller's.
    unsafe {
        atomic_xadd::<u64, u64, { AtomicOrdering::Relaxed }>(word, value);
    }
}
