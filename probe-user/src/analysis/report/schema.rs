//! The JSON of a report. The names of these fields are the schema: they are
//! only ever added to. Unknown is null, never absent, never 0.

use super::detail::Detail;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Name and number of the schema.
pub(super) const REPORT: &str = "volprobe.report/1";

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `volprobe.report/1`.
    pub schema: &'static str,
    /// Where, when, with what.
    pub session: SessionRow,
    /// What is missing.
    pub completeness: Completeness,
    /// How good the times are.
    pub clock: ClockRow,
    /// The node's volumes.
    pub devices: Vec<DeviceRow>,
    /// Copies by (src, dst, route, via, pod).
    pub copy: Vec<CopyRow>,
    /// Readahead by (device, pod, kind).
    pub readahead: Vec<ReadaheadRow>,
    /// Rows of all other probes.
    pub series: Vec<SeriesRow>,
    /// Copies by process, most time first.
    pub top: Vec<TopRow>,
    /// What happened, in order.
    pub timeline: Vec<TimelineRow>,
    /// What it means, most important first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether any finding is more than information.
    pub fn has_findings_above_info(&self) -> bool {
        self.findings.iter().any(|f| f.severity > Severity::Info)
    }
}

/// Where, when and with what was recorded.
#[derive(Clone, Debug, Serialize)]
pub struct SessionRow {
    /// Name of the node.
    pub host: Option<String>,
    /// Its kernel's release.
    pub kernel: Option<String>,
    /// Its boot id.
    pub boot_id: Option<String>,
    /// RFC 3339, UTC.
    pub start: Option<String>,
    /// RFC 3339, UTC.
    pub end: Option<String>,
    /// From start to end.
    pub duration_ns: u64,
    /// Of the volprobe that recorded.
    pub version: Option<String>,
    /// Filters of the recording, as given; none: the whole node.
    pub filters: Vec<String>,
    /// The probes.
    pub probes: Vec<ProbeRow>,
}

/// One probe that a user can choose.
#[derive(Clone, Debug, Serialize)]
pub struct ProbeRow {
    /// Its name.
    pub name: String,
    /// attached, partial, waiting, unsupported, failed or off.
    pub state: &'static str,
    /// `passed`, `failed: why` or `not_possible: why`; null if it has not run.
    pub self_test: Option<String>,
    /// Calls absent from `calls`; null where the kernel does not count them.
    pub missed_runs: Option<u64>,
    /// Why the state is as it is.
    pub reason: Option<String>,
    /// Its hooks.
    pub hooks: Vec<HookRow>,
}

/// One hook of a probe.
#[derive(Clone, Debug, Serialize)]
pub struct HookRow {
    /// Kernel function, tracepoint, or what is polled.
    pub name: String,
    /// fentry, kprobe, tracepoint, `raw_tp`, poll or uevent.
    pub how: String,
    /// What it gives.
    #[serde(rename = "for")]
    pub gives: String,
    /// As of a probe.
    pub state: &'static str,
    /// Why the state is as it is.
    pub reason: Option<String>,
}

/// What is missing from a recording.
#[derive(Clone, Debug, Serialize)]
pub struct Completeness {
    /// Nothing is.
    pub complete: bool,
    /// There is no end statement.
    pub truncated: bool,
    /// Frames of the file that could not be read.
    pub damaged_frames: u64,
    /// Times for which something is unknown.
    pub gaps: Vec<GapRow>,
    /// What was lost.
    pub lost: Vec<LostRow>,
    /// What was counted in the series "other" for want of a series of its own.
    pub series_overflow: u64,
}

/// A time for which something is unknown.
#[derive(Clone, Debug, Serialize)]
pub struct GapRow {
    /// RFC 3339, UTC.
    pub from: Option<String>,
    /// RFC 3339, UTC.
    pub to: Option<String>,
    /// Of which probe; null: all.
    pub probe: Option<String>,
    /// The reason.
    pub why: String,
}

/// What was lost in one stretch of time.
#[derive(Clone, Debug, Serialize)]
pub struct LostRow {
    /// Kind.
    pub kind: String,
    /// How many.
    pub count: u64,
    /// RFC 3339, UTC.
    pub from: Option<String>,
    /// RFC 3339, UTC.
    pub to: Option<String>,
}

/// How good the times are.
#[derive(Clone, Debug, Serialize)]
pub struct ClockRow {
    /// Whether the kernel said so throughout; null without any anchor.
    pub synchronised: Option<bool>,
    /// The largest error that the kernel gave.
    pub max_error_ns: Option<u64>,
    /// Anchors of boot time to real time.
    pub anchors: u64,
    /// Times at which the clock was set.
    pub steps: u64,
}

/// A volume, as at the end of the recording.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceRow {
    /// The kernel's name, or `<fstype>:<mount point>`.
    pub name: String,
    /// `MAJ:MIN`.
    pub dev: String,
    /// Serial number: for cloud disks, the disk's id or part of it.
    pub serial: Option<String>,
    /// Size of the device.
    pub size_bytes: Option<u64>,
    /// Of its queue, or of the network mount.
    pub read_ahead_kb: Option<u64>,
    /// File system on it.
    pub fs: Option<String>,
    /// From superblock or geometry.
    pub fs_size_bytes: Option<u64>,
    /// Mount points.
    pub mounts: Vec<String>,
    /// What was mounted: a path, or a server's path.
    pub source: Option<String>,
    /// Of a network mount.
    pub rsize: Option<u64>,
    /// Pod that it is mounted for.
    pub pod: Option<String>,
    /// Persistent volume.
    pub pv: Option<String>,
}

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
    /// Read from.
    pub src: Option<String>,
    /// Written to.
    pub dst: Option<String>,
    /// clone, fs, splice or none.
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

/// A row of a probe that has no table of its own.
#[derive(Clone, Debug, Serialize)]
pub struct SeriesRow {
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
    /// Its id; null for processes that were summed up.
    pub pid: Option<u32>,
    /// Its name.
    pub comm: String,
    /// Its pod.
    pub pod: Option<String>,
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

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
pub struct TimelineRow {
    /// Unique in the report.
    pub id: u64,
    /// ns since the Unix epoch; null without any clock anchor.
    pub t_ns: Option<i64>,
    /// The true time lies within this of `t_ns`.
    pub error_ns: Option<u64>,
    /// RFC 3339, UTC.
    pub time: Option<String>,
    /// Kind.
    pub kind: &'static str,
    /// What it happened to.
    pub device: Option<String>,
    /// Who did it.
    pub pid: Option<u32>,
    /// Who did it.
    pub comm: Option<String>,
    /// For whom.
    pub pod: Option<String>,
    /// Depends on the kind.
    pub detail: Detail,
    /// Boot time, for orders among kernel events.
    #[serde(skip)]
    pub boot_ns: u64,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Should be looked at.
    Warning,
    /// Somebody does not have what was asked for.
    Critical,
}

/// What evidence means.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Name of the rule.
    pub rule: &'static str,
    /// Version of the rule.
    pub version: u32,
    /// How bad it is.
    pub severity: Severity,
    /// The volume.
    pub device: Option<String>,
    /// One sentence.
    pub summary: String,
    /// On what it rests.
    pub evidence: Vec<Evidence>,
    /// Rules that also held here and say less.
    pub explains: Vec<&'static str>,
    /// What to do.
    pub advice: Option<String>,
}

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Evidence {
    /// An entry of the timeline.
    Event {
        /// Its id.
        id: u64,
    },
    /// Something that did not happen.
    Absence {
        /// What did not happen.
        what: String,
        /// Probes that would have seen it.
        probes: Vec<String>,
        /// RFC 3339, UTC.
        from: Option<String>,
        /// RFC 3339, UTC.
        to: Option<String>,
        /// events, state or both.
        basis: &'static str,
    },
    /// A setting or a size.
    Config {
        /// Of what.
        device: Option<String>,
        /// What it is.
        what: String,
    },
    /// A row of a table.
    Series {
        /// Its key, as `probe name=value …`.
        key: String,
    },
}
