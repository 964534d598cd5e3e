//! What components' own words mean. Sources: kubernetes/kubernetes
//! `pkg/volume`, kubernetes-csi/external-resizer, k8s.io/mount-utils, and the
//! CSI drivers of the four clouds.

use crate::cloud::External;
use crate::cloud::external::Detail;

/// What a line of a log or an event of Kubernetes says about a resize. None of
/// them is a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The controller begins.
    Resizing,
    /// The controller is done with the cloud.
    CloudDone,
    /// kubelet begins on the node.
    NodeResizing,
    /// kubelet says that the node is done.
    NodeDone,
    /// The controller or the cloud refused.
    CloudFailed,
    /// The node failed.
    NodeFailed,
    /// It can only be done while the volume is detached.
    OfflineOnly,
    /// The file system is read-only.
    ReadOnly,
    /// A smaller size was asked for, or the same.
    NotLarger,
}

/// Parts of messages, the most particular first.
const WORDS: &[(&str, Meaning)] = &[
    ("only supports offline expansion", Meaning::OfflineOnly),
    ("only supported on unattached disk", Meaning::OfflineOnly),
    ("expect size is less than current", Meaning::NotLarger),
    ("requested read-only file system", Meaning::ReadOnly),
    ("no resize possible since filesystem", Meaning::ReadOnly),
    (
        "nodeexpandvolume.nodeexpandvolume failed",
        Meaning::NodeFailed,
    ),
    ("mountvolume.nodeexpandvolume failed", Meaning::NodeFailed),
    ("could not resize volume", Meaning::CloudFailed),
    ("controllerexpandvolume failed", Meaning::CloudFailed),
    ("resize got error", Meaning::CloudFailed),
    ("nodeexpandvolume succeeded", Meaning::NodeDone),
    ("update capacity of pv succeeded", Meaning::CloudDone),
    ("resize volume succeeded", Meaning::CloudDone),
    ("success to resize volume", Meaning::CloudDone),
    ("controllerexpandvolume succeeded", Meaning::CloudDone),
    (
        "mark pvc as file system resize required",
        Meaning::CloudDone,
    ),
    (
        "starting operationexecutor.expandinusevolume",
        Meaning::NodeResizing,
    ),
    ("started pvc processing for resize", Meaning::Resizing),
    ("external resizer is resizing volume", Meaning::Resizing),
];

/// Reasons of Kubernetes' events.
const REASONS: &[(&str, Meaning)] = &[
    ("FileSystemResizeSuccessful", Meaning::NodeDone),
    ("FileSystemResizeRequired", Meaning::CloudDone),
    ("FileSystemResizeFailed", Meaning::NodeFailed),
    ("VolumeResizeSuccessful", Meaning::CloudDone),
    ("Resizing", Meaning::Resizing),
];

/// What an event says; `None` where it is no words, or says nothing of interest.
pub fn meaning(event: &External) -> Option<Meaning> {
    let (reason, message, object) = match &event.detail {
        Detail::KubeEvent {
            reason,
            message,
            object,
        } => (reason.as_str(), message, object.as_str()),
        Detail::LogLine { message, .. } => ("", message, ""),
        _ => return None,
    };
    let message = message.to_lowercase();
    let by_words = WORDS.iter().find(|(part, _)| message.contains(part));
    let by_reason = || REASONS.iter().find(|(name, _)| *name == reason);
    let by_object = || {
        // The same reason of the controller (claim) and of kubelet (pod).
        let failed = reason == "VolumeResizeFailed";
        let meaning = if object.starts_with("Pod ") {
            Meaning::NodeFailed
        } else {
            Meaning::CloudFailed
        };
        failed.then_some(meaning)
    };
    by_words
        .or_else(by_reason)
        .map(|(_, meaning)| *meaning)
        .or_else(by_object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Interval;

    fn of(reason: &str, message: &str, object: &str) -> Option<Meaning> {
        meaning(&External {
            at: Interval::truncated(0, 1),
            source: "test",
            file: "".into(),
            line: 1,
            detail: Detail::KubeEvent {
                reason: reason.to_owned(),
                message: message.to_owned(),
                object: object.to_owned(),
            },
        })
    }

    #[test]
    fn the_message_says_more_than_the_reason() {
        let offline = "Unable to expand db/data because CSI driver x only supports offline \
                       expansion and volume is currently in-use";
        let claim = "PersistentVolumeClaim db/data";
        assert_eq!(
            of("VolumeResizeFailed", offline, claim),
            Some(Meaning::OfflineOnly)
        );
        assert_eq!(
            of("VolumeResizeFailed", "x", claim),
            Some(Meaning::CloudFailed)
        );
        assert_eq!(
            of("VolumeResizeFailed", "x", "Pod db/mysql-0"),
            Some(Meaning::NodeFailed)
        );
        assert_eq!(
            of("FileSystemResizeSuccessful", "x", claim),
            Some(Meaning::NodeDone)
        );
        assert_eq!(of("Scheduled", "x", "Pod db/mysql-0"), None);
    }
}
