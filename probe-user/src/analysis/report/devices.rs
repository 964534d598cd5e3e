//! The table of volumes.

use super::DeviceRow;
use crate::analysis::volumes::is_network;
use crate::model::{Devices, MountState, Recording};
use crate::sample::{Dev, event};
use std::collections::BTreeSet;

/// All block devices, all network mounts, and whatever else the recording
/// mentions, as at its end.
pub(crate) fn devices(recording: &Recording) -> Vec<DeviceRow> {
    let devices = recording.devices();
    let mut shown: BTreeSet<Dev> = devices
        .all()
        .filter(|(_, d)| !d.removed)
        .map(|(dev, _)| dev)
        .collect();
    let network = |state: &&MountState| state.present && is_network(&state.mount);
    let mounts = devices.mounts().filter(network);
    shown.extend(mounts.map(|state| Dev(state.mount.dev)));
    shown.extend(mentioned(recording).map(|dev| devices.canonical(dev)));
    shown.remove(&Dev(0));
    let mut rows: Vec<_> = shown.into_iter().map(|dev| row(devices, dev)).collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

/// Devices in series and events.
fn mentioned(recording: &Recording) -> impl Iterator<Item = Dev> {
    let totals = recording.totals();
    let counted = totals
        .series
        .values()
        .filter(|s| totals.counts.contains_key(&s.id));
    let in_series = counted.flat_map(|series| {
        let schema = totals.schemas.get(&series.probe);
        let keys = schema.map_or(&[][..], |schema| &schema.keys);
        keys.iter().zip(&series.keys).filter_map(|(key, value)| {
            use crate::sample::probe_schema::key::Kind;
            use crate::sample::series::key_value::Value;
            match (key.kind(), &value.value) {
                (Kind::Device, Some(Value::Number(dev))) => u32::try_from(*dev).ok().map(Dev),
                _ => None,
            }
        })
    });
    let in_events = recording.events().filter_map(|event| match &event.detail {
        Some(event::Detail::FsResize(resize)) => Some(Dev(resize.dev)),
        Some(event::Detail::DeviceCapacity(change)) => Some(Dev(change.dev)),
        _ => None,
    });
    in_series.chain(in_events)
}

fn row(devices: &Devices, dev: Dev) -> DeviceRow {
    let device = devices.device(dev);
    let mounts = devices.mounts_of(dev);
    let mount = mounts.first().map(|state| &state.mount);
    let (pv, pod) = devices.claim(dev);
    let mut points: Vec<String> = mounts
        .iter()
        .filter(|state| state.present)
        .map(|state| state.mount.mount_point.clone())
        .collect();
    points.dedup();
    DeviceRow {
        host: None,
        name: devices.name(dev).unwrap_or_else(|| dev.to_string()),
        dev: dev.to_string(),
        serial: device
            .and_then(|d| d.serial.clone())
            .filter(|serial| !serial.is_empty()),
        size_bytes: device.and_then(|d| d.size_bytes),
        read_ahead_kb: device
            .and_then(|d| d.read_ahead_kb)
            .or_else(|| mount.and_then(|m| m.read_ahead_kb)),
        fs: mount.map(|m| m.fs.clone()),
        fs_size_bytes: devices.fs_sizes(dev).and_then(crate::model::Runs::last),
        fs_free_bytes: devices.fs_free(dev),
        mounts: points,
        source: mount
            .map(|m| m.source.clone())
            .filter(|source| !source.is_empty()),
        rsize: mount.and_then(|m| m.rsize),
        pod,
        pv,
    }
}
