//! The current task.

use aya_ebpf::helpers;

/// Ids of the current task in the initial pid namespace.
#[derive(Clone, Copy)]
pub struct Ids {
    /// The process (the kernel's tgid).
    pub pid: u32,
    /// The thread (the kernel's pid).
    pub tid: u32,
}

/// Ids of the current task.
#[inline(always)]
pub fn ids() -> Ids {
    let both = helpers::bpf_get_current_pid_tgid();
    Ids {
        pid: (both >> 32) as u32,
        tid: both as u32,
    }
}

/// `CLOCK_BOOTTIME`, ns: does not stop while the machine sleeps, and is the one
/// clock of everything volprobe says.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: no argument.
    unsafe { helpers::generated::bpf_ktime_get_boot_ns() }
}
