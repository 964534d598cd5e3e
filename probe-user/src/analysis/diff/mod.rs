//! What changed between two recordings: `volprobe.diff/1`.

mod advice;
mod cause;
mod compare;
mod config;
mod findings;
mod identity;
mod narrow;
mod rows;
mod schema;
mod summary;
#[cfg(test)]
mod tests;

pub use compare::Verdict;
pub use schema::{Both, Cause, ConfigRow, Diff, DiffRow, Effect, FindingsDiff, Pace, RecordingRow};

use super::rules;
use super::times::Times;
use crate::model::{Paces, Recording};
use crate::sample::Dev;
use findings::findings;
use identity::Matching;
use schema::Named;
use std::collections::BTreeMap;

/// A recording to be compared.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// What the user calls it.
    pub file: &'a str,
    /// What it says.
    pub recording: &'a Recording,
    /// How fast it was, flush by flush.
    pub paces: &'a Paces,
}

/// How to compare.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// A pace that differs by a smaller factor is the same. More than 1.
    pub threshold: f64,
    /// This volume only: a claim, volume, disk id, device or mount point.
    pub volume: Option<&'a str>,
}

/// Compares B with A; `None` if no volume of both has the name that is wanted.
pub fn diff(a: &Side, b: &Side, options: &Options) -> Option<Diff> {
    let matching = Matching::of(a.recording, b.recording);
    let names = names(&matching, a, b);
    let mut rows = rows::rows(a, b, &matching, &names, options.threshold);
    let mut config = config::differences(a, b, &names);
    let mut findings = findings(a, b, &matching);
    if let Some(name) = options.volume {
        let numbers = narrow::numbers(name, &names, a, b)?;
        narrow::keep(&numbers, &mut rows, &mut config);
        findings.keep(|number| number.is_some_and(|number| numbers.contains(&number)));
    }
    cause::judge(&mut config, &rows, &names, a, b);
    let verdict = verdict(&rows);
    let cause = cause::chosen(&config, verdict);
    let summary = summary::summary(&rows, cause, verdict, options.threshold);
    let advice = cause
        .filter(|_| verdict == Verdict::Regressed)
        .and_then(|cause| advice::advice(cause, &names, b));
    let cause = cause.map(|row| Cause {
        what: row.what,
        device: row.device.clone(),
        a: row.a.clone(),
        b: row.b.clone(),
    });
    let mut findings = findings.into_rows();
    let regressed = rows.iter().filter(|row| row.verdict == Verdict::Regressed);
    let regressed = regressed.filter(|row| row.probe == "copy");
    let slower = regressed.map(|row| rules::copy_regressed(row, advice.as_deref()));
    findings.only_b.extend(slower);
    let mut of = |probe: &str| rows.extract_if(.., |row| row.probe == probe).collect();
    Some(Diff {
        schema: schema::DIFF,
        recordings: Both {
            a: recording_row(a),
            b: recording_row(b),
        },
        threshold: options.threshold,
        config,
        copy: of("copy"),
        readahead: of("readahead"),
        series: rows,
        findings,
        cause,
        summary,
        verdict,
        advice,
        notes: summary::notes(a, b),
    })
}

/// Of all rows that have a say: slower if any is, else faster, else unclear.
fn verdict(rows: &[DiffRow]) -> Verdict {
    let heard = rows.iter().filter(|row| !row.minor).map(|row| row.verdict);
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Same => 0,
        Verdict::Unclear => 1,
        Verdict::Improved => 2,
        Verdict::Regressed => 3,
    };
    heard.max_by_key(rank).unwrap_or(Verdict::Unclear)
}

/// What the volumes that are in both are called, by their number.
fn names(matching: &Matching, a: &Side, b: &Side) -> BTreeMap<usize, Named> {
    let devices = b.recording.devices();
    let of = |dev: Dev, devs| Named {
        name: devices.name(dev).unwrap_or_else(|| dev.to_string()),
        source: config::source(devices, dev),
        devs,
    };
    let mut names: BTreeMap<usize, Named> = matching
        .pairs
        .iter()
        .enumerate()
        .map(|(number, pair)| (number, of(pair.b, Some((pair.a, pair.b)))))
        .collect();
    for (dev, number) in matching.in_b() {
        names.entry(number).or_insert_with(|| of(dev, None));
    }
    let devices = a.recording.devices();
    for volume in names.values_mut() {
        if let (None, Some((a, _))) = (&volume.source, volume.devs) {
            volume.source = config::source(devices, a);
        }
    }
    names
}

fn recording_row(side: &Side) -> RecordingRow {
    let recording = side.recording;
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let (start, end) = (recording.start_ns(), recording.end_ns());
    RecordingRow {
        file: side.file.to_owned(),
        host: recording.session().and_then(|s| known(&s.host)),
        kernel: recording.session().and_then(|s| known(&s.kernel)),
        start: Times(recording).text(start),
        duration_ns: end.saturating_sub(start),
    }
}
