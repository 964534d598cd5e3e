//! Copies in flight, and the sums by process.
//!
//! The `SLOTS` map is an array indexed by thread id (`tid % SLOTS_LEN`); a call
//! that finds its place taken by another thread goes to the `OVERFLOW_SLOTS`
//! hash. Beside the call, a slot holds what the last calls of its place had in
//! common: which series they were counted in, and their sums, so that the
//! steady state needs no look-up by hash. When the process or the devices
//! change, the sums move to the `TOP` hash; the whole of a process is the
//! sum of both.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Slots; a power of two.
pub const SLOTS_LEN: u32 = 16384;

/// A call in flight.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Flight {
    /// Thread whose call this is; 0 for none. Written last at the start of a
    /// call and first at its end.
    pub tid: u32,
    /// Bits of [`flag`].
    pub flags: u32,
    /// Start of the call, `CLOCK_BOOTTIME`, ns.
    pub start_ns: u64,
    /// The file read from (of an ioctl: written to): with `position`, tells a
    /// call from another of the same thread.
    pub file_in: u64,
    /// Position in that file, bytes.
    pub position: u64,
    /// The file written to; for kprobes only, which see no argument at return.
    pub file_out: u64,
    /// Bytes asked for; for kprobes and clones.
    pub length: u64,
    /// Voluntary and involuntary switches of the task at the start.
    pub switches: u64,
    /// `se.sum_exec_runtime` of the task at the start, ns.
    pub run_ns: u64,
    /// Readahead inside the call; valid with [`flag::READAHEAD`].
    pub readahead: ReadaheadSums,
    /// Devices beneath an overlay, or of a clone; valid with [`flag::DEVICES`].
    pub dev_in: u32,
    /// As `dev_in`, of the file written to.
    pub dev_out: u32,
}

/// What readahead did inside a call.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct ReadaheadSums {
    /// Windows submitted.
    pub calls: u64,
    /// Their pages.
    pub pages: u64,
    /// Time spent in submitting, ns.
    pub submit_ns: u64,
}

/// Bits of [`Flight::flags`].
pub mod flag {
    /// The call is an ioctl.
    pub const IOCTL: u32 = 1 << 0;
    /// The file system has shared blocks.
    pub const CLONED: u32 = 1 << 1;
    /// `dev_in` and `dev_out` are set.
    pub const DEVICES: u32 = 1 << 2;
    /// The file system beneath has a copy method of its own.
    pub const INNER_METHOD: u32 = 1 << 3;
    /// `readahead` is set.
    pub const READAHEAD: u32 = 1 << 4;
    /// Calls inside this one that have not returned, from this bit on; for
    /// kprobes only.
    pub const DEPTH_SHIFT: u32 = 16;
}

/// One entry of the `SLOTS` array.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Slot {
    /// The call in flight.
    pub flight: Flight,
    /// Process of the sums.
    pub pid: u32,
    /// [`crate::series::Via`] of the sums.
    pub via: u32,
    /// Device read from.
    pub dev_in: u32,
    /// Device written to.
    pub dev_out: u32,
    /// cgroup id.
    pub cgroup: u64,
    /// Name of the task, NUL-padded.
    pub comm: [u8; 16],
    /// Calls since the sums last moved to `TOP`.
    pub calls: u64,
    /// Bytes copied by them.
    pub bytes: u64,
    /// Time in them, ns.
    pub time_ns: u64,
    /// Where calls of these keys are counted, by what came of them: the index of the
    /// cell plus 1; 0 where not known.
    pub cells: [u32; 3],
    /// The histogram's power of two that the last time fell into.
    pub shift: u32,
    /// Thread that reached the file-system layer in the running system call.
    pub reached: u32,
    /// 1 if the file system written to has a copy method of its own.
    pub method: u32,
}

/// Place in [`Slot::cells`] of calls that copied nothing.
pub const NOTHING: usize = 0;
/// Place of calls that shared blocks.
pub const CLONED: usize = 1;
/// Place of calls that copied data: which way, the keys decide.
pub const DATA: usize = 2;

/// Key of the `TOP` hash.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct TopKey {
    /// Process.
    pub pid: u32,
    /// Device read from.
    pub dev_in: u32,
    /// Device written to.
    pub dev_out: u32,
    /// Always 0.
    pub reserved: u32,
}

/// Value of the `TOP` hash: sums since the start of those that left a slot.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Top {
    /// Calls.
    pub calls: u64,
    /// Bytes copied.
    pub bytes: u64,
    /// Time in the calls, ns.
    pub time_ns: u64,
    /// cgroup id.
    pub cgroup: u64,
    /// Name of the task, NUL-padded.
    pub comm: [u8; 16],
}
