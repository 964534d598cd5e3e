//! The device grew, and nobody told the file system.

use super::evidence::{grow_command, growth, sizes};
use super::{Check, Rule, Said, Severity};
use crate::analysis::case::Case;
use crate::analysis::volume::Volume;
use crate::units::{bytes, bytes_change, duration};

pub(super) const RULE: Rule = Rule {
    name: "resize/fs-not-grown",
    version: 1,
    severity: Severity::Critical,
    headline: "DID NOT GROW",
    explains: &["resize/unknown"],
    looks_for: "The device (or partition, or mapping) under a file system grew, and for 30 s or what \
                --unused-after gave the recorder, to the end of the recording, the file system did not; or it is smaller \
                throughout, and more was asked for.",
    rests_on: "The capacity change; the file system's size from its superblock or geometry before and \
               after; where the probe worked without a hole, no resize call.",
    confirm: "Compare `blockdev --getsize64 DEVICE` with `dumpe2fs -h DEVICE` or `xfs_info MOUNT`.",
    advice: "Resize the file system.",
    silent: Some(
        "nobody compares the file system with its device: the claim's status is set to what was asked for.",
    ),
    check: Check::Case(check),
};

fn check(case: &Case) -> Option<Said> {
    let volume = case.volume.as_ref()?;
    seen(volume).or_else(|| by_state(case, volume))
}

/// It grew while it was being recorded.
fn seen(volume: &Volume) -> Option<Said> {
    let grown = volume
        .growths
        .iter()
        .rev()
        .find(|growth| growth.dev == volume.dev)?;
    let since_ns = volume.recording.end_ns().saturating_sub(grown.by_ns);
    if since_ns < volume.recording.unused_after_ns()
        || volume.is_full_size()?
        || volume.grew_since(grown.after_ns)
    {
        return None;
    }
    let absence = volume.nobody_resized_since(grown.after_ns).ok()?;
    Some(Said {
        device: Some(volume.name.clone()),
        summary: format!(
            "the device grew {}, and in the {} since then the file system did not.",
            bytes_change(Some(grown.from), Some(grown.to)),
            duration(since_ns)
        ),
        evidence: vec![
            growth(volume, grown),
            absence.evidence(volume.recording),
            sizes(volume),
        ],
        advice: Some(grow_command(volume)),
        ..Said::default()
    })
}

/// Whether it had grown before anybody looked: somebody asked for it, or came to
/// look at the sizes alone. Else nobody may ever have wanted the rest of the device.
pub(super) fn has_grown_before(case: &Case, volume: &Volume) -> bool {
    let changes = !volume.growths.is_empty() || !volume.attempts.is_empty();
    let asked = case.outside.wanted_bytes().is_some();
    let only_looked = volume.recording.totals().probes.is_empty();
    !changes && (asked || only_looked) && case.has_wanted_size() != Some(false)
}

/// Its size, of one that had.
fn by_state(case: &Case, volume: &Volume) -> Option<Said> {
    if !has_grown_before(case, volume) || volume.is_full_size()? {
        return None;
    }
    Some(Said {
        device: Some(volume.name.clone()),
        summary: format!(
            "the file system has {} of the {} of its device.",
            bytes(volume.fs_bytes()?),
            bytes(volume.device_bytes()?)
        ),
        evidence: vec![sizes(volume)],
        advice: Some(grow_command(volume)),
        ..Said::default()
    })
}
