//! Readers wait for one small window after the other.

use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::reading::{self, HELD_BACK, Windows};
use crate::model::Recording;
use crate::sample::Dev;
use crate::units;

pub(super) const RULE: Rule = Rule {
    name: "readahead/too-small",
    version: 1,
    severity: Severity::Warning,
    headline: "READ-AHEAD TOO SMALL",
    explains: &[],
    looks_for: "Files are read on and on, nearly all pages come in windows at the file's own cap, the cap is \
                small, and every window takes milliseconds: each one waits for the volume, and a larger one \
                would wait less often. Network mounts have 128 KiB since Linux 5.4; before it was 15 times rsize.",
    rests_on: "The pages in windows at the cap, and the time from one window of a stream to the next.",
    confirm: "Set read_ahead_kb, open the files anew (an open file keeps its cap), record again: volprobe diff \
              says whether the pace followed. If it did not, it was not the read-ahead.",
    advice: "Set read_ahead_kb of the volume: of a disk in /sys/block/DEVICE/queue, of a network mount in \
             /sys/class/bdi/MAJ:MIN. A udev rule keeps it.",
    silent: Some(
        "Every layer works as configured; the default is small, and no one logs a default.",
    ),
    check: Check::Recording(check),
};

/// A larger cap than this is no small one, pages: 512 KiB.
const SMALL: u64 = 128;

/// Less than this read on proves nothing, pages: 16 MiB.
const ENOUGH: u64 = 4096;

/// A window that takes less waits for no volume, ns.
const WAITS_NS: f64 = 2e6;

/// What is proposed for a disk, KiB.
const PROPOSED_KB: u64 = 4096;

fn check(recording: &Recording) -> Vec<Said> {
    let volumes = reading::volumes(recording).into_iter();
    volumes.filter_map(|dev| said(recording, dev)).collect()
}

fn said(recording: &Recording, dev: Dev) -> Option<Said> {
    let windows = Windows::of(recording, dev)?;
    let (at_cap, ns) = (windows.share_at_cap()?, windows.ns_each()?);
    let held_back = at_cap >= HELD_BACK && windows.advanced >= ENOUGH;
    if !held_back || windows.largest > SMALL || ns < WAITS_NS {
        return None;
    }
    let devices = recording.devices();
    let name = devices.name(dev)?;
    let kib = windows.largest * 4;
    let pace = units::throughput(windows.largest << 12, ns as u64);
    let rsize = devices.main_mount(dev).and_then(|state| state.mount.rsize);
    let proposed = rsize.map_or(PROPOSED_KB, |rsize| 15 * rsize / 1024);
    let configured = reading::configured_kb(devices, dev);
    Some(Said {
        summary: format!(
            "readers wait for windows of {kib} KiB: {:.0} % of the pages came in windows at the cap, one each {} ({pace}).",
            100.0 * at_cap,
            units::duration(ns as u64)
        ),
        evidence: vec![
            Evidence::Series {
                key: format!("readahead device={name}"),
            },
            Evidence::Config {
                device: Some(name.clone()),
                what: format!(
                    "read_ahead_kb {}",
                    units::maybe(configured, |kb| kb.to_string())
                ),
            },
        ],
        device: Some(name),
        advice: Some(format!(
            "{}, open the files anew, record, and volprobe diff",
            reading::set_command(devices, dev, proposed.max(PROPOSED_KB))
        )),
        ..Said::default()
    })
}
