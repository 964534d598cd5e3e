//! Numbers that the loader writes into the instructions; see
//! `probe_common::patch`.

use core::arch::asm;
use core::hint::assert_unchecked;
use probe_common::patch::{LOAD, MOVE};

/// The number of a field or setting.
#[inline(always)]
pub fn number<const NUMBER: i32>() -> u32 {
    wide::<NUMBER>() as u32
}

/// The same as a register holds it: compared with what is in one, it need not be
/// cut to 32 bits first.
///
/// Each call is an instruction of its own: a number kept in a register would be
/// one that the verifier does not see as known at every branch.
#[inline(always)]
pub fn wide<const NUMBER: i32>() -> u64 {
    let value: u64;
    // SAFETY: a register is set. The loader writes no negative number.
    unsafe {
        asm!(
            "{value} = {number}",
            value = lateout(reg) value,
            number = const MOVE + NUMBER,
            options(nomem, nostack, preserves_flags),
        );
        assert_unchecked(value <= i32::MAX as u64);
    }
    value
}

/// The value of a setting, known to the verifier: what is off costs nothing.
macro_rules! setting {
    ($setting:ident) => {
        $crate::patched::number::<{ probe_common::patch::Setting::$setting as i32 }>()
    };
}
pub(crate) use setting;

/// A field's value.
pub trait Word: Copy + Default {
    /// Loads the field of this number of the structure at `base`.
    ///
    /// # Safety
    ///
    /// The verifier knows what `base` points to, and accepts the load.
    unsafe fn load<const NUMBER: i32>(base: *const u8) -> Self;
}

/// Loads a field of 32 bits, as a register holds it: the compiler does not know
/// that the load clears the upper half, and would do so again for a `u32`.
///
/// # Safety
///
/// As for [`Word::load`].
#[inline(always)]
pub unsafe fn load_u32<const NUMBER: i32>(base: *const u8) -> u64 {
    let value: u64;
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "{value} = *(u32 *)({base} + {field})",
            value = lateout(reg) value,
            base = in(reg) base,
            field = const LOAD + NUMBER,
            options(readonly, nostack, preserves_flags),
        );
    }
    value
}

impl Word for u32 {
    #[inline(always)]
    unsafe fn load<const NUMBER: i32>(base: *const u8) -> Self {
        // SAFETY: the caller's.
        unsafe { load_u32::<NUMBER>(base) as u32 }
    }
}

impl Word for u64 {
    #[inline(always)]
    unsafe fn load<const NUMBER: i32>(base: *const u8) -> Self {
        let value: u64;
        // SAFETY: the caller's.
        unsafe {
            asm!(
                "{value} = *(u64 *)({base} + {field})",
                value = lateout(reg) value,
                base = in(reg) base,
                field = const LOAD + NUMBER,
                options(readonly, nostack, preserves_flags),
            );
        }
        value
    }
}
