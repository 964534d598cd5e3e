//! The JSON of a report. The names of these fields are the schema: they are
//! only ever added to. Unknown is null, never absent, never 0.

use super::detail::Detail;
use crate::analysis::finding::{Finding, Severity};
use crate::analysis::tables::{CopyRow, ReadaheadRow, SeriesRow, TopRow};
use serde::Serialize;

/// Name and number of the schema.
pub(super) const REPORT: &str = "volprobe.report/1";

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `volprobe.report/1`.
    pub schema: &'static str,
    /// Where, when, with what.
    pub session: SessionRow,
    /// The sessions of all nodes; only in a report of several, where `session` is
    /// the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<SessionRow>,
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
    /// What happened so often that it is only counted.
    pub timeline_folded: Vec<FoldedRow>,
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
    /// Of a recording that was split over files: how many parts lie before what is
    /// shown here; null of any other.
    pub part: Option<u32>,
    /// Process id of the volprobe that recorded, whose own copies and reads are in
    /// no count; null if they could not be left out.
    pub own_pid: Option<u32>,
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
    /// With what words its maker ended it: signal, duration, disk full …; null
    /// where it was cut off.
    pub ended: Option<String>,
    /// Frames of a large file that were passed over unread, because nothing of
    /// them was needed; damage in them would not be seen.
    pub unchecked_frames: u64,
    /// What this version does not know and has left out: kinds of frames, and
    /// records.
    pub unknown: Vec<UnknownRow>,
    /// Records beyond what any kernel can have; not 0 in a hostile file only.
    pub not_kept: u64,
}

/// Something that a newer version wrote.
#[derive(Clone, Debug, Serialize)]
pub struct UnknownRow {
    /// Kind of the frame; `record` for records in frames that are known.
    pub kind: String,
    /// How many.
    pub count: u64,
}

/// A time for which something is unknown.
#[derive(Clone, Debug, Serialize)]
pub struct GapRow {
    /// The node; only in a report of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
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
    /// The node; only in a report of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Kind.
    pub kind: String,
    /// How many.
    pub count: u64,
    /// RFC 3339, UTC.
    pub from: Option<String>,
    /// RFC 3339, UTC.
    pub to: Option<String>,
}

/// Entries of one kind that are counted, not listed.
#[derive(Clone, Debug, Serialize)]
pub struct FoldedRow {
    /// As in the timeline.
    pub kind: String,
    /// How many.
    pub count: u64,
    /// Time of the first, RFC 3339, UTC.
    pub from: Option<String>,
    /// Time of the last.
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
    /// The node; only in a report of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
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
    /// Given to no file, when it was last read.
    pub fs_free_bytes: Option<u64>,
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
    /// The node; only in a report of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
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
