//! Kubernetes objects as they were when someone exported them.

use std::collections::BTreeMap;

/// What the objects say, the latest export of each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Objects {
    /// Claims by namespace and name.
    pub claims: BTreeMap<(String, String), Claim>,
    /// Persistent volumes by name.
    pub volumes: BTreeMap<String, Volume>,
    /// Attachments by name.
    pub attachments: BTreeMap<String, Attachment>,
}

/// A `PersistentVolumeClaim`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claim {
    /// `spec.resources.requests.storage`.
    pub request_bytes: Option<u64>,
    /// `status.capacity.storage`: what Kubernetes says, not what is measured.
    pub status_bytes: Option<u64>,
    /// `spec.volumeName`.
    pub volume: Option<String>,
    /// `spec.volumeMode` is `Block`: there is no file system to grow.
    pub block_mode: bool,
    /// `status.allocatedResourceStatuses.storage`, such as `NodeResizePending`.
    pub resize_status: Option<String>,
    /// Conditions that hold: type and message.
    pub conditions: Vec<(String, String)>,
}

/// A `PersistentVolume`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Volume {
    /// `spec.csi.driver`.
    pub driver: Option<String>,
    /// `spec.csi.volumeHandle`.
    pub handle: Option<String>,
    /// `spec.capacity.storage`.
    pub capacity_bytes: Option<u64>,
    /// Namespace and name of `spec.claimRef`.
    pub claim: Option<(String, String)>,
}

/// A `VolumeAttachment`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attachment {
    /// `spec.source.persistentVolumeName`.
    pub volume: Option<String>,
    /// `spec.nodeName`.
    pub node: Option<String>,
    /// `status.attachmentMetadata`: `devicePath`, `LUN`, `serialNumber`.
    pub metadata: BTreeMap<String, String>,
    /// `status.attachError.message`.
    pub error: Option<String>,
}
