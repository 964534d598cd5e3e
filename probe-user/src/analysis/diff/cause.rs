//! Which difference in the configuration did something.
//!
//! Of read-ahead it can be shown: where the cap of a file's windows decides the
//! pace, the windows on the side with the smaller value are at the cap, those
//! on the other side exceed it, and the pace changed in the same direction.
//! Of other settings nothing that is counted could show it.

use super::Side;
use super::compare::Verdict;
use super::schema::{ConfigRow, DiffRow, Effect, Named};
use crate::analysis::reading::{self, Windows};
use crate::analysis::rules::read_ahead_changes;
use crate::sample::Dev;
use std::collections::BTreeMap;

/// Share of the pages that come in windows beyond the other side's cap, if
/// that one is what held it back.
const BEYOND: f64 = 0.5;

/// Judges each difference, and sorts them by what they did.
pub(super) fn judge(
    config: &mut [ConfigRow],
    rows: &[DiffRow],
    names: &BTreeMap<usize, Named>,
    a: &Side,
    b: &Side,
) {
    for row in config.iter_mut() {
        let concerned = concerned(row, rows, names, b);
        (row.effect, row.why) = match names.get(&row.volume.unwrap_or(usize::MAX)) {
            Some(volume) if row.what == "read_ahead_kb" => {
                read_ahead_effect(volume, &concerned, a, b)
            }
            _ => other_effect(&concerned),
        };
    }
    config.sort_by_key(|row| row.effect);
}

/// The difference that is the cause of this verdict, if its effect is shown.
pub(super) fn chosen(config: &[ConfigRow], verdict: Verdict) -> Option<&ConfigRow> {
    let number = |value: &serde_json::Value| value.as_u64().unwrap_or(0);
    config.iter().find(|row| {
        let became_less = number(&row.b) < number(&row.a);
        let direction = if became_less {
            Verdict::Regressed
        } else {
            Verdict::Improved
        };
        row.effect == Effect::Shown && direction == verdict
    })
}

/// Rows that a difference may have changed: for a volume those that read from
/// it, and for read-ahead nothing else; for the node all of them.
fn concerned<'r>(
    config: &ConfigRow,
    rows: &'r [DiffRow],
    names: &BTreeMap<usize, Named>,
    b: &Side,
) -> Vec<&'r DiffRow> {
    let Some(number) = config.volume else {
        return rows.iter().collect();
    };
    let dev = |number: &usize| names.get(number)?.devs.map(|(_, b)| b);
    let wanted = dev(&number);
    let devices = b.recording.devices();
    let reads_only = config.what == "read_ahead_kb";
    let is_on = |volume: &usize| {
        // A mapping has a read-ahead of its own; all else it has from beneath.
        let lies_on = |v: Dev| match (reads_only, wanted) {
            (true, Some(wanted)) => devices.disk_of(v) == wanted,
            (false, Some(wanted)) => devices.chain(v).contains(&wanted),
            (_, None) => false,
        };
        *volume == number || dev(volume).is_some_and(lies_on)
    };
    rows.iter()
        .filter(|row| {
            let volumes = if reads_only {
                row.volumes.get(..1).unwrap_or_default()
            } else {
                &row.volumes
            };
            volumes.iter().any(is_on)
        })
        .collect()
}

fn other_effect(rows: &[&DiffRow]) -> (Effect, String) {
    let judged: Vec<_> = rows.iter().filter(|row| !row.minor).collect();
    let changed = |row: &&&DiffRow| matches!(row.verdict, Verdict::Regressed | Verdict::Improved);
    if judged.iter().any(changed) {
        (Effect::Unknown, "what it changes is not counted".to_owned())
    } else if judged.is_empty() {
        (Effect::NoneSeen, "nothing of it was compared".to_owned())
    } else {
        (
            Effect::NoneSeen,
            "no pace that it concerns changed".to_owned(),
        )
    }
}

fn read_ahead_effect(named: &Named, rows: &[&DiffRow], a: &Side, b: &Side) -> (Effect, String) {
    let unknown = |why: &str| (Effect::Unknown, why.to_owned());
    let none = |why: String| (Effect::NoneSeen, why);
    let Some((dev_a, dev_b)) = named.devs else {
        return unknown("it is not known which volume it is of");
    };
    let value = |side: &Side, dev| reading::configured_kb(side.recording.devices(), dev);
    let Some((value_a, value_b)) = value(a, dev_a).zip(value(b, dev_b)) else {
        return unknown("a value is not known");
    };
    if changed(a, dev_a) || changed(b, dev_b) {
        return unknown("it changed during a recording");
    }
    let (smaller, larger, slower) = if value_b < value_a {
        (
            Windows::of(b.recording, dev_b),
            Windows::of(a.recording, dev_a),
            Verdict::Regressed,
        )
    } else {
        (
            Windows::of(a.recording, dev_a),
            Windows::of(b.recording, dev_b),
            Verdict::Improved,
        )
    };
    let (Some(smaller), Some(larger)) = (smaller, larger) else {
        return none("nothing was read ahead on one side".to_owned());
    };
    let Some(at_cap) = smaller.share_at_cap() else {
        return unknown("the recording does not say which windows were at the cap");
    };
    let cap = smaller.largest;
    if at_cap < reading::HELD_BACK {
        let percent = 100.0 * at_cap;
        return none(format!(
            "only {percent:.0} % of the pages came in windows at the cap"
        ));
    }
    if larger.beyond(cap) < BEYOND {
        return none(format!(
            "windows were not larger than {cap} pages on the other side either"
        ));
    }
    let verdicts = rows.iter().filter(|row| !row.minor).map(|row| row.verdict);
    let verdicts: Vec<_> = verdicts.collect();
    if !verdicts.contains(&slower) {
        return if verdicts.contains(&Verdict::Unclear) {
            unknown("windows changed with it; whether the pace did is unclear")
        } else {
            none("windows changed with it, the pace did not".to_owned())
        };
    }
    if let Some(why) = slower_beside(&smaller, &larger) {
        return unknown(&why);
    }
    let side = if value_b < value_a { "after" } else { "before" };
    (
        Effect::Shown,
        format!("windows at the cap of {cap} pages {side}, beyond it on the other side"),
    )
}

/// A smaller window takes no longer than a larger one, if the device is as fast
/// as before. Where it does, the device became slower too, and how much of the
/// pace is whose cannot be told.
fn slower_beside(smaller: &Windows, larger: &Windows) -> Option<String> {
    let (small, large) = smaller.ns_each().zip(larger.ns_each())?;
    (small > large * 1.1).then(|| {
        "the volume itself became slower too: a small window takes longer than a large one did"
            .to_owned()
    })
}

fn changed(side: &Side, dev: Dev) -> bool {
    read_ahead_changes(side.recording).any(|(_, change)| Dev(change.dev) == dev)
}
