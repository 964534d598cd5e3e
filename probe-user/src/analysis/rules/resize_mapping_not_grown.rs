//! The device under a mapping grew, the mapping did not.

use super::evidence::{grow_command, growth, sizes};
use super::resize_fs_not_grown::PATIENCE_NS;
use super::{Check, Rule, Said, Severity};
use crate::analysis::absence::{self, Watch};
use crate::analysis::fill::{fills, room_of_mapping};
use crate::analysis::volume::Volume;
use crate::sample::Dev;
use crate::units::bytes_change;

pub(super) const RULE: Rule = Rule {
    name: "resize/mapping-not-grown",
    version: 1,
    severity: Severity::Critical,
    headline: "MAPPING DID NOT GROW",
    explains: &["resize/failed", "resize/fs-not-grown", "resize/unknown"],
    looks_for: "The device under a LUKS or multipath mapping grew, and for at least 30 s, to the end of \
                the recording, the mapping kept its size. LVM is left out: a volume group may well have \
                free space.",
    rests_on: "The capacity change beneath; the mapping's size before and after.",
    confirm: "lsblk -b: the mapping is smaller than what it lies on.",
    advice: "Resize the mapping, then the file system.",
    silent: Some("resize2fs finds that the file system fills its mapping, and exits 0."),
    check: Check::Volume(check),
};

fn check(volume: &Volume) -> Option<Said> {
    let devices = volume.recording.devices();
    let mapping = devices.device(volume.dev)?;
    let name = mapping.dm_name.as_deref()?;
    let uuid = mapping.dm_uuid.as_deref()?;
    let command = if uuid.starts_with("CRYPT-LUKS") {
        format!("cryptsetup resize {name}")
    } else if uuid.starts_with("mpath-") {
        format!("multipathd resize map {name}")
    } else {
        return None;
    };
    let beneath = Dev(*mapping.slaves.first()?);
    let grown = volume
        .growths
        .iter()
        .rev()
        .find(|growth| growth.dev == beneath)?;
    let since_ns = volume.recording.end_ns().saturating_sub(grown.by_ns);
    let grew = volume
        .growths
        .iter()
        .any(|g| g.dev == volume.dev && g.by_ns > grown.after_ns);
    let room = room_of_mapping(uuid, volume.bytes_of(beneath)?);
    let full = fills(volume.device_bytes()?, room);
    if since_ns < PATIENCE_NS || grew || full {
        return None;
    }
    let what = format!("growth of {name}");
    let read = devices.sizes(volume.dev);
    let absence =
        absence::since(volume.recording, what, Watch::capacity(), read, grown.by_ns).ok()?;
    Some(Said {
        device: Some(volume.name.clone()),
        summary: format!(
            "{} grew {}, the mapping {name} on it did not.",
            devices.name(beneath)?,
            bytes_change(Some(grown.from), Some(grown.to))
        ),
        evidence: vec![
            growth(volume, grown),
            absence.evidence(volume.recording),
            sizes(volume),
        ],
        advice: Some(format!("{command}, then {}", grow_command(volume))),
    })
}
