//! The cloud said yes, and the device stayed as it was.

use super::evidence::sizes;
use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::case::Case;
use crate::analysis::outside::{Meaning, Told};
use crate::analysis::state::Layers;
use crate::analysis::volume::Volume;
use crate::units::duration;

pub(super) const RULE: Rule = Rule {
    name: "resize/device-never-grew",
    version: 1,
    severity: Severity::Critical,
    headline: "DEVICE DID NOT GROW",
    explains: &["resize/unknown"],
    looks_for: "The cloud accepted or completed a call to enlarge the disk, and from then to the end of the \
                recording, at least 30 s, its device had no change of capacity.",
    rests_on: "The call; no capacity change by events, or the same size read before and after.",
    confirm: "Compare the size in the cloud's console with `blockdev --getsize64 DEVICE`.",
    advice: "Make the kernel look again; if the size stays, ask the provider with the request id.",
    silent: Some("the API answers before the disk has grown, and nobody asks the node's kernel."),
    check: Check::Case(check),
};

/// So long may a cloud take for what it has accepted.
const PATIENCE_NS: u64 = 30_000_000_000;

fn check(case: &Case) -> Option<Said> {
    let volume = case.volume.as_ref()?;
    let (told, who) = accepted(case)?;
    let layers = Layers::of(volume.recording.devices(), volume.dev);
    let [disk] = *layers.disks else { return None };
    if case.has_wanted_size() != Some(false) || case.grew_since(told.event.at) {
        return None;
    }
    let from_ns = case.boot_after(volume, told)?;
    let since_ns = volume.recording.end_ns().saturating_sub(from_ns);
    if since_ns < PATIENCE_NS {
        return None;
    }
    let absence = case.never_grew_since(told).ok()?;
    Some(Said {
        device: case.name(),
        summary: format!(
            "{who}, and in the {} of recording since then the device did not grow.",
            duration(since_ns)
        ),
        evidence: vec![
            Evidence::Event { id: told.id },
            absence.evidence(volume.recording),
            sizes(volume),
        ],
        advice: Some(look_again(volume, disk)),
        ..Said::default()
    })
}

/// The record that says that the cloud took it, and who says so.
fn accepted<'a>(case: &Case<'a>) -> Option<(Told<'a>, String)> {
    let outside = &case.outside;
    if let Some(call) = outside.last_call() {
        let told = call.accepted().filter(|_| call.failure().is_none())?;
        let word = if call.completed().is_some() {
            "completed"
        } else {
            "accepted"
        };
        return Some((told, format!("{} was {word}", call.action())));
    }
    let written = outside.capacity_written().map(|(told, _)| told);
    let told = written.or_else(|| outside.first(Meaning::CloudDone))?;
    Some((
        told,
        "the controller says that the cloud enlarged the disk".to_owned(),
    ))
}

/// SCSI disks keep their size until someone has them scanned again.
fn look_again(volume: &Volume, disk: crate::sample::Dev) -> String {
    let name = volume.recording.devices().name(disk).unwrap_or_default();
    if name.starts_with("sd") {
        format!("echo 1 > /sys/class/block/{name}/device/rescan, then look at its size")
    } else if name.starts_with("nvme") {
        format!("nvme ns-rescan on its controller, then look at the size of {name}")
    } else {
        RULE.advice.to_owned()
    }
}
