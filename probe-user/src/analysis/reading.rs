//! How a volume is read: what read-ahead it has, and what windows came of it.

use crate::model::{Devices, Distribution, Recording, rows_by};
use crate::sample::Dev;
use crate::sample::probe_schema::{Key, key::Kind};
use crate::sample::series::{KeyValue, key_value::Value};
use std::collections::BTreeSet;

/// Readers are held back by the cap of their windows if this share of the pages
/// comes in windows at it.
pub(super) const HELD_BACK: f64 = 0.9;

/// Read-ahead of what has a value of its own, KiB: disks, mappings, and mounts
/// that lie on no device.
pub(super) fn configured_kb(devices: &Devices, dev: Dev) -> Option<u64> {
    let device = devices
        .device(dev)
        .filter(|device| device.partition.is_none());
    let mount = devices.main_mount(dev).map(|state| &state.mount);
    let own = mount.filter(|mount| Dev(mount.dev).major() == 0);
    own.and_then(|mount| mount.read_ahead_kb)
        .or_else(|| device.and_then(|device| device.read_ahead_kb))
}

/// The command that sets read-ahead: of a disk by its queue, of a mount that
/// lies on no disk by its backing device.
pub(super) fn set_command(devices: &Devices, dev: Dev, kb: u64) -> String {
    match devices.device(dev) {
        Some(device) if !device.name.is_empty() => {
            format!("echo {kb} > /sys/block/{}/queue/read_ahead_kb", device.name)
        }
        _ => format!("echo {kb} > /sys/class/bdi/{dev}/read_ahead_kb"),
    }
}

/// The volumes from which anything was read ahead.
pub(super) fn volumes(recording: &Recording) -> BTreeSet<Dev> {
    let totals = recording.totals();
    let dev = |key: &Key, value: &KeyValue| match (key.kind(), &value.value) {
        (Kind::Device, Some(Value::Number(number))) => u32::try_from(*number).ok().map(Dev),
        _ => None,
    };
    let rows = rows_by(totals, &totals.counts, "readahead", dev);
    let devs = rows.iter().flat_map(|row| row.keys.iter().flatten());
    devs.map(|dev| recording.devices().canonical(*dev))
        .collect()
}

/// The windows of all readers of a volume.
pub(super) struct Windows {
    calls: u64,
    pages: u64,
    at_cap: Option<u64>,
    /// Pages of the largest one.
    pub(super) largest: u64,
    sizes: Distribution,
    active_ns: u64,
    /// Pages by which streams advanced.
    pub(super) advanced: u64,
}

impl Windows {
    /// Of the volume, and of the partitions of a disk; none if nothing was read
    /// ahead.
    pub(super) fn of(recording: &Recording, dev: Dev) -> Option<Self> {
        let devices = recording.devices();
        let totals = recording.totals();
        let is_on = |key: &Key, value: &KeyValue| match (key.kind(), &value.value) {
            (Kind::Device, Some(Value::Number(number))) => u32::try_from(*number)
                .map(|number| devices.canonical(Dev(number)))
                .is_ok_and(|read| read == dev || devices.disk_of(read) == dev),
            _ => false,
        };
        let rows = rows_by(totals, &totals.counts, "readahead", is_on);
        let row = rows.iter().find(|row| row.keys.contains(&true))?;
        let sizes = row.histogram("window_pages")?;
        let sum = |name| row.sum(name).unwrap_or(0);
        let windows = Self {
            calls: sum("calls"),
            pages: sum("pages_submitted"),
            at_cap: row.sum("pages_at_cap"),
            largest: sizes.max()?,
            sizes: sizes.clone(),
            active_ns: sum("active_ns"),
            advanced: sum("pages_advanced"),
        };
        (windows.pages > 0 && windows.calls > 0).then_some(windows)
    }

    /// Share of the pages that came in windows at the file's own cap; none where
    /// that was not measured.
    pub(super) fn share_at_cap(&self) -> Option<f64> {
        self.at_cap.map(|at_cap| at_cap as f64 / self.pages as f64)
    }

    /// Time from one window of a stream to the next, ns.
    pub(super) fn ns_each(&self) -> Option<f64> {
        let mean = self.pages as f64 / self.calls as f64;
        (self.advanced > 0).then(|| self.active_ns as f64 / self.advanced as f64 * mean)
    }

    /// Share of the pages in windows of more than `pages`.
    pub(super) fn beyond(&self, pages: u64) -> f64 {
        self.sizes.share_above(pages)
    }
}
