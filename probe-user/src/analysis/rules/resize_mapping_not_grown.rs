//! The device under a mapping grew, the mapping did not.

use super::evidence::{grow_command, growth, sizes};
use super::resize_fs_not_grown::has_grown_before;
use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::absence::{self, Watch};
use crate::analysis::case::Case;
use crate::analysis::fill::{fills, reaches, room_of_mapping};
use crate::analysis::volume::{Growth, Volume};
use crate::sample::Dev;
use crate::units::{bytes, bytes_change};

pub(super) const RULE: Rule = Rule {
    name: "resize/mapping-not-grown",
    version: 2,
    severity: Severity::Critical,
    headline: "MAPPING DID NOT GROW",
    explains: &["resize/failed", "resize/fs-not-grown", "resize/unknown"],
    looks_for: "The device under a LUKS or multipath mapping grew, and for 30 s or what --unused-after gave the \
                recorder, to the end of the recording, the mapping kept its size; or it had grown before, and somebody had asked \
                for it. A logical volume counts only where its volume was asked to be larger than it is: a \
                volume group may well have free space.",
    rests_on: "The capacity change beneath; the mapping's size before and after.",
    confirm: "lsblk -b: the mapping is smaller than what it lies on.",
    advice: "Resize the mapping, then the file system.",
    silent: Some("resize2fs finds that the file system fills its mapping, and exits 0."),
    check: Check::Case(check),
};

fn check(case: &Case) -> Option<Said> {
    let volume = case.volume.as_ref()?;
    let devices = volume.recording.devices();
    let mapping = devices.device(volume.dev)?;
    let name = mapping.dm_name.as_deref()?;
    let uuid = mapping.dm_uuid.as_deref()?;
    // Of a multipath mapping any path will do: all are the same disk.
    let beneath = Dev(*mapping.slaves.first()?);
    let below = devices.name(beneath)?;
    let is_lvm = uuid.starts_with("LVM-");
    let command = if uuid.starts_with("CRYPT-LUKS") {
        format!("cryptsetup resize {name}")
    } else if uuid.starts_with("mpath-") {
        format!("multipathd resize map {name}")
    } else if is_lvm && mapping.slaves.len() == 1 {
        format!("pvresize /dev/{below}, lvextend -l +100%FREE /dev/mapper/{name}")
    } else {
        return None;
    };
    let size = volume.device_bytes()?;
    let has_room = if is_lvm {
        // What is free in a volume group may be meant to be, unless somebody
        // asked for this volume to have it.
        !reaches(size, case.outside.wanted_bytes()?)
    } else {
        !fills(size, room_of_mapping(uuid, volume.bytes_of(beneath)?))
    };
    if !has_room {
        return None;
    }
    let advice = format!("{command}, then {}", grow_command(volume));
    let seen = seen(volume, name, beneath).or_else(|| {
        let summary = format!(
            "the mapping {name} has {} of the {} of {below}.",
            bytes(size),
            bytes(volume.bytes_of(beneath)?)
        );
        has_grown_before(case, volume).then(|| (summary, vec![sizes(volume)]))
    });
    let (summary, evidence) = seen?;
    Some(Said {
        device: Some(volume.name.clone()),
        summary,
        evidence,
        advice: Some(advice),
        ..Said::default()
    })
}

/// What is beneath grew while it was being recorded.
fn seen(volume: &Volume, name: &str, beneath: Dev) -> Option<(String, Vec<Evidence>)> {
    let devices = volume.recording.devices();
    let mut grown = volume.growths.iter().rev();
    let grown = grown.find(|growth| growth.dev == beneath)?;
    let since_ns = volume.recording.end_ns().saturating_sub(grown.by_ns);
    let later = |g: &Growth| g.dev == volume.dev && g.by_ns > grown.after_ns;
    if since_ns < volume.recording.unused_after_ns() || volume.growths.iter().any(later) {
        return None;
    }
    let what = format!("growth of {name}");
    let read = devices.sizes(volume.dev);
    let absence = absence::since(
        volume.recording,
        what,
        Watch::capacity(),
        read,
        grown.after_ns,
    )
    .ok()?;
    let summary = format!(
        "{} grew {}, the mapping {name} on it did not.",
        devices.name(beneath)?,
        bytes_change(Some(grown.from), Some(grown.to))
    );
    let evidence = vec![
        growth(volume, grown),
        absence.evidence(volume.recording),
        sizes(volume),
    ];
    Some((summary, evidence))
}
