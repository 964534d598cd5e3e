//! The JSON of a diff. The names of these fields are the schema: they are only
//! ever added to. Unknown is null, never absent, never 0.

use super::compare::Verdict;
use crate::analysis::Finding;
use crate::sample::Dev;
use serde::Serialize;
use serde_json::{Map, Value};

/// Name and number of the schema.
pub(super) const DIFF: &str = "volprobe.diff/1";

/// What changed from A to B.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    /// `volprobe.diff/1`.
    pub schema: &'static str,
    /// What was compared.
    pub recordings: Both<RecordingRow>,
    /// A pace that differs by less is the same.
    pub threshold: f64,
    /// Differences in the configuration, those with a shown effect first.
    pub config: Vec<ConfigRow>,
    /// Copies that are in both.
    pub copy: Vec<DiffRow>,
    /// Readahead that is in both.
    pub readahead: Vec<DiffRow>,
    /// Rows of all other probes that have a pace.
    pub series: Vec<DiffRow>,
    /// What rules found.
    pub findings: FindingsDiff,
    /// The difference in the configuration that the evidence shows to be the cause.
    pub cause: Option<Cause>,
    /// One sentence.
    pub summary: String,
    /// Of all rows together.
    pub verdict: Verdict,
    /// How to take the cause back, and to see that this helps.
    pub advice: Option<String>,
    /// What makes this less certain than it looks.
    pub notes: Vec<String>,
}

/// One value of each recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Both<T> {
    /// Of the first one.
    pub a: T,
    /// Of the second one.
    pub b: T,
}

impl<T> Both<T> {
    /// The same of either.
    pub(super) fn map<U>(&self, of: impl Fn(&T) -> U) -> Both<U> {
        Both {
            a: of(&self.a),
            b: of(&self.b),
        }
    }
}

/// One of the recordings.
#[derive(Clone, Debug, Serialize)]
pub struct RecordingRow {
    /// As given.
    pub file: String,
    /// Where it was made.
    pub host: Option<String>,
    /// On which kernel.
    pub kernel: Option<String>,
    /// RFC 3339, UTC.
    pub start: Option<String>,
    /// From start to end.
    pub duration_ns: u64,
}

/// Whether a difference did anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Effect {
    /// What was counted shows that it changed the pace.
    #[serde(rename = "shown")]
    Shown,
    /// What was counted cannot show it.
    #[serde(rename = "unknown")]
    Unknown,
    /// Nothing that it concerns changed, or not as this would have changed it.
    #[serde(rename = "none seen")]
    NoneSeen,
}

/// A difference in the configuration.
#[derive(Clone, Debug, Serialize)]
pub struct ConfigRow {
    /// `read_ahead_kb`, `kernel`, `mount_options`, …
    pub what: &'static str,
    /// Of which device, as B calls it; null for what is the node's.
    pub device: Option<String>,
    /// A network mount's server path, or where it is mounted.
    pub source: Option<String>,
    /// In A.
    pub a: Value,
    /// In B.
    pub b: Value,
    /// What it did.
    pub effect: Effect,
    /// Why that is said.
    pub why: String,
    #[serde(skip)]
    pub(super) volume: Option<usize>,
}

/// What is shown to have changed the pace.
#[derive(Clone, Debug, Serialize)]
pub struct Cause {
    /// As in the configuration.
    pub what: &'static str,
    /// As in the configuration.
    pub device: Option<String>,
    /// As in the configuration.
    pub a: Value,
    /// As in the configuration.
    pub b: Value,
}

/// A row that is in both recordings.
#[derive(Clone, Debug, Serialize)]
pub struct DiffRow {
    /// The probe.
    pub probe: String,
    /// Names as B has them, and kinds.
    pub key: Map<String, Value>,
    /// Calls.
    pub calls: Both<u64>,
    /// Time for one MiB; null where the probe counts no bytes.
    pub pace_ns_per_mib: Pace,
    /// Time for one of what the probe counts; null where that is bytes.
    pub pace_ns_each: Pace,
    /// Median of the latency, ns.
    pub p50: Both<Option<u64>>,
    /// 99 % of the latency, ns.
    pub p99: Both<Option<u64>>,
    /// Bytes over the time of the flush intervals in which there were any.
    pub bytes_per_s: Both<Option<u64>>,
    /// Pages a readahead window, median; null for other probes.
    pub window_pages: Both<Option<u64>>,
    /// Flush intervals in which something was finished.
    pub units: Both<usize>,
    /// Whether B is slower.
    pub verdict: Verdict,
    /// Too little to have a say in the verdict of all, or only a rate beside paces.
    pub minor: bool,
    /// Nothing of it has a pace: what is compared is the time from one call to the
    /// next, whoever it was that waited.
    pub by_rate: bool,
    /// What is particular about it.
    pub note: Option<String>,
    /// Of a read from a network mount, the server's path; null otherwise.
    pub source: Option<String>,
    /// Numbers of the volumes it is about, the one that is read from first.
    #[serde(skip)]
    pub(super) volumes: Vec<usize>,
    /// Time that it took, ns, on the side where it took most.
    #[serde(skip)]
    pub(super) weight_ns: u64,
    /// Bytes, or what else is counted, on the side with most.
    #[serde(skip)]
    pub(super) weight_bytes: u64,
}

impl DiffRow {
    /// A name or kind of the key.
    pub fn name(&self, key: &str) -> Option<&str> {
        self.key.get(key).and_then(Value::as_str)
    }

    /// Its pace, whatever it is counted in.
    pub fn pace(&self) -> &Pace {
        if self.pace_ns_per_mib.a.is_some() {
            &self.pace_ns_per_mib
        } else {
            &self.pace_ns_each
        }
    }
}

/// Paces, and how they compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Pace {
    /// In A, ns.
    pub a: Option<f64>,
    /// In B, ns.
    pub b: Option<f64>,
    /// B over A.
    pub ratio: Option<f64>,
    /// Lower bound of the ratio.
    pub low: Option<f64>,
    /// Upper bound of the ratio.
    pub high: Option<f64>,
}

/// Findings by where they hold.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FindingsDiff {
    /// In A only.
    pub only_a: Vec<Finding>,
    /// In B only.
    pub only_b: Vec<Finding>,
    /// In both, as in B.
    pub both: Vec<Finding>,
}

/// A volume of both recordings, and what it is called.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// By the kernel of B.
    pub(super) name: String,
    /// A network mount's server path.
    pub(super) source: Option<String>,
    /// In A and in B; none where several are one.
    pub(super) devs: Option<(Dev, Dev)>,
}
