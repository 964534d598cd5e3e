//! The rows of the tables, which are JSON objects of the report. Names are only
//! ever added. Unknown is null, never absent, never 0.

use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Quantiles of a distribution.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Quantiles {
    /// Number of values; with none of them, the others are null.
    pub count: u64,
    /// Smallest.
    pub min: Option<u64>,
    /// Median.
    pub p50: Option<u64>,
    /// 90 %.
    pub p90: Option<u64>,
    /// 99 %.
    pub p99: Option<u64>,
    /// 99.9 %.
    pub p999: Option<u64>,
    /// Largest.
    pub max: Option<u64>,
    /// Mean; null where the sum is not known.
    pub mean: Option<u64>,
}

/// Copies of one kind between two devices for one pod.
#[derive(Clone, Debug, Serialize)]
pub struct CopyRow {
    /// The node; only in a report of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Read from.
    pub src: Option<String>,
    /// Written to.
    pub dst: Option<String>,
    /// clone, fs, splice or none; unknown where the start of the call was not seen.
    pub route: Option<String>,
    /// syscall, ioctl or overlay.
    pub via: Option<String>,
    /// For whom.
    pub pod: Option<String>,
    /// Calls that returned, errors included.
    pub calls: u64,
    /// Calls by error.
    pub errors: BTreeMap<String, u64>,
    /// Bytes asked for.
    pub bytes_requested: u64,
    /// Bytes copied.
    pub bytes_copied: u64,
    /// Time in the call.
    pub latency_ns: Quantiles,
    /// Calls without a latency, because their start was not seen.
    pub no_latency: u64,
    /// Calls that copied less than they were asked to, as at the end of a file;
    /// null where not measured.
    pub short_copies: Option<u64>,
    /// Of those, how many ended before the file did: all but as many as there were
    /// calls that found the file at its end. In a tick that call may be in the next one.
    pub ended_early: Option<u64>,
    /// Why the copy took no better way; null where it took the best one, or where
    /// that is not known.
    pub why_not_better: Option<String>,
    /// Time on CPU; null where not measured.
    pub on_cpu_ns: Option<u64>,
    /// Time off CPU; null where not measured.
    pub off_cpu_ns: Option<u64>,
    /// Readahead inside the calls.
    pub readahead: NestedReadahead,
}

/// Readahead inside copies; null where not measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NestedReadahead {
    /// Windows submitted.
    pub calls: Option<u64>,
    /// Their pages.
    pub pages: Option<u64>,
    /// Time to submit them; not I/O wait.
    pub submit_ns: Option<u64>,
}

/// Readahead of one kind on one device for one pod.
#[derive(Clone, Debug, Serialize)]
pub struct ReadaheadRow {
    /// The node; only in a report of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Read from.
    pub device: Option<String>,
    /// For whom.
    pub pod: Option<String>,
    /// sync, async, forced or mmap.
    pub kind: Option<String>,
    /// Windows submitted.
    pub calls: u64,
    /// Pages asked for.
    pub pages_requested: u64,
    /// Pages submitted.
    pub pages_submitted: u64,
    /// Pages in windows at the file's own cap; null where not measured.
    pub pages_at_cap: Option<u64>,
    /// Pages a window.
    pub window_pages: Quantiles,
    /// Time to submit a window; not I/O wait.
    pub submit_ns: Quantiles,
    /// Streams that began.
    pub streams: u64,
    /// Pages by which streams advanced.
    pub pages_advanced: u64,
    /// Time in which they did.
    pub active_ns: u64,
}

impl ReadaheadRow {
    /// Time that streams took for a MiB; none where none went on.
    pub fn pace_ns_per_mib(&self) -> Option<u64> {
        (self.active_ns.saturating_mul(256)).checked_div(self.pages_advanced)
    }
}

/// A row of a probe that has no table of its own.
#[derive(Clone, Debug, Serialize)]
pub struct SeriesRow {
    /// The node; only in a report of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The probe.
    pub probe: String,
    /// Its keys by name.
    pub keys: Map<String, Value>,
    /// Sums by name.
    pub sums: BTreeMap<String, u64>,
    /// Units of the sums and histograms, by name.
    pub units: BTreeMap<String, String>,
    /// Histograms by name.
    pub histograms: BTreeMap<String, Quantiles>,
    /// Calls by error.
    pub errors: BTreeMap<String, u64>,
}

/// What one process copied between two devices.
#[derive(Clone, Debug, Serialize)]
pub struct TopRow {
    /// The node; only in a report of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its id; null for processes that were summed up.
    pub pid: Option<u32>,
    /// Its name.
    pub comm: String,
    /// Its pod.
    pub pod: Option<String>,
    /// Id of its container.
    pub container: Option<String>,
    /// Read from.
    pub src: Option<String>,
    /// Written to.
    pub dst: Option<String>,
    /// Calls.
    pub calls: u64,
    /// Bytes copied.
    pub bytes: u64,
    /// Time in the calls.
    pub time_ns: u64,
}
