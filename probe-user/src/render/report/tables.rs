//! Tables of what was counted.

use super::super::line::{on_cpu, route};
use super::super::page::Page;
use super::super::style::Tone;
use super::super::table::Align::{Left, Right};
use super::super::table::Table;
use crate::analysis::{CopyRow, ReadaheadRow, Report, SeriesRow, TopRow};
use crate::units::{bytes, duration, maybe, sum, with_unit};
use std::collections::BTreeMap;

/// Rows of the table of processes.
const TOP: usize = 10;

pub(super) fn write(page: &mut Page, report: &Report) {
    copies(page, report);
    readahead(page, report);
    others(page, report);
    top(page, report);
    volumes(page, report);
}

fn name(name: Option<&String>) -> String {
    name.cloned().unwrap_or_else(|| "–".to_owned())
}

/// Runs that are missing from a table's counts.
fn missed(report: &Report, probe: &str) -> String {
    let probe = report.session.probes.iter().find(|row| row.name == probe);
    match probe.and_then(|row| row.missed_runs) {
        Some(n) if n > 0 => {
            format!("   + {n} calls that the kernel did not show (missed runs), in no row")
        }
        _ => String::new(),
    }
}

fn title(page: &mut Page, name: &str, note: &str) {
    page.blank();
    page.line(0, &[(Tone::Strong, name), (Tone::Odd, note)]);
}

fn copies(page: &mut Page, report: &Report) {
    if report.copy.is_empty() {
        return;
    }
    title(page, "copies", &missed(report, "copy"));
    let mut table = Table::new(&[
        ("from", Left),
        ("to", Left),
        ("route", Left),
        ("pod", Left),
        ("calls", Right),
        ("copied", Right),
        ("p50", Right),
        ("p99", Right),
        ("max", Right),
        ("on CPU", Right),
    ]);
    for row in &report.copy {
        table.row([
            name(row.src.as_ref()),
            name(row.dst.as_ref()),
            route(row.route.as_deref(), row.via.as_deref()),
            name(row.pod.as_ref()),
            row.calls.to_string(),
            bytes(row.bytes_copied),
            maybe(row.latency_ns.p50, duration),
            maybe(row.latency_ns.p99, duration),
            maybe(row.latency_ns.max, duration),
            on_cpu(row).unwrap_or_else(|| "–".to_owned()),
        ]);
        table.note(particulars(row));
    }
    table.write(page, 1);
    let without: u64 = sum(report.copy.iter().map(|row| row.no_latency));
    if without > 0 {
        let note = format!("{without} of these calls have no latency: their start was not seen");
        page.line(1, &[(Tone::Faint, &note)]);
    }
}

/// What a copy met: errors, why it took no better way, what it read ahead, and how
/// much less it got than it asked for.
fn particulars(row: &CopyRow) -> String {
    let errors = errors(&row.errors);
    let why = row.why_not_better.clone().unwrap_or_default();
    let inside = row.readahead.calls.zip(row.readahead.pages);
    let inside = inside.filter(|(_, pages)| *pages > 0);
    let early = row.ended_early.filter(|early| *early > 0);
    let parts = [
        errors,
        why,
        maybe_text(inside, |(calls, pages)| {
            format!("read ahead inside: {pages} pages in {calls} windows")
        }),
        maybe_text(early, |early| {
            format!(
                "{early} ended before the file did: {} asked",
                bytes(row.bytes_requested)
            )
        }),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" · ")
}

fn maybe_text<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map(text).unwrap_or_default()
}

fn errors(errors: &BTreeMap<String, u64>) -> String {
    let texts: Vec<_> = errors
        .iter()
        .map(|(errno, n)| format!("{errno} {n}"))
        .collect();
    texts.join(", ")
}

fn readahead(page: &mut Page, report: &Report) {
    if report.readahead.is_empty() {
        return;
    }
    title(page, "readahead", &missed(report, "readahead"));
    let mut table = Table::new(&[
        ("device", Left),
        ("kind", Left),
        ("pod", Left),
        ("windows", Right),
        ("pages", Right),
        ("asked", Right),
        ("window p50", Right),
        ("max", Right),
        ("at cap", Right),
        ("streams", Right),
        ("submit p50", Right),
        ("p99", Right),
        ("pace", Right),
    ]);
    for row in &report.readahead {
        table.row([
            name(row.device.as_ref()),
            name(row.kind.as_ref()),
            name(row.pod.as_ref()),
            row.calls.to_string(),
            row.pages_submitted.to_string(),
            row.pages_requested.to_string(),
            maybe(row.window_pages.p50, |pages| pages.to_string()),
            maybe(row.window_pages.max, |pages| pages.to_string()),
            at_cap(row),
            row.streams.to_string(),
            maybe(row.submit_ns.p50, duration),
            maybe(row.submit_ns.p99, duration),
            maybe(row.pace_ns_per_mib(), |ns| format!("{}/MiB", duration(ns))),
        ]);
        table.note(beside_the_setting(report, row));
    }
    table.write(page, 1);
    page.wrap(
        1,
        1,
        Tone::Faint,
        "submit is the time to start the reads, not to wait for them; a stream begins with each file, and anew \
         where it is read elsewhere than on from the last window",
    );
}

/// Share of the pages in windows at the file's own cap.
fn at_cap(row: &ReadaheadRow) -> String {
    let share = row.pages_at_cap.filter(|_| row.pages_submitted > 0);
    maybe(share, |pages| {
        format!("{:.0} %", pages as f64 * 100.0 / row.pages_submitted as f64)
    })
}

/// Windows larger than what is configured: a program set its file's own cap.
fn beside_the_setting(report: &Report, row: &ReadaheadRow) -> String {
    let mut devices = report.devices.iter();
    let device = devices.find(|device| Some(&device.name) == row.device.as_ref());
    let configured = device.and_then(|device| device.read_ahead_kb);
    let largest = row.window_pages.max.map(|pages| pages * 4);
    // Asked for outright, a window is as large as what was asked.
    let own = row.kind.as_deref() != Some("forced");
    match configured
        .zip(largest)
        .filter(|(kb, largest)| own && largest > kb)
    {
        Some((kb, largest)) => format!(
            "windows of up to {largest} KiB, where {kb} are configured: set for the file (fadvise), \
             or before the setting"
        ),
        None => String::new(),
    }
}

/// Probes without a table of their own: one line a row, in the words of their
/// schema.
fn others(page: &mut Page, report: &Report) {
    let mut last = "";
    for row in &report.series {
        if row.probe != last {
            title(page, &row.probe, &missed(report, &row.probe));
            last = &row.probe;
        }
        page.wrap(1, 4, Tone::Plain, &series(row));
    }
}

fn series(row: &SeriesRow) -> String {
    let unit = |name: &str| row.units.get(name).map_or("", String::as_str);
    let keys = row
        .keys
        .iter()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or("–")));
    let sums = row
        .sums
        .iter()
        .map(|(sum, value)| format!("{sum} {}", with_unit(*value, unit(sum))));
    let histograms = row.histograms.iter().map(|(histogram, q)| {
        let text = |value| maybe(value, |value| with_unit(value, unit(histogram)));
        format!(
            "{histogram} p50 {} p99 {} max {}",
            text(q.p50),
            text(q.p99),
            text(q.max)
        )
    });
    let mut parts: Vec<String> = keys.chain(sums).chain(histograms).collect();
    parts.extend((!row.errors.is_empty()).then(|| errors(&row.errors)));
    parts.join("  ")
}

fn top(page: &mut Page, report: &Report) {
    if report.top.is_empty() {
        return;
    }
    let more = report.top.len().saturating_sub(TOP);
    let note = if more > 0 {
        format!("   {more} more in --json")
    } else {
        String::new()
    };
    title(page, "who copied", &note);
    let mut table = Table::new(&[
        ("pid", Right),
        ("comm", Left),
        ("pod", Left),
        ("from", Left),
        ("to", Left),
        ("calls", Right),
        ("copied", Right),
        ("time", Right),
    ]);
    for row in report.top.iter().take(TOP) {
        table.row([
            maybe(row.pid, |pid| pid.to_string()),
            row.comm.clone(),
            for_whom(row),
            name(row.src.as_ref()),
            name(row.dst.as_ref()),
            row.calls.to_string(),
            bytes(row.bytes),
            duration(row.time_ns),
        ]);
    }
    table.write(page, 1);
}

/// The pod, or the container where there is no pod.
fn for_whom(row: &TopRow) -> String {
    let container = row
        .container
        .as_ref()
        .map(|id| id.chars().take(12).collect());
    name(row.pod.clone().or(container).as_ref())
}

fn volumes(page: &mut Page, report: &Report) {
    if report.devices.is_empty() {
        return;
    }
    title(page, "volumes", "");
    let mut table = Table::new(&[
        ("device", Left),
        ("size", Right),
        ("fs", Left),
        ("fs size", Right),
        ("read-ahead", Right),
        ("rsize", Right),
        ("mounted at", Left),
        ("serial", Left),
        ("pod", Left),
        ("pv", Left),
    ]);
    for row in &report.devices {
        table.row([
            row.name.clone(),
            maybe(row.size_bytes, bytes),
            name(row.fs.as_ref()),
            maybe(row.fs_size_bytes, bytes),
            maybe(row.read_ahead_kb, |kb| format!("{kb} KiB")),
            maybe(row.rsize, bytes),
            row.mounts.join(" "),
            name(row.serial.as_ref()),
            name(row.pod.as_ref()),
            name(row.pv.as_ref()),
        ]);
    }
    table.write(page, 1);
}
