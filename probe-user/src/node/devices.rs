//! Block devices, from `/sys/class/block`.

use std::fs;
use std::path::Path;

use super::view::{self, View};
use super::vpd;
use crate::sample::{Dev, inventory::Device};

/// The kernel counts device sizes in units of 512 bytes, whatever the device's block size is.
const SECTOR: u64 = 512;
/// Devices of these kinds exist before they are given anything to hold.
const EMPTY_UNTIL_USED: [&str; 6] = ["loop", "nbd", "ram", "zram", "fd", "sr"];
/// Links of udev that name the disk itself, not its contents or its place on the bus.
const LINKS: [&str; 2] = ["disk/by-id/", "disk/azure/"];

/// All block devices that have a size or could have something on them.
pub(super) fn read(view: &View) -> Vec<Device> {
    let names = view::names(&view.sys("class/block"));
    let devices = names.iter().filter_map(|name| read_one(view, name));
    devices
        .filter(|device| device.size_bytes != Some(0) || !is_empty_until_used(&device.name))
        .collect()
}

/// The device of that name, or `None` where it has gone.
pub(super) fn read_one(view: &View, name: &str) -> Option<Device> {
    let dir = view.sys("class/block").join(name);
    if view::number(&dir.join("hidden")) == Some(1) {
        return None; // a path of a multipath NVMe disk: it has no device number
    }
    let dev = dev_of(&dir)?;
    let mut device = Device {
        dev: dev.0,
        name: name.to_owned(),
        size_bytes: sectors(&dir.join("size")),
        read_only: view::number::<u8>(&dir.join("ro")).map(|ro| ro != 0),
        slaves: devs_in(&dir.join("slaves")),
        holders: devs_in(&dir.join("holders")),
        dm_name: view::text(&dir.join("dm/name")),
        dm_uuid: view::text(&dir.join("dm/uuid")),
        backing_file: view::text(&dir.join("loop/backing_file")),
        links: links(view, dev),
        ..Device::default()
    };
    let disk = match view::number(&dir.join("partition")) {
        Some(number) => {
            device.partition = Some(number);
            device.start_bytes = sectors(&dir.join("start"));
            let disk = fs::canonicalize(&dir).ok()?.parent()?.to_owned();
            device.parent_dev = dev_of(&disk).map(|dev| dev.0);
            disk
        }
        None => dir,
    };
    // A partition's identity is its disk's, and so are its queue and its read-ahead.
    read_identity(&mut device, &disk);
    read_queue(&mut device, &disk.join("queue"));
    Some(device)
}

/// What may change while a device stays the same: size, read-only, read-ahead.
/// `disk` is the device itself, or of a partition its disk.
pub(super) fn refresh(view: &View, device: &mut Device, disk: &str) {
    let dir = view.sys("class/block").join(&device.name);
    if let Some(size) = sectors(&dir.join("size")) {
        device.size_bytes = Some(size);
    }
    if let Some(ro) = view::number::<u8>(&dir.join("ro")) {
        device.read_only = Some(ro != 0);
    }
    let queue = view.sys("class/block").join(disk).join("queue");
    if let Some(kb) = view::number(&queue.join("read_ahead_kb")) {
        device.read_ahead_kb = Some(kb);
    }
}

fn read_identity(device: &mut Device, disk: &Path) {
    let parent = disk.join("device");
    device.serial = view::text(&disk.join("serial"))
        .or_else(|| view::text(&parent.join("serial")))
        .or_else(|| vpd::serial(&view::bytes(&parent.join("vpd_pg80"))?));
    device.wwid = view::bytes(&parent.join("vpd_pg83"))
        .and_then(|page| vpd::name(&page))
        .or_else(|| view::text(&disk.join("wwid")))
        .or_else(|| view::text(&parent.join("wwid")));
    device.model = view::text(&parent.join("model"));
    // Of a virtio device this file is the number of the PCI vendor.
    device.vendor = view::text(&parent.join("vendor")).filter(|vendor| !vendor.starts_with("0x"));
    device.hctl = fs::read_link(&parent).ok().and_then(|link| {
        let name = link.file_name()?.to_str()?.to_owned();
        is_hctl(&name).then_some(name)
    });
    device.nsid = view::number(&disk.join("nsid"));
}

fn read_queue(device: &mut Device, queue: &Path) {
    device.read_ahead_kb = view::number(&queue.join("read_ahead_kb"));
    device.rotational = view::number::<u8>(&queue.join("rotational")).map(|yes| yes != 0);
    device.scheduler = view::text(&queue.join("scheduler")).map(|text| chosen(&text));
    device.io_opt = view::number(&queue.join("optimal_io_size"));
    device.max_sectors_kb = view::number(&queue.join("max_sectors_kb"));
}

fn dev_of(dir: &Path) -> Option<Dev> {
    view::text(&dir.join("dev"))?.parse().ok()
}

fn sectors(path: &Path) -> Option<u64> {
    view::number::<u64>(path)?.checked_mul(SECTOR)
}

/// The devices that the links of a directory lead to.
fn devs_in(dir: &Path) -> Vec<u32> {
    let devs = view::names(dir).into_iter();
    devs.filter_map(|name| Some(dev_of(&dir.join(name))?.0))
        .collect()
}

/// `none [mq-deadline] kyber` has chosen `mq-deadline`.
fn chosen(schedulers: &str) -> String {
    let chosen = schedulers
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'));
    chosen.map_or(schedulers, |(name, _)| name).to_owned()
}

fn is_hctl(name: &str) -> bool {
    let parts = name.split(':');
    parts.clone().count() == 4 && parts.into_iter().all(|part| part.parse::<u64>().is_ok())
}

fn is_empty_until_used(name: &str) -> bool {
    let kind = name.trim_end_matches(|c: char| c.is_ascii_digit());
    EMPTY_UNTIL_USED.contains(&kind)
}

/// Links that udev made for a device, from its database: `/dev` may lack them here.
fn links(view: &View, dev: Dev) -> Vec<String> {
    let entry = view.host(&format!("run/udev/data/b{dev}"));
    let text = view::text(&entry).unwrap_or_default();
    let links = text.lines().filter_map(|line| line.strip_prefix("S:"));
    let links = links.filter(|link| LINKS.iter().any(|prefix| link.starts_with(prefix)));
    let mut links: Vec<String> = links.map(str::to_owned).collect();
    links.sort_unstable();
    links
}

#[cfg(test)]
#[path = "devices_tests.rs"]
mod tests;
