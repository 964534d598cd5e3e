//! The first line, and what makes it less certain than it looks.

use super::Side;
use super::compare::Verdict;
use super::schema::{ConfigRow, DiffRow};
use crate::analysis::report::completeness;
use crate::units::{duration, sum};
use serde_json::Value;
use std::collections::BTreeMap;

/// One sentence: the verdict, of what, by how much, and why.
pub(super) fn summary(
    rows: &[DiffRow],
    cause: Option<&ConfigRow>,
    verdict: Verdict,
    threshold: f64,
) -> String {
    let heard = rows.iter().filter(|row| !row.minor);
    let concerned = |row: &&DiffRow| {
        let volume = cause.and_then(|cause| cause.volume);
        volume.is_some() && row.volumes.first() == volume.as_ref()
    };
    let of_verdict: Vec<&DiffRow> = heard.clone().filter(|row| row.verdict == verdict).collect();
    // What the cause explains is told first, and of that what took most time.
    let told = of_verdict
        .iter()
        .copied()
        .max_by_key(|row| (concerned(row), row.weight_ns));
    match (verdict, told) {
        (Verdict::Regressed | Verdict::Improved, Some(row)) => {
            let change = change(row);
            let more = match of_verdict.len() {
                1 => String::new(),
                n => format!(" ({} more)", n - 1),
            };
            let word = if verdict == Verdict::Regressed {
                "regressed"
            } else {
                "improved"
            };
            format!(
                "{word}: {} are {change}{more}; {}",
                subject(row),
                because(cause)
            )
        }
        (Verdict::Same, _) => {
            let percent = (threshold - 1.0) * 100.0;
            let by_rate = of_verdict.iter().all(|row| row.by_rate);
            let rows = match of_verdict.len() {
                _ if by_rate => {
                    "nothing that is in both has a pace, and it was done as often".to_owned()
                }
                1 => "what is in both has the same pace".to_owned(),
                n => format!("all {n} rows that are in both have the same pace"),
            };
            format!("same: {rows}, within {percent:.0} %")
        }
        (_, Some(row)) if row.by_rate => format!(
            "unclear: {} have no pace; the time from one to the next was {}, and it is not known who waited",
            subject(row),
            between(row)
        ),
        (_, Some(row)) => format!(
            "unclear: {} took {}; {}",
            subject(row),
            between(row),
            too_little(row)
        ),
        (_, None) => "unclear: nothing was copied or read on in both recordings".to_owned(),
    }
}

fn too_little(row: &DiffRow) -> String {
    format!(
        "too little to tell from {} and {} intervals",
        row.units.a, row.units.b
    )
}

fn between(row: &DiffRow) -> String {
    match (row.pace().low, row.pace().high) {
        (Some(low), Some(high)) => format!("{} to {} times as long", times(low), times(high)),
        _ => "an unknown time".to_owned(),
    }
}

fn because(cause: Option<&ConfigRow>) -> String {
    match cause {
        Some(row) => format!(
            "cause: read-ahead of {}, {} → {} KiB",
            volume(row),
            plain(&row.a),
            plain(&row.b)
        ),
        None => "no difference in the configuration is shown to be the cause".to_owned(),
    }
}

/// What a person calls the volume of a difference.
pub(super) fn volume(row: &ConfigRow) -> String {
    let name = row.source.as_ref().or(row.device.as_ref());
    name.cloned().unwrap_or_else(|| "the node".to_owned())
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// `copies from vdb to vdc`, `reads from nas:/data`.
fn subject(row: &DiffRow) -> String {
    let name = |key| row.name(key).unwrap_or("an unknown device");
    let of_pod = row
        .name("pod")
        .map(|pod| format!(" by {pod}"))
        .unwrap_or_default();
    match row.probe.as_str() {
        "copy" if name("src") == name("dst") => format!("copies on {}{of_pod}", name("src")),
        "copy" => format!("copies from {} to {}{of_pod}", name("src"), name("dst")),
        "readahead" => {
            let from = row.source.as_deref().unwrap_or_else(|| name("device"));
            format!("reads from {from}{of_pod}")
        }
        other => format!("{other} on {}{of_pod}", name("device")),
    }
}

/// `4.6 × slower`.
fn change(row: &DiffRow) -> String {
    let ratio = row.pace().ratio.unwrap_or(1.0);
    if ratio >= 1.0 {
        format!("{} × slower", times(ratio))
    } else {
        format!("{} × faster", times(1.0 / ratio))
    }
}

/// A factor with two digits that mean something.
pub(super) fn times(factor: f64) -> String {
    let digits = usize::from(factor < 9.95);
    if (0.9..1.15).contains(&factor) {
        return format!("{factor:.2}");
    }
    format!("{factor:.digits$}")
}

/// What makes the comparison less certain than it looks.
pub(super) fn notes(a: &Side, b: &Side) -> Vec<String> {
    let mut notes = Vec::new();
    let filters = |side: &Side| side.recording.session().map(|s| s.filters.clone());
    if filters(a) != filters(b) {
        notes.push("the two were recorded with different filters".to_owned());
    }
    let flush = |side: &Side| side.recording.session().map_or(0, |s| s.flush_ns);
    if flush(a) != flush(b) && flush(a) > 0 && flush(b) > 0 {
        let (a, b) = (duration(flush(a)), duration(flush(b)));
        notes.push(format!("an interval is {a} in A and {b} in B"));
    }
    for (side, name) in [(a, "A"), (b, "B")] {
        let reading = side.recording.reading();
        if reading.truncated {
            notes.push(format!("{name} was cut off; it is compared up to there"));
        }
        if reading.damaged_frames > 0 {
            notes.push(format!(
                "{name} is damaged: what it lost is in no comparison"
            ));
        }
        notes.extend(lacks(side, name));
        let missed = sum(side.recording.missed().iter().map(|missed| missed.count));
        if missed > 0 {
            notes.push(format!(
                "{missed} calls are missing from {name}: the kernel did not show them"
            ));
        }
        if side.recording.totals().schemas.is_empty() {
            notes.push(format!(
                "{name} holds the node's state only: no pace can be compared"
            ));
        }
    }
    notes
}

/// What is missing from a recording, by its own account.
fn lacks(side: &Side, name: &str) -> Vec<String> {
    let completeness = completeness(side.recording);
    let mut lost: BTreeMap<&str, u64> = BTreeMap::new();
    for row in &completeness.lost {
        let count = lost.entry(&row.kind).or_default();
        *count = count.saturating_add(row.count);
    }
    let mut notes: Vec<String> = lost
        .into_iter()
        .map(|(kind, count)| format!("{name} lost {count} {kind}: volprobe could not keep up"))
        .collect();
    match completeness.gaps.as_slice() {
        [] => {}
        [gap] => notes.push(format!("{name} has a gap: {}", gap.why)),
        [gap, rest @ ..] => {
            notes.push(format!(
                "{name} has {} gaps, the first: {}",
                rest.len() + 1,
                gap.why
            ));
        }
    }
    if completeness.series_overflow > 0 {
        notes.push(format!(
            "{} calls of {name} are in no row of their own: there were too many",
            completeness.series_overflow
        ));
    }
    notes
}
