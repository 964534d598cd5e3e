//! Adding to memory that other CPUs, and preempted programs, add to as well.

use core::arch::asm;

/// Adds `value` to the word at `word`.
///
/// # Safety
///
/// `word` points to an aligned word of a map value.
#[inline(always)]
pub unsafe fn add(word: *mut u64, value: u64) {
    // SAFETY: the caller's.
    unsafe { add_at::<0>(word, value) };
}

/// Adds `value` to the word `WORD` words behind `base`.
///
/// # Safety
///
/// That word is an aligned word of a map value.
#[inline(always)]
pub unsafe fn add_at<const WORD: usize>(base: *mut u64, value: u64) {
    // The XADD instruction by name, as it is the only atomic one that 5.10 has.
    // The compiler would choose another where it knows more of the value: an
    // addition of 0 becomes an OR.
    //
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "lock *(u64 *)({base} + {offset}) += {value}",
            base = in(reg) base,
            offset = const WORD * 8,
            value = in(reg) value,
            options(nostack, preserves_flags),
        );
    }
}
