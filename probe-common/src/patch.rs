//! Numbers that the loader writes into the instructions of the programs before
//! the kernel verifies them: offsets of kernel fields, and a few settings.
//!
//! A read-only global would do as well, but each use of one is two instructions
//! of every run, and a field's offset one more to add it. Here the number is
//! part of the instruction that uses it.
//!
//! In the object, such an instruction holds a number that no other does: a load
//! has the offset [`LOAD`] + its field, and a move the value [`MOVE`] + its
//! field or setting. What was never patched is refused by the verifier (an
//! offset beyond any structure) or shows in a test of the object.

/// Offset in a load that stands for the offset of field number 0.
pub const LOAD: i32 = 0x7800;

/// Value in a move that stands for number 0.
pub const MOVE: i32 = 0x5eed_0000;

/// More numbers than this there are not: fields first, then settings.
pub const NUMBERS: i32 = 0x400;

/// Number of the first setting.
pub const SETTINGS: i32 = 0x300;

/// Settings of the programs, in the order of their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Setting {
    /// volprobe's own process id: its copies and reads are in no count.
    OwnTgid = SETTINGS,
    /// Shards of a series' value, a power of two.
    Shards,
    /// 1 if the kernel has `bpf_get_current_task_btf` (5.11).
    HasTaskBtf,
    /// 1 to count the calls refused in the entry of `copy_file_range(2)`.
    WithCopyEntry,
    /// Which filters of copies and readahead are set: bits of
    /// [`crate::state::filter`].
    Filters,
    /// 1 to count by the devices: of copies those read from and written to.
    WithDevices,
    /// 1 to count by cgroup.
    WithCgroup,
    /// 1 to split the time of copies into on and off CPU.
    WithOnCpu,
    /// 1 to count the readahead inside copies.
    WithReadahead,
}
