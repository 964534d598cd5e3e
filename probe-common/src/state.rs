//! Bits of the word `STATE`, the one that changes while programs run; and of the
//! settings that do not.

/// Everything is attached: count, and send events.
pub const ARMED: u32 = 1;

/// A self-test is running: processes in the `SELF_TEST` map are told apart.
pub const SELF_TEST: u32 = 2;

/// Bits of the setting `Filters`: which of the filters of copies and readahead
/// are set. A filter that is not set costs nothing.
pub mod filter {
    /// Only the process `FILTER_PID`.
    pub const PID: u32 = 1;
    /// Only tasks of the name `FILTER_COMM`.
    pub const COMM: u32 = 2;
    /// Only the cgroup `FILTER_CGROUP`, and those below it.
    pub const CGROUP: u32 = 4;
    /// Only the device `FILTER_DEV`, read or written.
    pub const DEV: u32 = 8;
    /// Only processes in the map `TREE`.
    pub const TREE: u32 = 16;
}
