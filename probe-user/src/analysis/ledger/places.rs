//! Where on a node a disk is.

use super::names::{Names, same_disk};
use crate::analysis::volume::Volume;
use crate::cloud::objects::Objects;
use crate::model::{Devices, Recording};
use crate::node::disk_id::{self, Hints};
use crate::sample::{Dev, Inventory};

/// Somebody says which device a disk is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The cloud's id.
    pub disk_id: String,
    /// The kernel's name of the device, without `/dev/`.
    pub device: String,
}

/// What came of looking for a volume on one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is not there.
    Nowhere,
    /// The device that its file system is on; the disk where there is none.
    At(Dev),
    /// Several may be it: their names.
    Ambiguous(Vec<String>),
}

/// A node that was recorded.
pub struct Node<'a> {
    /// Its recording.
    pub recording: &'a Recording,
    /// Its volumes.
    pub volumes: Vec<Volume<'a>>,
    inventory: Inventory,
}

impl<'a> Node<'a> {
    /// The node of this recording.
    pub fn of(recording: &'a Recording) -> Self {
        Self {
            recording,
            volumes: Volume::all(recording),
            inventory: recording.devices().inventory(),
        }
    }

    /// The volume on this device.
    pub fn volume(&self, dev: Dev) -> Volume<'a> {
        let known = self.volumes.iter().find(|volume| volume.dev == dev);
        known
            .cloned()
            .unwrap_or_else(|| Volume::new(self.recording, dev))
    }

    fn devices(&self) -> &'a Devices {
        self.recording.devices()
    }
}

/// Looks for a volume on a node.
pub fn find(names: &Names, node: &Node, objects: &Objects, said: &[Named]) -> Place {
    let devices = node.devices();
    let mut disks: Vec<Dev> = match &names.disk_id {
        Some(id) => match by_word(id, devices, said) {
            Some(dev) => vec![dev],
            None => by_id(id, names, &node.inventory, objects),
        },
        None => Vec::new(),
    };
    if disks.is_empty() {
        disks = by_claim(names, devices);
    }
    let mut tops: Vec<Dev> = Vec::new();
    for disk in &disks {
        tops.push(top(names, node, *disk));
    }
    tops.dedup();
    match tops.as_slice() {
        [] => Place::Nowhere,
        [one] => Place::At(*one),
        _ => {
            let called = |dev: &Dev| devices.name(*dev).unwrap_or_else(|| dev.to_string());
            Place::Ambiguous(disks.iter().map(called).collect())
        }
    }
}

fn by_word(id: &str, devices: &Devices, said: &[Named]) -> Option<Dev> {
    let named = said.iter().find(|named| same_disk(&named.disk_id, id))?;
    devices.by_path(&format!("/dev/{}", named.device))
}

fn by_id(id: &str, names: &Names, inventory: &Inventory, objects: &Objects) -> Vec<Dev> {
    let attachment = objects
        .attachments
        .values()
        .find(|attachment| attachment.volume.is_some() && attachment.volume == names.pv);
    let metadata = |name: &str| {
        let metadata = &attachment?.metadata;
        let mut found = metadata
            .iter()
            .filter(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty());
        found.next().map(|(_, value)| value.clone())
    };
    let hints = Hints {
        lun: metadata("lun").and_then(|lun| lun.parse().ok()),
        serial: metadata("serialNumber"),
        device_path: metadata("devicePath"),
    };
    let found = disk_id::find(id, &hints, inventory);
    found.into_iter().map(|found| found.dev).collect()
}

/// The device that kubelet has mounted for this persistent volume.
fn by_claim(names: &Names, devices: &Devices) -> Vec<Dev> {
    let Some(pv) = &names.pv else {
        return Vec::new();
    };
    let mounts = devices.mounts();
    let mut found: Vec<Dev> = mounts
        .map(|state| devices.canonical(Dev(state.mount.dev)))
        .filter(|&dev| devices.claim(dev).0.as_ref() == Some(pv))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// What is mounted from a disk. Of several partitions it is the one that kubelet
/// has for the volume, else the last: no other can grow.
fn top(names: &Names, node: &Node, disk: Dev) -> Dev {
    let devices = node.devices();
    let all = node.volumes.iter();
    let over: Vec<&Volume> = all.filter(|volume| volume.chain.contains(&disk)).collect();
    let claimed = over
        .iter()
        .find(|volume| names.pv.is_some() && devices.claim(volume.dev).0 == names.pv);
    let mounted = over
        .iter()
        .filter(|volume| devices.main_mount(volume.dev).is_some());
    let start = |volume: &&&Volume| devices.device(volume.dev).and_then(|d| d.start_bytes);
    let top = claimed.or_else(|| mounted.max_by_key(start));
    top.or(over.first()).map_or(disk, |volume| volume.dev)
}
