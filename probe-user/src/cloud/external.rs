//! Events that others saw.

use std::sync::Arc;

/// A time as an interval: it lies within, ends included. ns since the Unix
/// epoch, real time of whoever wrote it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval {
    /// Earliest.
    pub start_ns: i64,
    /// Latest.
    pub end_ns: i64,
}

impl Interval {
    /// From a time that was cut to a multiple of `precision_ns`.
    pub fn truncated(start_ns: i64, precision_ns: i64) -> Self {
        Self {
            start_ns,
            end_ns: start_ns.saturating_add(precision_ns - 1),
        }
    }

    /// Whether it is wholly before `other`; where they overlap neither is.
    pub fn is_before(&self, other: &Self) -> bool {
        self.end_ns < other.start_ns
    }
}

/// One event of an external source.
#[derive(Clone, Debug, PartialEq)]
pub struct External {
    /// When.
    pub at: Interval,
    /// Name of the format it came by.
    pub source: &'static str,
    /// The file it was read from.
    pub file: Arc<str>,
    /// Line of the file, from 1.
    pub line: u64,
    /// What.
    pub detail: Detail,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Detail {
    /// A call to a cloud's API that resizes a disk.
    ApiResize(ApiResize),
    /// The request of a claim was changed.
    PvcSpec(ClaimChange),
    /// The status of a claim was changed.
    PvcStatus(ClaimChange),
    /// The capacity of a persistent volume was changed.
    Pv(ClaimChange),
    /// A Kubernetes event about a volume.
    KubeEvent {
        /// Machine-readable reason, such as `FileSystemResizeSuccessful`.
        reason: String,
        /// Text.
        message: String,
        /// `Kind namespace/name`.
        object: String,
    },
    /// A line of a component's log about a volume.
    LogLine {
        /// Who wrote it.
        component: String,
        /// Text.
        message: String,
    },
}

impl Detail {
    /// Bytes of all text in it.
    pub(super) fn text_len(&self) -> usize {
        let len = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        match self {
            Self::ApiResize(call) => {
                let texts = [&call.disk_id, &call.error, &call.request_id, &call.actor];
                call.action.len() + texts.map(len).iter().sum::<usize>()
            }
            Self::PvcSpec(change) | Self::PvcStatus(change) | Self::Pv(change) => {
                let texts = [&change.error, &change.actor, &change.volume];
                change.namespace.len() + change.name.len() + texts.map(len).iter().sum::<usize>()
            }
            Self::KubeEvent {
                reason,
                message,
                object,
            } => reason.len() + message.len() + object.len(),
            Self::LogLine { component, message } => component.len() + message.len(),
        }
    }
}

/// A call that resizes a disk, or its completion.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiResize {
    /// Name of the call, such as `ResizeDisk`.
    pub action: String,
    /// The cloud's id of the disk, where the record names one.
    pub disk_id: Option<String>,
    /// Size before, where the record tells.
    pub from_bytes: Option<u64>,
    /// Size asked for, where the record tells.
    pub to_bytes: Option<u64>,
    /// How far the call is.
    pub state: ApiState,
    /// The provider's error code.
    pub error: Option<String>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// Who called.
    pub actor: Option<String>,
    /// The disk must be detached or its instance restarted for it to grow
    /// (`Type=offline` at Alibaba Cloud).
    pub offline: bool,
}

/// How far an API call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ApiState {
    /// Begun; its outcome is another record.
    Requested,
    /// The API took it; the disk may still have to grow.
    Accepted,
    /// The cloud says that it is done.
    Completed,
    /// Refused, or failed later.
    Failed,
}

/// A size of a Kubernetes object was changed.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimChange {
    /// Namespace; empty for a persistent volume.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Size before, where known.
    pub from_bytes: Option<u64>,
    /// Size after.
    pub to_bytes: Option<u64>,
    /// Why it failed.
    pub error: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// The persistent volume of a claim, where the record names it.
    pub volume: Option<String>,
}
