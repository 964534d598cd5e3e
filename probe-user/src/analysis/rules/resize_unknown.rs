//! Something grew, and what came of it cannot be said.

use super::evidence::{growth, sizes};
use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::case::Case;
use crate::analysis::volume::Volume;
use crate::units::{bytes, duration};

pub(super) const RULE: Rule = Rule {
    name: "resize/unknown",
    version: 1,
    severity: Severity::Info,
    headline: "UNKNOWN",
    explains: &[],
    looks_for: "A device grew or was asked to, the file system is not known to fill it, and the evidence does not say \
                more: the recording ended too soon, or something is missing from it.",
    rests_on: "The capacity change; the reasons are in the summary.",
    confirm: "volprobe report: what the recording says about its own completeness.",
    advice: "Look at the sizes now, or record for longer.",
    silent: None,
    check: Check::Case(check),
};

fn check(case: &Case) -> Option<Said> {
    let mounted = case.volume.as_ref().filter(|_| !case.is_raw());
    let on_node = mounted.and_then(grew);
    on_node.or_else(|| asked(case))
}

/// Somebody asked for more, and what came of it is not known.
fn asked(case: &Case) -> Option<Said> {
    let outside = &case.outside;
    let request = outside.request().and_then(|request| request.told);
    let call = outside.last_call().map(|call| call.first());
    if request.is_none() && call.is_none() {
        return None;
    }
    let mut why = case.missing.clone();
    if let (Some(volume), true) = (&case.volume, why.is_empty()) {
        why.extend(
            volume
                .nobody_resized_since(volume.recording.start_ns())
                .err()
                .into_iter()
                .flatten(),
        );
        why.extend(not_yet(case, volume));
    }
    let why = if why.is_empty() {
        "the evidence does not say more".to_owned()
    } else {
        why.join("; ")
    };
    let told = request.into_iter().chain(call);
    Some(Said {
        device: case.name(),
        summary: format!("a larger size was asked for; what came of it is not known: {why}."),
        evidence: told.map(|told| Evidence::Event { id: told.id }).collect(),
        ..Said::default()
    })
}

/// Its device has not grown yet.
fn not_yet(case: &Case, volume: &Volume) -> Option<String> {
    let size = volume.device_bytes()?;
    let recording = volume.recording;
    let recorded_ns = recording.end_ns().saturating_sub(recording.start_ns());
    (case.has_wanted_size() == Some(false)).then(|| {
        format!(
            "its device still has {} after {} of recording",
            bytes(size),
            duration(recorded_ns)
        )
    })
}

fn grew(volume: &Volume) -> Option<Said> {
    let grown = volume.growths.last()?;
    if volume.is_full_size() == Some(true) {
        return None;
    }
    let since_ns = volume.recording.end_ns().saturating_sub(grown.by_ns);
    let mut why = Vec::new();
    if volume.is_resizing() {
        why.push("a resize had not returned when the recording ended".to_owned());
    } else if since_ns < volume.recording.unused_after_ns() {
        why.push(format!(
            "the recording ended {} after the growth",
            duration(since_ns)
        ));
    }
    if why.is_empty() {
        let unseen = volume.nobody_resized_since(grown.after_ns).err();
        why.extend(unseen.into_iter().flatten());
    }
    if why.is_empty() && volume.fs_bytes().is_none() {
        why.push("the size of its file system is not known".to_owned());
    }
    if why.is_empty() {
        return None;
    }
    Some(Said {
        device: Some(volume.name.clone()),
        summary: format!(
            "the device grew; whether the file system will is not known: {}.",
            why.join("; ")
        ),
        evidence: vec![growth(volume, grown), sizes(volume)],
        ..Said::default()
    })
}
