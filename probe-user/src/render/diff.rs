//! A diff as text: the verdict, what changed and what it did, what to do.

use super::page::Page;
use super::style::{Style, Tone};
use super::table::Align::{Left, Right};
use super::table::Table;
use crate::analysis::{ConfigRow, Diff, DiffRow, Effect, Finding, Pace, RecordingRow, Verdict};
use crate::units::{bytes, duration};
use serde_json::Value;
use std::io::{self, Write};

/// Width of the column of words.
const COLUMN: usize = 10;

/// Writes a diff.
pub fn diff_text(diff: &Diff, style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(style);
    let tone = match diff.verdict {
        Verdict::Regressed => Tone::Bad,
        Verdict::Unclear => Tone::Odd,
        Verdict::Improved | Verdict::Same => Tone::Strong,
    };
    page.wrap(0, 2, tone, &diff.summary);
    page.blank();
    page.entry(1, COLUMN, "A", &recording(&diff.recordings.a));
    page.entry(1, COLUMN, "B", &recording(&diff.recordings.b));
    configuration(&mut page, diff);
    rows(&mut page, "reads", &diff.readahead);
    rows(&mut page, "copies", &diff.copy);
    rows(&mut page, "other probes", &diff.series);
    findings(&mut page, diff);
    if !diff.notes.is_empty() {
        page.blank();
    }
    for note in &diff.notes {
        page.entry(1, COLUMN, "note", note);
    }
    if let Some(advice) = &diff.advice {
        page.blank();
        page.entry(1, COLUMN, "to do", advice);
    }
    out.write_all(page.finish().as_bytes())
}

/// Writes several diffs with the same A: the verdicts first, then each.
pub fn diffs_text(diffs: &[Diff], style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(style);
    for diff in diffs {
        page.entry(
            0,
            2,
            "·",
            &format!("{}: {}", diff.recordings.b.file, diff.summary),
        );
    }
    out.write_all(page.finish().as_bytes())?;
    for diff in diffs {
        let line = "─".repeat(style.width.min(super::style::WIDEST));
        writeln!(out, "\n{line}")?;
        diff_text(diff, style, out)?;
    }
    Ok(())
}

/// `before.vprec   node7 · Linux 5.10.262 · 2026-03-11 07:14:00 UTC · 41 s`.
fn recording(row: &RecordingRow) -> String {
    let kernel = row.kernel.as_ref().map(|kernel| format!("Linux {kernel}"));
    let start = row.start.as_ref().map(|start| {
        let second = start.split(['.', 'Z']).next().unwrap_or_default();
        format!("{} UTC", second.replace('T', " "))
    });
    let parts = [Some(row.file.clone()), row.host.clone(), kernel, start];
    let mut parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.push(duration(row.duration_ns));
    parts.join(" · ")
}

fn configuration(page: &mut Page, diff: &Diff) {
    page.blank();
    page.line(0, &[(Tone::Strong, "configuration")]);
    if diff.config.is_empty() {
        page.line(1, &[(Tone::Plain, "no difference")]);
        return;
    }
    let mut table = Table::new(&[
        ("", Left),
        ("", Left),
        ("A", Left),
        ("B", Left),
        ("effect", Left),
    ]);
    for (row, more) in alike(&diff.config) {
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        table.row([
            of(row) + &more,
            row.what.to_owned(),
            value(row, &row.a),
            value(row, &row.b),
            effect(row.effect).to_owned(),
        ]);
        if row.effect != Effect::NoneSeen {
            table.note(row.why.clone());
        }
    }
    table.write(page, 1);
}

/// The rows, of those without effect only the first where several volumes differ in
/// the same way; with the number of the others.
fn alike(rows: &[ConfigRow]) -> Vec<(&ConfigRow, usize)> {
    let mut shown: Vec<(&ConfigRow, usize)> = Vec::new();
    for row in rows {
        let same = |(other, _): &&mut (&ConfigRow, usize)| {
            let of = |row: &ConfigRow| (row.what, row.a.clone(), row.b.clone());
            other.effect == Effect::NoneSeen && of(other) == of(row)
        };
        let known = shown.iter_mut().find(same);
        match known.filter(|_| row.effect == Effect::NoneSeen) {
            Some((_, more)) => *more += 1,
            None => shown.push((row, 0)),
        }
    }
    shown
}

fn of(row: &ConfigRow) -> String {
    let name = row.source.as_ref().or(row.device.as_ref());
    name.cloned().unwrap_or_else(|| "node".to_owned())
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Shown => "shown",
        Effect::Unknown => "unknown",
        Effect::NoneSeen => "no effect seen",
    }
}

fn value(row: &ConfigRow, value: &Value) -> String {
    match (row.what, value) {
        ("size_bytes", Value::Number(size)) => bytes(size.as_u64().unwrap_or(0)),
        ("read_ahead_kb" | "max_sectors_kb", Value::Number(kb)) => format!("{kb} KiB"),
        (_, Value::String(text)) if text.is_empty() => "(not)".to_owned(),
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

fn rows(page: &mut Page, title: &str, rows: &[DiffRow]) {
    if rows.is_empty() {
        return;
    }
    page.blank();
    page.line(0, &[(Tone::Strong, title)]);
    let mut table = Table::new(&[
        ("", Left),
        ("A", Right),
        ("B", Right),
        ("B / A", Right),
        ("intervals", Right),
        ("window pages", Right),
        ("", Left),
    ]);
    for row in rows {
        table.row([
            subject(row),
            time(row, row.pace().a),
            time(row, row.pace().b),
            ratio(row.pace()),
            format!("{}, {}", row.units.a, row.units.b),
            window(row),
            verdict(row).to_owned(),
        ]);
        table.note(row.note.clone().unwrap_or_default());
    }
    table.write(page, 1);
}

fn time(row: &DiffRow, ns: Option<f64>) -> String {
    let per = if row.pace_ns_per_mib.a.is_some() {
        "/MiB"
    } else {
        " each"
    };
    ns.map_or_else(
        || "–".to_owned(),
        |ns| format!("{}{per}", duration(ns as u64)),
    )
}

/// `× 4.66 (4.56 .. 4.76)`.
fn ratio(pace: &Pace) -> String {
    match (pace.ratio, pace.low, pace.high) {
        (Some(ratio), Some(low), Some(high)) => {
            format!("× {ratio:.2} ({low:.2} .. {high:.2})")
        }
        _ => "–".to_owned(),
    }
}

fn subject(row: &DiffRow) -> String {
    let name = |key| row.name(key).unwrap_or("–");
    let subject = match row.probe.as_str() {
        "copy" => {
            let route = super::line::route(row.name("route"), row.name("via"));
            format!("{} → {} {route}", name("src"), name("dst"))
        }
        "readahead" => {
            let from = row.source.as_deref().unwrap_or_else(|| name("device"));
            let kind = match row.name("kind") {
                Some("mmap") => " mmap",
                _ => "",
            };
            format!("{from}{kind}")
        }
        other => format!("{other} {}", name("device")),
    };
    match row.name("pod") {
        Some(pod) => format!("{subject} · {pod}"),
        None => subject,
    }
}

/// Median windows: `1024 → 32`.
fn window(row: &DiffRow) -> String {
    match (row.window_pages.a, row.window_pages.b) {
        (Some(a), Some(b)) if a == b => a.to_string(),
        (Some(a), Some(b)) => format!("{a} → {b}"),
        _ => "–".to_owned(),
    }
}

fn verdict(row: &DiffRow) -> &'static str {
    match (row.verdict, row.minor) {
        (Verdict::Regressed, _) => "slower",
        (Verdict::Improved, _) => "faster",
        (Verdict::Same, _) => "same",
        (Verdict::Unclear, _) if row.by_rate => "unclear",
        (Verdict::Unclear, false) => "unclear",
        (Verdict::Unclear, true) => "too little",
    }
}

fn findings(page: &mut Page, diff: &Diff) {
    let lists = [
        ("only in A", &diff.findings.only_a),
        ("only in B", &diff.findings.only_b),
        ("in both", &diff.findings.both),
    ];
    if lists.iter().all(|(_, list)| list.is_empty()) {
        return;
    }
    page.blank();
    page.line(0, &[(Tone::Strong, "findings")]);
    for (word, list) in lists {
        for finding in list {
            page.entry(1, COLUMN, word, &said(finding));
        }
    }
}

fn said(finding: &Finding) -> String {
    let device = finding.device.as_ref();
    let device = device.map(|name| format!("{name}: ")).unwrap_or_default();
    format!("{device}{}  [{}]", finding.summary, finding.rule)
}
