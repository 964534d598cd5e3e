//! Smaller was asked for.

use super::evidence::sizes;
use super::resize_api_error::asks_less;
use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::case::Case;
use crate::analysis::outside::{Call, Meaning};
use crate::analysis::volume::{Attempt, Volume};
use crate::units::bytes_change;

pub(super) const RULE: Rule = Rule {
    name: "resize/shrink-refused",
    version: 1,
    severity: Severity::Warning,
    headline: "SHRINK REFUSED",
    explains: &["resize/failed", "resize/unknown"],
    looks_for: "A resize call asked for less than the file system has, or the cloud or its driver was asked \
                for less than the disk has, and refused.",
    rests_on: "The size that the call asked for, the size before it, and its error.",
    confirm: "Look at the arguments of the tool.",
    advice: "Neither ext4 nor xfs shrinks while mounted: ask for at least the present size.",
    silent: None,
    check: Check::Case(check),
};

fn check(case: &Case) -> Option<Said> {
    let refused = case.volume.as_ref().and_then(refused);
    refused.or_else(|| said(case))
}

/// The API's error code, or the driver's words.
fn said(case: &Case) -> Option<Said> {
    let outside = &case.outside;
    let call = outside.last_call();
    let failed = call.as_ref().and_then(Call::failure);
    let too_small = failed.filter(|(_, step)| step.error.as_deref().is_some_and(asks_less));
    let told = too_small
        .map(|(told, _)| told)
        .or_else(|| outside.last(Meaning::NotLarger))?;
    if case.grew_since(told.event.at) {
        return None;
    }
    Some(Said {
        device: case.name(),
        summary: "a smaller size than the disk has was asked for, and refused.".to_owned(),
        evidence: vec![Evidence::Event { id: told.id }],
        advice: Some("Disks do not shrink: ask for at least the present size.".to_owned()),
        ..Said::default()
    })
}

fn refused(volume: &Volume) -> Option<Said> {
    let refused = volume
        .attempts
        .iter()
        .rev()
        .find(|attempt| asked_less(attempt).is_some())?;
    if volume.grew_since(refused.event.boot_ns) {
        return None;
    }
    let (from, asked) = asked_less(refused)?;
    Some(Said {
        device: Some(volume.name.clone()),
        summary: format!(
            "a smaller size was asked for ({}), and refused.",
            bytes_change(Some(from), Some(asked))
        ),
        evidence: vec![
            Evidence::Event {
                id: refused.event.id,
            },
            sizes(volume),
        ],
        ..Said::default()
    })
}

/// Size before and size asked for, of an attempt to shrink that was refused.
fn asked_less(attempt: &Attempt) -> Option<(u64, u64)> {
    let resize = attempt.resize.filter(|resize| !resize.error.is_empty())?;
    let (from, asked) = resize.from_bytes.zip(resize.requested_bytes)?;
    (asked < from).then_some((from, asked))
}
