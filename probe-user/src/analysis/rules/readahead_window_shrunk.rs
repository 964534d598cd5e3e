//! Windows are smaller than what is configured.

use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::reading::{self, HELD_BACK, Windows};
use crate::model::Recording;
use crate::sample::Dev;

pub(super) const RULE: Rule = Rule {
    name: "readahead/window-shrunk",
    version: 1,
    severity: Severity::Warning,
    headline: "WINDOWS SHRUNK",
    explains: &["readahead/too-small"],
    looks_for: "Files are read on and on, nearly all pages come in windows at the file's own cap, and that cap is \
                at most half of what read_ahead_kb says: the files were open before it was set, and an open file \
                keeps its cap.",
    rests_on: "The largest window that occurred, the pages in windows at the cap, and read_ahead_kb at the end.",
    confirm: "Restart the reader, or let it open its files anew: its windows must become as large as configured.",
    advice: "Open the files anew.",
    silent: Some(
        "The setting reads back as it was set; which files it holds for is shown nowhere.",
    ),
    check: Check::Recording(check),
};

/// Less than this read on proves nothing, pages: 16 MiB.
const ENOUGH: u64 = 4096;

/// Bytes of a page, KiB.
const PAGE_KIB: u64 = 4;

fn check(recording: &Recording) -> Vec<Said> {
    let volumes = reading::volumes(recording).into_iter();
    volumes.filter_map(|dev| said(recording, dev)).collect()
}

fn said(recording: &Recording, dev: Dev) -> Option<Said> {
    let devices = recording.devices();
    let windows = Windows::of(recording, dev)?;
    let configured_kb = reading::configured_kb(devices, devices.disk_of(dev))
        .or_else(|| reading::configured_kb(devices, dev))?;
    let largest_kb = windows.largest * PAGE_KIB;
    let held_back = windows.share_at_cap()? >= HELD_BACK && windows.advanced >= ENOUGH;
    if !held_back || largest_kb.saturating_mul(2) > configured_kb {
        return None;
    }
    let name = devices.name(dev)?;
    Some(Said {
        summary: format!(
            "windows have {largest_kb} KiB at most, though read_ahead_kb is {configured_kb}: the files were open before it was set."
        ),
        evidence: vec![
            Evidence::Series {
                key: format!("readahead device={name}"),
            },
            Evidence::Config {
                device: Some(name.clone()),
                what: format!("read_ahead_kb {configured_kb}"),
            },
        ],
        device: Some(name),
        ..Said::default()
    })
}
