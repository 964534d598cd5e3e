//! Which device is the disk that a cloud calls by an id.
//!
//! Rules are tried from the surest to the weakest, and the first that finds
//! anything decides. More than one device found is an ambiguity, for the caller
//! to show.

use super::inventory::disks_of;
use crate::sample::{Dev, Inventory, inventory::Device};

/// A virtio disk has room for this much of its id (`VIRTIO_BLK_ID_BYTES`).
const VIRTIO_SERIAL: usize = 20;
/// Azure's lower SCSI hosts have the system's and the temporary disk.
const AZURE_DATA_HOSTS: std::ops::RangeFrom<u32> = 4..;
/// Azure's `NVMe` name spaces start with the system disk at 1.
const AZURE_FIRST_DATA_NSID: u32 = 2;

/// What else is known of the disk, mostly from its `VolumeAttachment`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Logical unit at which Azure attached it.
    pub lun: Option<u32>,
    /// Serial number that the guest should see.
    pub serial: Option<String>,
    /// Device path that the cloud asked for; what the guest uses may differ.
    pub device_path: Option<String>,
}

/// By what a device was found to be the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// kubelet mounted that volume from it.
    KubeletVolume,
    /// The serial number is the id, as that cloud writes it.
    Serial,
    /// The disk's name in SCSI page 0x83, or udev's link made of it.
    Name,
    /// The logical unit number.
    Lun,
    /// The path asked for is a device's name.
    DevicePath,
}

/// A device found for a disk id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The whole disk; of a multipath disk the mapping over its paths.
    pub dev: Dev,
    /// Why it is this one.
    pub basis: Basis,
}

/// The devices that may be the disk; more than one where that is ambiguous.
pub fn find(id: &str, hints: &Hints, inventory: &Inventory) -> Vec<Found> {
    let wanted = Wanted { id, hints };
    let disks = || inventory.devices.iter().filter(|device| is_disk(device));
    let mut found = (Basis::KubeletVolume, wanted.volumes(inventory));
    for basis in [Basis::Serial, Basis::Name, Basis::Lun, Basis::DevicePath] {
        if found.1.is_empty() {
            let devices = disks().filter(|device| wanted.is(device, basis));
            found = (basis, devices.map(|device| Dev(device.dev)).collect());
        }
    }
    let (basis, devs) = found;
    let devs = joined_by_multipath(inventory, devs).into_iter();
    devs.map(|dev| Found { dev, basis }).collect()
}

/// The id of a disk as its cloud writes it, where the guest alone can tell.
pub fn of(disk: &Device) -> Option<String> {
    let serial = disk.serial.as_deref()?;
    let model = disk.model.as_deref().unwrap_or_default();
    if let Some(number) = serial
        .strip_prefix("vol")
        .filter(|_| model.starts_with("Amazon"))
    {
        return Some(format!("vol-{}", number.trim_start_matches('-')));
    }
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    // Others who give virtio disks a serial of this length cut a UUID, with dashes in it.
    let virtio = disk.name.starts_with("vd") && serial.len() == VIRTIO_SERIAL;
    let alibaba = virtio && serial.chars().all(alphanumeric) || model.starts_with("Alibaba");
    alibaba.then(|| format!("d-{serial}"))
}

/// A disk that is looked for.
struct Wanted<'a> {
    id: &'a str,
    hints: &'a Hints,
}

impl Wanted<'_> {
    /// The last part of the path by which Google and Azure call a resource.
    fn name(&self) -> &str {
        last(self.id)
    }

    fn volumes(&self, inventory: &Inventory) -> Vec<Dev> {
        let handles = inventory.volumes.iter().filter(|volume| {
            let handle = volume.handle.as_str();
            let is_path = handle.contains('/') != self.id.contains('/');
            // Azure writes one resource in several cases.
            handle.eq_ignore_ascii_case(self.id) || is_path && last(handle) == self.name()
        });
        let devs = handles.filter_map(|volume| volume.dev);
        let mut disks: Vec<Dev> = devs.flat_map(|dev| disks_of(inventory, Dev(dev))).collect();
        disks.sort_unstable();
        disks.dedup();
        disks
    }

    fn is(&self, disk: &Device, basis: Basis) -> bool {
        match basis {
            Basis::KubeletVolume => false, // found by volume, not by device
            Basis::Serial => self.has_serial(disk),
            Basis::Name => self.has_name(disk),
            Basis::Lun => self.has_lun(disk),
            Basis::DevicePath => self.has_path(disk),
        }
    }

    fn has_serial(&self, disk: &Device) -> bool {
        let Some(serial) = disk.serial.as_deref() else {
            return false;
        };
        let id = self.id;
        let cut = serial.len() == VIRTIO_SERIAL && id.starts_with(serial);
        let alibaba = id.strip_prefix("d-") == Some(serial);
        let amazon = id.strip_prefix("vol-").is_some_and(|number| {
            let rest = serial.strip_prefix("vol");
            rest.is_some_and(|rest| rest.trim_start_matches('-') == number)
        });
        let hinted = self.hints.serial.as_deref() == Some(serial);
        serial == id || cut || alibaba || amazon || hinted
    }

    fn has_name(&self, disk: &Device) -> bool {
        let name = self.name();
        let page = disk
            .wwid
            .as_deref()
            .and_then(|wwid| wwid.strip_prefix("Google"));
        let page = page.and_then(|rest| rest.trim_start().strip_prefix("PersistentDisk"));
        let links = disk
            .links
            .iter()
            .filter_map(|link| link.strip_prefix("disk/by-id/"));
        let mut links = links.filter_map(|link| {
            let google = link.strip_prefix("google-");
            google.or_else(|| link.strip_prefix("scsi-0Google_PersistentDisk_"))
        });
        page.is_some_and(|page| page.trim() == name) || links.any(|link| link == name)
    }

    fn has_lun(&self, disk: &Device) -> bool {
        let Some(lun) = self.hints.lun else {
            return false;
        };
        let places = [
            format!("disk/azure/scsi1/lun{lun}"),
            format!("disk/azure/data/by-lun/{lun}"),
        ];
        if disk
            .links
            .iter()
            .any(|link| link.starts_with("disk/azure/"))
        {
            return disk.links.iter().any(|link| places.contains(link));
        }
        let model = disk.model.as_deref().unwrap_or_default();
        if model.starts_with("MSFT NVMe Accelerator") {
            return disk
                .nsid
                .and_then(|nsid| nsid.checked_sub(AZURE_FIRST_DATA_NSID))
                == Some(lun);
        }
        let azure = disk.vendor.as_deref() == Some("Msft") && model == "Virtual Disk";
        let place = disk.hctl.as_deref().and_then(host_and_lun);
        azure && place.is_some_and(|(host, at)| AZURE_DATA_HOSTS.contains(&host) && at == lun)
    }

    fn has_path(&self, disk: &Device) -> bool {
        let path = self.hints.device_path.as_deref();
        path.and_then(|path| path.strip_prefix("/dev/")) == Some(disk.name.as_str())
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn host_and_lun(hctl: &str) -> Option<(u32, u32)> {
    let (host, _) = hctl.split_once(':')?;
    let (_, lun) = hctl.rsplit_once(':')?;
    Some((host.parse().ok()?, lun.parse().ok()?))
}

/// Neither a part of another device, nor made of others.
fn is_disk(device: &Device) -> bool {
    !device.removed
        && device.partition.is_none()
        && device.slaves.is_empty()
        && device.dm_name.is_none()
}

/// Several paths to one disk are that disk.
fn joined_by_multipath(inventory: &Inventory, devs: Vec<Dev>) -> Vec<Dev> {
    let multipath = |device: &&Device| {
        let is_multipath = device
            .dm_uuid
            .as_deref()
            .is_some_and(|uuid| uuid.starts_with("mpath-"));
        is_multipath && devs.iter().all(|dev| device.slaves.contains(&dev.0))
    };
    let joined = inventory.devices.iter().find(multipath);
    match joined.filter(|_| devs.len() > 1) {
        Some(joined) => vec![Dev(joined.dev)],
        None => devs,
    }
}

#[cfg(test)]
#[path = "disk_id_tests.rs"]
mod tests;
