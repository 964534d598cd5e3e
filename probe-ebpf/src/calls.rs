//! Arguments of a function, kept from its entry to its return: a kretprobe sees
//! the result only, where an fexit sees both.

use crate::{maps::CALLS, settings, task};
use aya_ebpf::programs::ProbeContext;

/// The first four arguments, as the registers have them.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Arguments([u64; 4]);

impl Arguments {
    /// Argument `N` as an address.
    #[inline(always)]
    pub fn address<const N: usize>(&self) -> *const u8 {
        self.0[N] as *const u8
    }

    /// Argument `N` as a number.
    #[inline(always)]
    pub fn number<const N: usize>(&self) -> u64 {
        self.0[N]
    }
}

/// One call of this thread, of the function that has this number. Of calls of
/// one function inside each other, the innermost is known.
#[inline(always)]
fn key(function: Function) -> u64 {
    (function as u64) << 32 | u64::from(task::ids().tid)
}

/// Functions whose arguments are kept.
#[derive(Clone, Copy)]
pub enum Function {
    AddPartition,
    BdevAddPartition,
    BdevResizePartition,
    BdevDelPartition,
    BdevDiskChanged,
    BlkdevIoctl,
    QueueRaStore,
    BdiRaStore,
    BlkdevCommonIoctl,
    VfsGetTree,
    PathUmount,
}

/// Keeps the arguments of the function that is entered.
#[inline(always)]
pub fn keep(ctx: &ProbeContext, function: Function) {
    if settings::armed() {
        let argument = |n| ctx.arg(n).unwrap_or(0);
        let arguments = Arguments([argument(0), argument(1), argument(2), argument(3)]);
        // The oldest make place for it: those whose return was never seen.
        let _ = CALLS.insert(key(function), arguments, 0);
    }
}

/// The arguments of the function that returns; `None` where its entry was not
/// seen.
#[inline(always)]
pub fn take(function: Function) -> Option<Arguments> {
    let key = key(function);
    // SAFETY: this thread's own value, copied.
    let arguments = unsafe { CALLS.get(key) }.copied();
    if arguments.is_some() {
        let _ = CALLS.remove(key);
    }
    arguments
}
