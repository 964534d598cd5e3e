//! The records of the ring buffer.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Every record begins with this; `kind` says what follows.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Header {
    /// `CLOCK_BOOTTIME`, ns.
    pub boot_ns: u64,
    /// cgroup id of the task.
    pub cgroup: u64,
    /// Kind of the record; see the constants of this module.
    pub kind: u32,
    /// Process id (the kernel's tgid, in the initial pid namespace).
    pub pid: u32,
    /// Thread id (the kernel's pid).
    pub tid: u32,
    /// 1 if the record stems from volprobe's own self-test.
    pub self_test: u32,
    /// Name of the task, NUL-padded.
    pub comm: [u8; 16],
}
