//! The disk grew, the partition on it did not.

use super::evidence::{grow_command, growth, sizes};
use super::resize_fs_not_grown::has_grown_before;
use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::absence::{self, Watch};
use crate::analysis::case::Case;
use crate::analysis::fill::fills;
use crate::analysis::volume::Volume;
use crate::sample::Dev;
use crate::sample::event::Detail;
use crate::units::{bytes, bytes_change};

pub(super) const RULE: Rule = Rule {
    name: "resize/partition-not-grown",
    version: 2,
    severity: Severity::Critical,
    headline: "PARTITION DID NOT GROW",
    explains: &["resize/failed", "resize/fs-not-grown", "resize/unknown"],
    looks_for: "A disk grew, and for 30 s or what --unused-after gave the recorder, to the end of the \
                recording, its last partition, which holds a file system, kept its size; or it had grown before, and somebody had asked \
                for it. A file system cannot outgrow its partition: \
                resizing it then does nothing.",
    rests_on: "The disk's capacity change; the partition's size before and after; failed partition \
               calls and tools, where there were any.",
    confirm: "lsblk -b: the disk is larger than its partitions together. Where the table on disk is \
              already right (sfdisk --dump), only the kernel has not read it: partx --update DISK.",
    advice: "Grow the partition, then the file system.",
    silent: Some(
        "drivers that find a partition either leave it alone or take growpart's NOCHANGE for success.",
    ),
    check: Check::Case(check),
};

fn check(case: &Case) -> Option<Said> {
    let volume = case.volume.as_ref()?;
    seen(volume).or_else(|| by_state(case, volume))
}

/// The disk had grown before anybody looked.
fn by_state(case: &Case, volume: &Volume) -> Option<Said> {
    let devices = volume.recording.devices();
    let disk = devices.disk_of(volume.dev);
    let number = devices.device(volume.dev)?.partition?;
    if !has_grown_before(case, volume) || !is_last(volume, disk) || reaches_end(volume, disk)? {
        return None;
    }
    let disk_name = devices.name(disk)?;
    Some(Said {
        device: Some(volume.name.clone()),
        summary: format!(
            "partition {number} of {disk_name} has {} of its {}.",
            bytes(volume.device_bytes()?),
            bytes(volume.bytes_of(disk)?)
        ),
        evidence: vec![sizes(volume)],
        advice: Some(advice(volume, &disk_name, number)),
        ..Said::default()
    })
}

fn advice(volume: &Volume, disk: &str, number: u32) -> String {
    format!(
        "growpart /dev/{disk} {number}, then {}",
        grow_command(volume)
    )
}

/// It grew while it was being recorded.
fn seen(volume: &Volume) -> Option<Said> {
    let devices = volume.recording.devices();
    let disk = devices.disk_of(volume.dev);
    let number = devices.device(volume.dev)?.partition?;
    let grown = volume
        .growths
        .iter()
        .rev()
        .find(|growth| growth.dev == disk)?;
    let since_ns = volume.recording.end_ns().saturating_sub(grown.by_ns);
    let partition_grew = |dev| {
        volume
            .growths
            .iter()
            .any(|g| g.dev == dev && g.by_ns > grown.after_ns)
    };
    if disk == volume.dev
        || since_ns < volume.recording.unused_after_ns()
        || partition_grew(volume.dev)
        || !is_last(volume, disk)
        || reaches_end(volume, disk)?
    {
        return None;
    }
    let what = format!("growth of {}", volume.name);
    let sizes_read = devices.sizes(volume.dev);
    let absence = absence::since(
        volume.recording,
        what,
        Watch::capacity(),
        sizes_read,
        grown.after_ns,
    )
    .ok()?;
    let mut evidence = vec![growth(volume, grown)];
    evidence.extend(failures(volume, disk, grown.by_ns));
    evidence.push(absence.evidence(volume.recording));
    evidence.push(sizes(volume));
    let disk_name = devices.name(disk)?;
    Some(Said {
        device: Some(volume.name.clone()),
        summary: format!(
            "disk {disk_name} grew {}, its partition {number} did not.",
            bytes_change(Some(grown.from), Some(grown.to))
        ),
        evidence,
        advice: Some(advice(volume, &disk_name, number)),
        ..Said::default()
    })
}

/// Only the last partition of a disk can grow.
fn is_last(volume: &Volume, disk: Dev) -> bool {
    let devices = volume.recording.devices();
    let start = |dev| devices.device(dev).and_then(|d| d.start_bytes);
    let own = start(volume.dev);
    let mut others = devices
        .all()
        .filter(|(dev, d)| d.parent_dev == Some(disk.0) && *dev != volume.dev && !d.removed);
    others.all(|(dev, _)| start(dev) < own)
}

fn reaches_end(volume: &Volume, disk: Dev) -> Option<bool> {
    let start = volume
        .recording
        .devices()
        .device(volume.dev)?
        .start_bytes
        .unwrap_or(0);
    Some(fills(
        start.saturating_add(volume.bytes_of(volume.dev)?),
        volume.bytes_of(disk)?,
    ))
}

/// Partition calls of this disk that failed.
fn failures(volume: &Volume, disk: Dev, from_ns: u64) -> Vec<Evidence> {
    let events = volume
        .recording
        .events()
        .filter(|event| event.boot_ns >= from_ns);
    let failed = events.filter(|event| match &event.detail {
        Some(Detail::PartitionChange(change)) => {
            Dev(change.disk_dev) == disk && !change.error.is_empty()
        }
        _ => false,
    });
    failed
        .map(|event| Evidence::Event { id: event.id })
        .collect()
}
