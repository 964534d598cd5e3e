//! Read-ahead was set while recording.

use super::{Check, Evidence, Rule, Said, Severity};
use crate::model::Recording;
use crate::sample::event::Detail;
use crate::sample::{Dev, Event, ReadAheadChange};
use std::collections::BTreeMap;

pub(super) const RULE: Rule = Rule {
    name: "readahead/changed-during-recording",
    version: 1,
    severity: Severity::Info,
    headline: "READ-AHEAD CHANGED",
    explains: &[],
    looks_for: "read_ahead_kb of a device or mount had another value before than after some moment of the \
                recording: what was counted before and after it does not compare.",
    rests_on: "The write itself and its writer where it was seen, else the values read.",
    confirm: "cat /sys/class/bdi/MAJ:MIN/read_ahead_kb, and look for udev rules, tuned profiles and mount \
              options that set it.",
    advice: "Compare recordings from before and after it, not this one. If the last value is not the wanted one, set \
             it where its writer takes it from: udev rule, tuned profile, mount option.",
    silent: None,
    check: Check::Recording(check),
};

fn check(recording: &Recording) -> Vec<Said> {
    let mut by_device: BTreeMap<String, Vec<(&Event, &ReadAheadChange)>> = BTreeMap::new();
    for (event, change) in changes(recording) {
        let name = recording.devices().name(Dev(change.dev));
        by_device
            .entry(name.unwrap_or_default())
            .or_default()
            .push((event, change));
    }
    by_device
        .into_iter()
        .filter_map(|(name, changes)| said(name, &changes))
        .collect()
}

fn said(name: String, changes: &[(&Event, &ReadAheadChange)]) -> Option<Said> {
    let values: Vec<u64> = changes
        .first()
        .and_then(|(_, change)| change.from_kb)
        .into_iter()
        .chain(changes.iter().filter_map(|(_, change)| change.to_kb))
        .collect();
    let values: Vec<String> = values.iter().map(u64::to_string).collect();
    let (last, _) = changes.last()?;
    let by = match last.comm.as_str() {
        "" => "nobody was seen writing it".to_owned(),
        comm => format!("last by {comm} [{}]", last.pid),
    };
    Some(Said {
        device: Some(name),
        summary: format!("read_ahead_kb changed: {}; {by}.", values.join(" → ")),
        evidence: changes
            .iter()
            .map(|(event, _)| Evidence::Event { id: event.id })
            .collect(),
        ..Said::default()
    })
}

/// Changes that took effect.
pub(in crate::analysis) fn changes(
    recording: &Recording,
) -> impl Iterator<Item = (&Event, &ReadAheadChange)> {
    recording.events().filter_map(|event| match &event.detail {
        Some(Detail::ReadAhead(change))
            if change.error.is_empty() && change.from_kb != change.to_kb =>
        {
            Some((event, change))
        }
        _ => None,
    })
}
