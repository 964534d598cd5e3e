//! It grew, all of it.

use super::evidence::{growth, sizes};
use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::case::Case;
use crate::analysis::fill::reaches;
use crate::analysis::volume::{Growth, Volume};
use crate::units::bytes;

pub(super) const RULE: Rule = Rule {
    name: "resize/ok",
    version: 1,
    severity: Severity::Info,
    headline: "GREW",
    explains: &[],
    looks_for: "The device or the file system grew during the recording, and at its end the file system \
                fills the device.",
    rests_on: "The changes of size that were seen, and the sizes at the end.",
    confirm: "lsblk and dumpe2fs or xfs_info agree.",
    advice: "",
    silent: None,
    check: Check::Case(check),
};

fn check(case: &Case) -> Option<Said> {
    let volume = case.volume.as_ref()?;
    let own = |growth: &&Growth| growth.dev == volume.dev;
    let grown = volume.growths.iter().rev().find(own);
    let resized = volume.attempts.iter().rev().find(|attempt| attempt.grew());
    let happened = grown.is_some() || volume.grew_since(volume.recording.start_ns());
    let asked = case.outside.wanted_bytes().is_some();
    let raw = case.is_raw();
    if !happened && !asked
        || !(raw || volume.is_full_size()?)
        || case.has_wanted_size() == Some(false)
        || !happened && is_short(case, volume)
        || raw && !happened && case.has_wanted_size().is_none()
    {
        return None;
    }
    let mut evidence: Vec<_> = grown
        .map(|grown| growth(volume, grown))
        .into_iter()
        .collect();
    evidence.extend(resized.map(|attempt| Evidence::Event {
        id: attempt.event.id,
    }));
    evidence.push(sizes(volume));
    Some(Said {
        device: Some(volume.name.clone()),
        summary: format!(
            "{}, {}.",
            match (raw, happened) {
                (true, true) => "the raw device grew",
                (true, false) => "the raw device has the size",
                (false, true) => "the file system grew and fills its device",
                (false, false) => "the file system fills its device",
            },
            bytes(volume.device_bytes()?)
        ),
        evidence,
        ..Said::default()
    })
}

/// A partition or mapping that was left behind by the growth of its disk.
fn is_short(case: &Case, volume: &Volume) -> bool {
    let device = volume.recording.devices().device(volume.dev);
    let start = device.and_then(|device| device.start_bytes).unwrap_or(0);
    let end = volume.device_bytes().map(|size| start.saturating_add(size));
    let sizes = end.zip(case.outside.wanted_bytes());
    !volume.growths.is_empty() || sizes.is_some_and(|(end, wanted)| !reaches(end, wanted))
}
