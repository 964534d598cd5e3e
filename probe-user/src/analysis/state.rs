//! What sizes show by themselves, whenever one comes to look: a layer that is
//! smaller than the one beneath it. Nothing here says who should have grown it.

use super::fill::{room_of_mapping, unused};
use super::{Evidence, Finding, Severity};
use crate::model::{Devices, Runs};
use crate::sample::Dev;
use crate::sample::inventory::{Device, Mount};
use crate::units;

/// The layers that a volume is made of, from the disks up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layers {
    /// Whole disks; several beneath a mapping that joins them.
    pub(super) disks: Vec<Dev>,
    /// The partition, where there is exactly one.
    pub(super) partition: Option<Dev>,
    /// The topmost mapping (LVM, LUKS, multipath, RAID).
    pub(super) mapping: Option<Dev>,
}

impl Layers {
    /// The layers beneath and at `dev`.
    pub(super) fn of(devices: &Devices, dev: Dev) -> Self {
        let mut layers = Self::default();
        let mut partitions = Vec::new();
        for dev in devices.chain(dev) {
            let Some(device) = devices.device(dev) else {
                continue;
            };
            if device.partition.is_some() {
                partitions.push(dev);
            } else if device.dm_name.is_some() || !device.slaves.is_empty() {
                layers.mapping.get_or_insert(dev);
            } else {
                layers.disks.push(dev);
            }
        }
        if let [only] = partitions.as_slice() {
            layers.partition = Some(*only);
        }
        layers
    }
}

/// What the sizes of the volume at `dev` show, lowest layer first: what is above
/// can only grow after what is beneath.
pub(super) fn findings(devices: &Devices, dev: Dev) -> Vec<Finding> {
    let chain = devices.chain(dev);
    let layers = chain.iter().rev().filter_map(|at| devices.device(*at));
    let mut found: Vec<Finding> = layers
        .filter_map(|device| partition(devices, device).or_else(|| mapping(devices, device)))
        .collect();
    found.extend(file_system(devices, dev));
    found
}

/// The disk's last partition ends well before the disk does.
fn partition(devices: &Devices, device: &Device) -> Option<Finding> {
    let (number, disk) = (device.partition?, devices.device(Dev(device.parent_dev?))?);
    let end = |part: &Device| Some(part.start_bytes?.saturating_add(part.size_bytes?));
    let own_end = end(device)?;
    let siblings = devices.all().map(|(_, other)| other);
    let mut siblings = siblings.filter(|d| d.parent_dev == device.parent_dev && !d.removed);
    if siblings.any(|other| end(other) > Some(own_end)) {
        return None; // it has a neighbour, and cannot grow
    }
    let unused = unused(own_end, disk.size_bytes?)?;
    Some(Finding {
        host: None,
        rule: "resize/partition-not-grown",
        version: 1,
        severity: Severity::Warning,
        device: Some(device.name.clone()),
        summary: format!(
            "{} after {}, the last partition of {}, are not used",
            units::bytes(unused),
            device.name,
            disk.name
        ),
        evidence: vec![
            size_of(disk, "disk", disk.size_bytes),
            size_of(device, "partition", device.size_bytes),
        ],
        explains: Vec::new(),
        advice: Some(format!(
            "growpart /dev/{} {number}, then grow what lies on it",
            disk.name
        )),
        doubt: None,
    })
}

/// A mapping that stands for all of one device is well smaller than that. Not
/// LVM: a volume group may well have free space.
fn mapping(devices: &Devices, device: &Device) -> Option<Finding> {
    let uuid = device.dm_uuid.as_deref()?;
    let name = device.dm_name.as_deref()?;
    let advice = if uuid.starts_with("CRYPT-LUKS") {
        format!("cryptsetup resize {name}, then grow what lies on it")
    } else if uuid.starts_with("mpath-") {
        format!("multipathd resize map {name}, then grow what lies on it")
    } else {
        return None;
    };
    let below = devices.device(Dev(*device.slaves.first()?))?;
    let room = room_of_mapping(uuid, below.size_bytes?);
    let unused = unused(device.size_bytes?, room)?;
    Some(Finding {
        host: None,
        rule: "resize/mapping-not-grown",
        version: 1,
        severity: Severity::Warning,
        device: Some(device.name.clone()),
        summary: format!(
            "the mapping {name} leaves {} of {} unused",
            units::bytes(unused),
            below.name
        ),
        evidence: vec![
            size_of(below, "device", below.size_bytes),
            size_of(device, "mapping", device.size_bytes),
        ],
        explains: Vec::new(),
        advice: Some(advice),
        doubt: None,
    })
}

/// The file system is well smaller than the device it lies on.
fn file_system(devices: &Devices, dev: Dev) -> Option<Finding> {
    let device = devices.device(dev)?;
    let mount = &devices.main_mount(dev).filter(|state| state.present)?.mount;
    let (size, room) = (
        devices.fs_sizes(dev).and_then(Runs::last)?,
        device.size_bytes?,
    );
    unused(size, room)?;
    let read_from = match mount.fs.as_str() {
        "xfs" => "geometry",
        _ => "superblock",
    };
    Some(Finding {
        host: None,
        rule: "resize/fs-not-grown",
        version: 1,
        severity: Severity::Critical,
        device: Some(device.name.clone()),
        summary: format!(
            "the {} file system has {} of the {} of {}",
            mount.fs,
            units::bytes(size),
            units::bytes(room),
            device.name
        ),
        evidence: vec![
            size_of(device, "device", Some(room)),
            Evidence::Config {
                device: Some(device.name.clone()),
                what: format!(
                    "file system {} ({} B, from its {read_from})",
                    units::bytes(size),
                    size
                ),
            },
        ],
        explains: Vec::new(),
        advice: Some(grow(mount, device)),
        doubt: None,
    })
}

/// How to grow a file system.
fn grow(mount: &Mount, device: &Device) -> String {
    let at = &mount.mount_point;
    let command = match mount.fs.as_str() {
        "xfs" => format!("xfs_growfs {at}"),
        "btrfs" => format!("btrfs filesystem resize max {at}"),
        _ => format!("resize2fs /dev/{}", device.name),
    };
    let read_only = |options: &str| options.split(',').any(|option| option == "ro");
    if read_only(&mount.options) || read_only(&mount.fs_options) {
        format!("{command}, once it is mounted writable: it is read-only now")
    } else {
        format!("{command}  (online, safe while mounted)")
    }
}

fn size_of(device: &Device, what: &str, size: Option<u64>) -> Evidence {
    let size = size.map_or_else(
        || "?".to_owned(),
        |size| format!("{} ({size} B)", units::bytes(size)),
    );
    Evidence::Config {
        device: Some(device.name.clone()),
        what: format!("{what} {size}"),
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
