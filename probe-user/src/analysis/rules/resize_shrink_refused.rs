//! Smaller was asked for.

use super::evidence::sizes;
use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::volume::{Attempt, Volume};
use crate::units::bytes_change;

pub(super) const RULE: Rule = Rule {
    name: "resize/shrink-refused",
    version: 1,
    severity: Severity::Warning,
    headline: "SHRINK REFUSED",
    explains: &["resize/failed", "resize/unknown"],
    looks_for: "A resize call asked for less than the file system has, and was refused.",
    rests_on: "The size that the call asked for, the size before it, and its error.",
    confirm: "Look at the arguments of the tool.",
    advice: "Neither ext4 nor xfs shrinks while mounted: ask for at least the present size.",
    check: Check::Volume(check),
};

fn check(volume: &Volume) -> Option<Said> {
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
        advice: None,
    })
}

/// Size before and size asked for, of an attempt to shrink that was refused.
fn asked_less(attempt: &Attempt) -> Option<(u64, u64)> {
    let resize = attempt.resize.filter(|resize| !resize.error.is_empty())?;
    let (from, asked) = resize.from_bytes.zip(resize.requested_bytes)?;
    (asked < from).then_some((from, asked))
}
