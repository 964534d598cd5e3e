//! Which lines of a log are about a volume's size or place.
//!
//! Sources: kubernetes-csi/external-resizer `pkg/controller`, csi-lib-utils
//! `connection`, kubernetes/kubernetes `pkg/volume`, k8s.io/mount-utils, the CSI
//! drivers of the four clouds, Linux `drivers/{block,nvme,scsi}` and `fs`,
//! e2fsprogs, xfsprogs, cloud-utils, util-linux.

use aho_corasick::AhoCorasick;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// What a line must speak of to be kept; compared without case.
const TOPICS: &[&str] = &[
    "resiz",
    "expand",
    "expansion",
    "error syncing pvc",
    "capacity of pv",
    "capacity_range",
    "capacity_bytes",
    "no retries permitted",
    // What the drivers say without any of these words.
    "optimizing state",
    "diskcapacity",
    "actual block size",
    "rescan",
    "size check failed",
    // Tools.
    "growpart",
    "growfs",
    "grown",
    "changed: partition",
    "nothing to do",
    "on-line shrinking",
    "data size unchanged",
    "data blocks changed",
    "run 'e2fsck",
    "repartitioning",
    "partition table failed",
    "blkrrpart",
    "partx",
    "sfdisk",
    // The kernel.
    "capacity change",
    "capacity data has changed",
    "new size:",
    "logical blocks",
];

static MATCHER: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(TOPICS)
        .expect("the topics are few and short")
});

/// Which component is amid a call that expands a volume: the older sidecars
/// write a call, its request, its response and its error as a line each, and
/// only the first tells which call it is.
#[derive(Debug, Default)]
pub(super) struct Conversations {
    expanding: BTreeSet<String>,
}

/// More components than this are not expanding at once.
const MAX_CONVERSATIONS: usize = 1000;

impl Conversations {
    /// Whether this line of a component is to be kept.
    pub(super) fn is_of_interest(&mut self, component: &str, message: &str) -> bool {
        let is_topic = MATCHER.is_match(message);
        let message = message.trim_start_matches('"');
        if message.starts_with("GRPC call") {
            if is_topic && self.expanding.len() < MAX_CONVERSATIONS {
                self.expanding.insert(component.to_owned());
            } else {
                self.expanding.remove(component);
            }
        } else if message.starts_with("GRPC ") && self.expanding.contains(component) {
            // Of a structured response the error is a part.
            if message.starts_with("GRPC error") || message.starts_with("GRPC response\"") {
                self.expanding.remove(component);
            }
            return true;
        }
        is_topic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_call_belong_together() {
        let mut conversations = Conversations::default();
        let kept: Vec<bool> = [
            "GRPC call: /csi.v1.Controller/CreateVolume",
            "GRPC error: <nil>",
            "GRPC call: /csi.v1.Controller/ControllerExpandVolume",
            r#"GRPC request: {"volume_id":"d-1"}"#,
            "GRPC response: {}",
            "GRPC error: rpc error: code = Internal desc = no",
            "GRPC error: <nil>",
        ]
        .iter()
        .map(|message| conversations.is_of_interest("csi-resizer", message))
        .collect();
        assert_eq!(kept, [false, false, true, true, true, true, false]);
        assert!(!conversations.is_of_interest("csi-attacher", "GRPC error: <nil>"));
    }
}
