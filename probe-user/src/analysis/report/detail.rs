//! What happened, by kind of timeline entry.

use crate::cloud::ApiState;
use serde::Serialize;

/// The `detail` of a timeline entry.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Detail {
    /// `fs.resize`: an attempt, and what came of it.
    FsResize {
        /// ext4, xfs.
        fs: String,
        /// Size before.
        from_bytes: Option<u64>,
        /// Size measured after.
        to_bytes: Option<u64>,
        /// Size asked for.
        requested_bytes: Option<u64>,
        /// Name of the errno.
        error: Option<String>,
        /// Null where its return was not seen.
        duration_ns: Option<u64>,
        /// The ioctl.
        command: String,
        /// False: it had not returned by the end of the recording, or its return
        /// was not seen, and whether it succeeded is not known.
        returned: bool,
    },
    /// `device.capacity`.
    Capacity {
        /// Size before.
        from_bytes: Option<u64>,
        /// Size after.
        to_bytes: Option<u64>,
    },
    /// `partition.change`.
    Partition {
        /// add, resize, delete or reread.
        op: String,
        /// Null for reread.
        number: Option<u32>,
        /// Size before.
        from_bytes: Option<u64>,
        /// Size after.
        to_bytes: Option<u64>,
        /// Name of the errno.
        error: Option<String>,
    },
    /// `exec.start`.
    ExecStart {
        /// Its arguments.
        argv: Vec<String>,
    },
    /// `exec.exit`.
    ExecExit {
        /// Its arguments.
        argv: Vec<String>,
        /// Null where a signal ended it.
        exit_code: Option<i32>,
        /// Null where it exited.
        signal: Option<i32>,
        /// From exec to exit; null where the exec was not seen.
        duration_ns: Option<u64>,
        /// Resize ioctls it made; null where none was seen and one could have been missed.
        resize_calls: Option<u32>,
        /// Devices it worked on.
        devices: Vec<ToolDevice>,
    },
    /// `config.read_ahead_kb`.
    ReadAhead {
        /// KiB before.
        from: Option<u64>,
        /// KiB after.
        to: Option<u64>,
        /// Name of the errno.
        error: Option<String>,
        /// sysfs-queue, sysfs-bdi, ioctl or poll.
        via: String,
    },
    /// `api.resize`.
    ApiResize {
        /// Name of the call.
        action: String,
        /// The cloud's id of the disk.
        disk_id: Option<String>,
        /// Size before.
        from_bytes: Option<u64>,
        /// Size asked for.
        to_bytes: Option<u64>,
        /// How far the call is.
        state: ApiState,
        /// The provider's code.
        error: Option<String>,
        /// The provider's id of the request.
        request_id: Option<String>,
        /// Who called.
        actor: Option<String>,
        /// From where.
        #[serde(flatten)]
        source: Source,
    },
    /// `k8s.pvc_spec`, `k8s.pvc_status`, `k8s.pv`.
    Claim {
        /// Null for a persistent volume.
        namespace: Option<String>,
        /// Of the claim or persistent volume.
        name: String,
        /// Size before.
        from_bytes: Option<u64>,
        /// Size after.
        to_bytes: Option<u64>,
        /// Why it was refused.
        error: Option<String>,
        /// Who wrote it.
        actor: Option<String>,
        /// From where.
        #[serde(flatten)]
        source: Source,
    },
    /// `k8s.event`.
    KubeEvent {
        /// For machines.
        reason: String,
        /// For people.
        message: String,
        /// `Kind namespace/name`.
        object: String,
        /// From where.
        #[serde(flatten)]
        source: Source,
    },
    /// `log.line`.
    LogLine {
        /// Who wrote it.
        component: String,
        /// Text.
        message: String,
        /// From where.
        #[serde(flatten)]
        source: Source,
    },
    /// `mount.*`.
    Mount {
        /// Where; null where no look at the mount table saw it.
        mount_point: Option<String>,
        /// File system.
        fs: String,
        /// Name of the errno.
        error: Option<String>,
    },
}

/// The place of an external input that tells of it.
#[derive(Clone, Debug, Serialize)]
pub struct Source {
    /// Format.
    pub source: &'static str,
    /// Path as given.
    pub file: String,
    /// Line, from 1.
    pub line: u64,
}

/// A device that a tool worked on.
#[derive(Clone, Debug, Serialize)]
pub struct ToolDevice {
    /// Its name.
    pub device: Option<String>,
    /// The size that the tool was told.
    pub size_bytes: Option<u64>,
    /// The file system's size that it was told, where it asked for that.
    pub fs_size_bytes: Option<u64>,
    /// `kernel`: seen there; `argv`: concluded from the arguments.
    pub resolved: String,
}
