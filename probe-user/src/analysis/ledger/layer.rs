//! One layer of the ledger.

use crate::analysis::Evidence;
use crate::analysis::times::rfc3339;
use crate::cloud::Interval;
use serde::Serialize;

/// The layers that a growth goes through, in the order in which it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// Somebody asks for a larger claim.
    Request,
    /// The cloud's API takes a call.
    Api,
    /// The cloud says that it is done.
    Cloud,
    /// The node's kernel sees the disk's new capacity.
    Capacity,
    /// The partition on the disk.
    Partition,
    /// LVM, LUKS or multipath over it.
    Mapping,
    /// The file system.
    Filesystem,
    /// Kubernetes says that it is done.
    Kubernetes,
}

/// What came of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerState {
    /// It has the new size, or said so.
    Done,
    /// It is known not to have happened.
    Missing,
    /// It was tried when there was nothing to do.
    NoOp,
    /// It was tried, and failed.
    Failed,
    /// The evidence does not say.
    Unknown,
    /// There is no such layer here.
    NotApplicable,
}

/// What is known of one layer.
#[must_use]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerRow {
    /// Which.
    pub layer: Layer,
    /// What came of it.
    pub state: LayerState,
    /// Earliest time of it, RFC 3339, UTC.
    pub time: Option<String>,
    /// Width of the time, ns.
    pub error_ns: Option<u64>,
    /// Size before.
    pub from_bytes: Option<u64>,
    /// Size after.
    pub to_bytes: Option<u64>,
    /// On what it rests.
    pub evidence: Vec<Evidence>,
    /// In words.
    pub what: String,
    /// When, for the order of the lines.
    #[serde(skip)]
    pub at: Option<Interval>,
}

impl LayerRow {
    /// A layer of which there is nothing but its state.
    pub fn new(layer: Layer, state: LayerState, what: impl Into<String>) -> Self {
        Self {
            layer,
            state,
            time: None,
            error_ns: None,
            from_bytes: None,
            to_bytes: None,
            evidence: Vec::new(),
            what: what.into(),
            at: None,
        }
    }

    /// When it was.
    pub fn at(mut self, at: Option<Interval>) -> Self {
        self.time = at.map(|at| rfc3339(at.start_ns));
        self.error_ns = at.map(|at| at.end_ns.abs_diff(at.start_ns));
        self.at = at;
        self
    }

    /// Sizes before and after.
    pub fn sizes(mut self, from: Option<u64>, to: Option<u64>) -> Self {
        (self.from_bytes, self.to_bytes) = (from, to);
        self
    }

    /// On what it rests.
    pub fn shown_by(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }
}
