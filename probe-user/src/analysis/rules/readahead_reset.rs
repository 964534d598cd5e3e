//! Read-ahead fell back when the volume was resized.

use super::readahead_changed::changes;
use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::volume::{Growth, Volume};
use crate::model::Recording;
use crate::sample::{Dev, Event, ReadAheadChange};

pub(super) const RULE: Rule = Rule {
    name: "readahead/reset-by-resize",
    version: 1,
    severity: Severity::Warning,
    headline: "READ-AHEAD RESET",
    explains: &["readahead/changed-during-recording"],
    looks_for: "read_ahead_kb changed, with nobody seen writing it, within seconds of a growth of that \
                device: the kernel applies the device's limits anew when a dm table is reloaded or a \
                disk is revalidated, and forgets what had been tuned.",
    rests_on: "The capacity change, and the value read before and after it.",
    confirm: "cat /sys/block/DEVICE/queue/read_ahead_kb against what the udev rule or tuned profile says.",
    advice: "Set read_ahead_kb again, and let a udev rule on the change event do so in future.",
    silent: None,
    check: Check::Recording(check),
};

/// A change that nobody wrote is noticed at the next look, so within this.
const NEAR_NS: u64 = 5_000_000_000;

fn check(recording: &Recording) -> Vec<Said> {
    let unwritten = changes(recording).filter(|(event, _)| event.pid == 0);
    unwritten
        .filter_map(|(event, change)| said(recording, event, change))
        .collect()
}

fn said(recording: &Recording, event: &Event, change: &ReadAheadChange) -> Option<Said> {
    let (from, to) = change.from_kb.zip(change.to_kb)?;
    let volume = Volume::new(recording, Dev(change.dev));
    let near = |growth: &&Growth| {
        growth.after_ns <= event.boot_ns && event.boot_ns.saturating_sub(growth.by_ns) <= NEAR_NS
    };
    let grown = volume.growths.iter().rev().find(near)?;
    Some(Said {
        device: Some(volume.name.clone()),
        summary: format!(
            "read_ahead_kb went from {from} to {to} when the device grew; nobody wrote it."
        ),
        evidence: vec![
            super::evidence::growth(&volume, grown),
            Evidence::Event { id: event.id },
        ],
        advice: Some(format!(
            "echo {from} > /sys/block/{}/queue/read_ahead_kb",
            volume.name
        )),
        ..Said::default()
    })
}
