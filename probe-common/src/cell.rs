//! The value of one series: a run of 64-bit words.
//!
//! ```text
//! word 0            generation: changes with every update, so that a flush
//!                   reads only what was touched
//! words 1..=S       sums, cumulative since the start
//! then, for each histogram:
//!   1 word          the largest value seen
//!   B words         counts by bucket, cumulative since the start
//! ```
//!
//! User space takes differences and never resets. The names and units of the
//! sums and histograms are in user space's catalog; here is only their order.
//! A cell exists once a shard (`cpu % shards`), and all words are added to
//! atomically, so a shard may be shared by CPUs and by preempted programs.

use crate::bucket::{PAGE_BUCKETS, TIME_BUCKETS};

/// Sums of the `copy` probe, in the order of their words.
pub mod copy {
    /// Calls that returned, errors included.
    pub const CALLS: usize = 0;
    /// Calls whose start was not seen: counted in everything but the times.
    pub const NO_LATENCY: usize = 1;
    /// Time in the call, ns.
    pub const TIME_NS: usize = 2;
    /// Bytes asked for; of one call at most 0x7ffff000, the kernel's own limit of
    /// a read or write (`MAX_RW_COUNT`).
    pub const BYTES_REQUESTED: usize = 3;
    /// Bytes copied.
    pub const BYTES_COPIED: usize = 4;
    /// Calls that returned an error.
    pub const ERRORS: usize = 5;
    /// Calls that copied fewer bytes than asked, but more than none.
    pub const SHORT: usize = 6;
    /// Time on CPU, ns; exact for calls without a switch, else good to a tick.
    pub const ON_CPU_NS: usize = 7;
    /// Time off CPU, ns.
    pub const OFF_CPU_NS: usize = 8;
    /// Calls during which the task was switched out at least once.
    pub const SWITCHED: usize = 9;
    /// Readahead windows submitted inside the calls.
    pub const READAHEAD_CALLS: usize = 10;
    /// Pages of those windows.
    pub const READAHEAD_PAGES: usize = 11;
    /// Time spent submitting them, ns. Not I/O wait.
    pub const READAHEAD_SUBMIT_NS: usize = 12;
    /// Number of sums.
    pub const SUMS: usize = 13;
}

/// Sums of the `readahead` probe, in the order of their words.
pub mod readahead {
    /// Windows submitted: entries of `read_pages` with at least one page.
    pub const CALLS: usize = 0;
    /// Pages that the callers asked for (`req_count`).
    pub const PAGES_REQUESTED: usize = 1;
    /// Pages submitted (`_nr_pages` at `read_pages`).
    pub const PAGES_SUBMITTED: usize = 2;
    /// Time in `page_cache_{sync,async}_ra`, ns: allocating and submitting.
    pub const SUBMIT_NS: usize = 3;
    /// Streams that began: a (task, inode) whose window follows no other.
    pub const STREAMS: usize = 4;
    /// Σ distance between the indices of consecutive windows of a stream, pages.
    pub const PAGES_ADVANCED: usize = 5;
    /// Σ time between the submissions of consecutive windows of a stream, ns.
    pub const ACTIVE_NS: usize = 6;
    /// Pages that came in windows at the file's own cap (`f_ra.ra_pages`).
    pub const PAGES_AT_CAP: usize = 7;
    /// Number of sums.
    pub const SUMS: usize = 8;
}

/// Words of a cell with `sums` sums and histograms of these bucket counts.
pub const fn words(sums: usize, histograms: &[usize]) -> usize {
    let mut words = 1 + sums;
    let mut i = 0;
    while i < histograms.len() {
        words += 1 + histograms[i];
        i += 1;
    }
    words
}

/// Words of a `copy` cell: its sums and one histogram, of the time in the call.
pub const COPY_WORDS: usize = words(copy::SUMS, &[TIME_BUCKETS]);

/// Words of a `readahead` cell: its sums, and histograms of the time to submit
/// and of the window's pages.
pub const READAHEAD_WORDS: usize = words(readahead::SUMS, &[TIME_BUCKETS, PAGE_BUCKETS]);

/// More shards than this are not made, whatever the number of CPUs: memory is
/// bounded, and atomic adds keep a shared shard exact.
pub const MAX_SHARDS: u32 = 8;
