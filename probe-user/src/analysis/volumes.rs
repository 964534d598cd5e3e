//! `volprobe.volumes/1`: each volume with the size of every layer, and what the
//! sizes show.

use super::correlate::Correlated;
use super::ledger::Layer;
use super::state::{self, Layers};
use super::times::rfc3339;
use super::{Finding, Severity, rules};
use crate::cloud::InputReport;
use crate::model::{Devices, Recording, Runs};
use crate::node::disk_id;
use crate::node::kernel_log::KernelLine;
use crate::sample::Dev;
use crate::sample::inventory::{Device, Mount, Volume};
use serde::Serialize;
use std::collections::BTreeSet;

/// All volumes of a node, as they are at the end of a recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Volumes {
    /// Name and version of this form.
    pub schema: &'static str,
    /// The node.
    pub host: Option<String>,
    /// Its kernel's release.
    pub kernel: Option<String>,
    /// One row a volume.
    pub volumes: Vec<VolumeRow>,
    /// What their sizes show, and with external inputs what those tell.
    pub findings: Vec<Finding>,
    /// What the kernel's log still says about sizes; null where it was not read.
    pub kernel_log: Option<Vec<LogRow>>,
    /// External inputs that were read.
    pub inputs: Vec<InputReport>,
}

/// A line of the kernel's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogRow {
    /// RFC 3339, UTC, by the present setting of the clock.
    pub time: String,
    /// The volume's device or one beneath, if the line names one.
    pub device: Option<String>,
    /// Text.
    pub message: String,
}

/// A volume: a mounted file system, a raw device that a pod has, or a disk that
/// nothing uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VolumeRow {
    /// The kernel's name of the device the file system lies on, or
    /// `<fstype>:<mount point>`.
    pub device: String,
    /// `MAJ:MIN`.
    pub dev: String,
    /// As the cloud calls the disk.
    pub disk_id: Option<String>,
    /// Serial number that the guest sees.
    pub serial: Option<String>,
    /// Persistent volume.
    pub pv: Option<String>,
    /// Claim, `namespace/name`.
    pub pvc: Option<String>,
    /// Pods that have it, `namespace/name`.
    pub pods: Vec<String>,
    /// Type of the file system.
    pub fs: Option<String>,
    /// Mount points.
    pub mounts: Vec<String>,
    /// What a network file system is mounted from.
    pub source: Option<String>,
    /// In bytes, from the request down to the status.
    pub sizes: Sizes,
    /// Why the size of the file system is not known.
    pub fs_size_error: Option<String>,
    /// Bytes of the file system that are given to no file.
    pub fs_free_bytes: Option<u64>,
    /// Read-ahead of the mount's backing device, in KiB.
    pub read_ahead_kb: Option<u64>,
    /// Names of the rules that hold for it.
    pub findings: Vec<&'static str>,
    /// Names of the devices that it lies on.
    #[serde(skip)]
    beneath: Vec<String>,
}

/// Size of each layer, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// Asked for in the claim.
    pub request: Option<u64>,
    /// Given by the cloud.
    pub api: Option<u64>,
    /// Of the whole disk, or of all disks together.
    pub device: Option<u64>,
    /// Of the partition.
    pub partition: Option<u64>,
    /// Of the topmost mapping (LVM, LUKS, multipath).
    pub mapping: Option<u64>,
    /// Of the file system, from its superblock or geometry.
    pub fs: Option<u64>,
    /// In the claim's status.
    pub pvc_status: Option<u64>,
}

/// The volumes at the end of a recording.
pub fn volumes(recording: &Recording) -> Volumes {
    let devices = recording.devices();
    let mut rows = Vec::new();
    let mut findings: Vec<Finding> = Vec::new();
    for dev in volumes_of(devices) {
        let found = state::findings(devices, dev);
        rows.push(row(devices, dev, &found));
        // Two volumes of one disk share what is beneath.
        let new = found.into_iter().filter(|one| !findings.contains(one));
        findings.extend(new.collect::<Vec<_>>());
    }
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.device.cmp(&b.device)));
    let session = recording.session();
    Volumes {
        schema: "volprobe.volumes/1",
        host: session.map(|session| session.host.clone()),
        kernel: session.map(|session| session.kernel.clone()),
        volumes: rows,
        findings,
        kernel_log: None,
        inputs: Vec::new(),
    }
}

/// The devices of the volumes that a person may mean by this name, and of all that
/// they lie on; none if there is no such volume at the end of the recording.
pub(super) fn called(recording: &Recording, name: &str) -> BTreeSet<Dev> {
    let devices = recording.devices();
    let volumes = volumes_of(devices).into_iter();
    let meant = volumes.filter(|dev| row(devices, *dev, &[]).is_called(name));
    meant.flat_map(|dev| devices.chain(dev)).collect()
}

impl Volumes {
    /// Leaves out all volumes but the one that a person may mean by this name.
    pub fn keep_only(&mut self, name: &str) {
        self.volumes.retain(|row| row.is_called(name));
        let left: BTreeSet<String> = self.names().map(str::to_owned).collect();
        self.findings
            .retain(|f| f.device.as_ref().is_none_or(|device| left.contains(device)));
    }

    /// Names of the devices of all volumes that are shown, and of those that they
    /// lie on.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.volumes.iter();
        let names = names.flat_map(|row| row.beneath.iter().chain([&row.device]));
        names.map(String::as_str)
    }

    /// Adds what others tell: request, API call and status of each volume, and
    /// what is wrong there.
    pub fn add_outside(&mut self, correlated: Correlated) {
        self.inputs = correlated.inputs;
        for told in correlated.correlation {
            let Some(row) = self
                .volumes
                .iter_mut()
                .find(|row| Some(&row.device) == told.device.as_ref())
            else {
                continue;
            };
            let size = |layer: Layer| {
                let mut rows = told.layers.iter();
                rows.find(|row| row.layer == layer)
                    .and_then(|row| row.to_bytes)
            };
            row.sizes.request = size(Layer::Request);
            row.sizes.api = size(Layer::Cloud).or_else(|| size(Layer::Api));
            row.sizes.pvc_status = size(Layer::Kubernetes);
            row.disk_id = told.disk_id.or(row.disk_id.take());
            row.pvc = told.pvc.or(row.pvc.take());
            row.pv = row.pv.take().or(told.pv);
            let Some(finding) = told.finding else {
                continue;
            };
            let known = self
                .findings
                .iter()
                .any(|known| known.rule == finding.rule && known.device == finding.device);
            if !known && finding.severity > Severity::Info {
                row.findings.push(finding.rule);
                self.findings.push(finding);
            }
        }
        rules::sort(&mut self.findings);
    }

    /// Adds what the kernel's log says, of the volumes that are shown.
    pub fn add_kernel_log(&mut self, lines: &[KernelLine]) {
        let names: BTreeSet<&str> = self.names().collect();
        let rows = lines.iter().filter_map(|line| {
            let words = line
                .message
                .split(|c: char| !c.is_alphanumeric() && c != '-');
            let device = words.into_iter().find(|word| names.contains(*word))?;
            Some(LogRow {
                time: rfc3339(line.t_ns),
                device: Some(device.to_owned()),
                message: line.message.clone(),
            })
        });
        self.kernel_log = Some(rows.collect());
    }

    /// Whether there is a finding that calls for something to be done.
    pub fn has_findings_above_info(&self) -> bool {
        let mut severities = self.findings.iter().map(|finding| finding.severity);
        severities.any(|severity| severity > Severity::Info)
    }
}

impl VolumeRow {
    /// Whether a person may mean this volume by that name: a claim, a persistent
    /// volume, a disk id, a device or a mount point.
    pub fn is_called(&self, name: &str) -> bool {
        let device = name.strip_prefix("/dev/").unwrap_or(name);
        let names = [&self.disk_id, &self.serial, &self.pv, &self.pvc];
        self.device == device
            || self.dev == name
            || names.into_iter().flatten().any(|known| known == name)
            || self.mounts.iter().any(|mount| mount == name)
    }
}

/// Every device that holds a volume, in the order of their names.
fn volumes_of(devices: &Devices) -> Vec<Dev> {
    let present = devices.mounts().filter(|state| state.present);
    let mounted = present.filter(|state| {
        let dev = devices.canonical(Dev(state.mount.dev));
        devices.device(dev).is_some() || is_network(&state.mount)
    });
    let mut shown: BTreeSet<Dev> = mounted
        .map(|state| devices.canonical(Dev(state.mount.dev)))
        .collect();
    let raw = devices
        .volumes()
        .filter(|volume| volume.block && !volume.removed);
    shown.extend(raw.filter_map(|volume| volume.dev).map(Dev));
    let beneath: BTreeSet<Dev> = shown.iter().flat_map(|dev| devices.chain(*dev)).collect();
    let idle = devices.all().filter(|(dev, device)| {
        !beneath.contains(dev) && is_idle_disk(device) && !has_partitions(devices, *dev)
    });
    shown.extend(idle.map(|(dev, _)| dev));
    let mut shown: Vec<Dev> = shown.into_iter().collect();
    shown.sort_by_cached_key(|dev| devices.name(*dev));
    shown
}

/// Whether a mount is a volume on another machine: its backing device has a read-ahead
/// of its own.
pub(super) fn is_network(mount: &Mount) -> bool {
    crate::node::is_remote(&mount.fs)
        && mount.fs != "autofs"
        && (mount.read_ahead_kb.is_some() || mount.rsize.is_some())
}

/// A real disk that nothing lies on.
fn is_idle_disk(device: &Device) -> bool {
    let real = ["loop", "zram", "ram", "sr", "fd"]
        .iter()
        .all(|kind| !device.name.starts_with(kind));
    let whole = device.partition.is_none() && device.dm_name.is_none();
    real && whole && !device.removed && device.holders.is_empty() && device.size_bytes != Some(0)
}

fn has_partitions(devices: &Devices, disk: Dev) -> bool {
    devices
        .all()
        .any(|(_, device)| device.parent_dev == Some(disk.0) && !device.removed)
}

fn row(devices: &Devices, dev: Dev, findings: &[Finding]) -> VolumeRow {
    let layers = Layers::of(devices, dev);
    let mounts: Vec<&Mount> = devices
        .mounts_of(dev)
        .into_iter()
        .filter(|state| state.present)
        .map(|state| &state.mount)
        .collect();
    let main = mounts.first();
    let device = devices.device(dev);
    let published: Vec<&Volume> = devices
        .volumes()
        .filter(|v| !v.removed && is_on(devices, v, dev))
        .collect();
    let disk = match layers.disks.as_slice() {
        [only] => devices.device(*only),
        _ => None,
    };
    let size = |dev: &Dev| devices.device(*dev).and_then(|device| device.size_bytes);
    let mut points: Vec<String> = mounts
        .iter()
        .map(|mount| mount.mount_point.clone())
        .collect();
    points.dedup();
    VolumeRow {
        device: devices.name(dev).unwrap_or_else(|| dev.to_string()),
        dev: dev.to_string(),
        disk_id: disk_id(&published, disk),
        serial: disk.and_then(|disk| disk.serial.clone()),
        pv: published.iter().find_map(|volume| volume.pv.clone()),
        pvc: None,
        pods: pods(&published),
        fs: main.map(|mount| mount.fs.clone()),
        mounts: points,
        source: main
            .filter(|_| device.is_none())
            .map(|mount| mount.source.clone()),
        sizes: Sizes {
            device: layers
                .disks
                .iter()
                .map(size)
                .sum::<Option<u64>>()
                .filter(|_| !layers.disks.is_empty()),
            partition: layers.partition.as_ref().and_then(size),
            mapping: layers.mapping.as_ref().and_then(size),
            fs: main
                .and_then(|_| devices.fs_sizes(dev))
                .and_then(Runs::last),
            ..Sizes::default()
        },
        fs_size_error: main
            .map(|mount| mount.fs_size_error.clone())
            .filter(|error| !error.is_empty()),
        fs_free_bytes: main.and_then(|_| devices.fs_free(dev)),
        read_ahead_kb: device
            .and_then(|device| device.read_ahead_kb)
            .or_else(|| main.and_then(|mount| mount.read_ahead_kb)),
        findings: findings.iter().map(|finding| finding.rule).collect(),
        beneath: devices
            .chain(dev)
            .into_iter()
            .filter_map(|dev| devices.name(dev))
            .collect(),
    }
}

fn is_on(devices: &Devices, volume: &Volume, dev: Dev) -> bool {
    volume.dev.map(|on| devices.canonical(Dev(on))) == Some(dev)
}

/// kubelet knows the disk by its driver's handle; else the guest itself may tell.
fn disk_id(published: &[&Volume], disk: Option<&Device>) -> Option<String> {
    let handle = published.iter().map(|volume| volume.handle.clone()).next();
    handle.or_else(|| disk.and_then(disk_id::of))
}

fn pods(published: &[&Volume]) -> Vec<String> {
    let name = |volume: &&Volume| volume.pod.clone().or_else(|| volume.pod_uid.clone());
    let names: BTreeSet<String> = published.iter().filter_map(name).collect();
    names.into_iter().collect()
}

#[cfg(test)]
#[path = "volumes_tests.rs"]
pub(crate) mod tests;
