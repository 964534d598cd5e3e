//! Ticks as lines: what a plain live view prints.

use super::clean;
use super::page::Page;
use super::report::what;
use super::style::{Style, Tone};
use crate::analysis::{CopyRow, Finding, Quantiles, ReadaheadRow, SeriesRow, Tick, TopRow};
use crate::units;

/// Processes shown of an interval, those with most time in their calls.
const TOP: usize = 3;

/// The lines of a tick: one for each event, loss and row of a table. A tick in
/// which nothing happened has none.
pub fn tick_lines(tick: &Tick, style: Style) -> String {
    let mut page = Page::new(style);
    let time = clock(tick.time.as_deref());
    let mut put = |tone, what: &str, text: &str| {
        page.line(
            0,
            &[
                (Tone::Faint, &format!("{time}  ")),
                (tone, &format!("{what:<10}")),
                (Tone::Plain, text),
            ],
        );
    };
    for probe in &tick.probes {
        let reason = probe
            .reason
            .as_deref()
            .map(|why| format!(": {why}"))
            .unwrap_or_default();
        put(
            Tone::Faint,
            "probe",
            &format!("{} {}{reason}", probe.name, probe.state),
        );
    }
    for row in &tick.timeline {
        let device = row.device.as_deref().unwrap_or("–");
        let at = clock(row.time.as_deref());
        put(
            Tone::Strong,
            "event",
            &format!("{at}  {device}  {}", what(row)),
        );
    }
    for finding in &tick.findings {
        put(Tone::Bad, "finding", &finding_line(finding));
    }
    for lost in &tick.lost {
        put(Tone::Bad, "lost", &format!("{} {}", lost.count, lost.kind));
    }
    if tick.missed_runs > 0 {
        put(
            Tone::Odd,
            "missed",
            &format!("{} runs skipped by the kernel", tick.missed_runs),
        );
    }
    for row in &tick.copy {
        put(Tone::Plain, "copy", &copy(row, tick.interval_ns));
    }
    for row in tick.top.iter().take(TOP) {
        put(Tone::Plain, "by", &process(row, tick.interval_ns));
    }
    for row in &tick.readahead {
        put(Tone::Plain, "readahead", &readahead(row, tick.interval_ns));
    }
    for row in &tick.series {
        put(Tone::Plain, &row.probe, &series(row, tick.interval_ns));
    }
    page.finish()
}

/// A finding in one line: rule, device, what it says.
pub fn finding_line(finding: &Finding) -> String {
    let device = finding.device.as_deref().unwrap_or("–");
    clean(&format!("{} {device}: {}", finding.rule, finding.summary)).into_owned()
}

fn copy(row: &CopyRow, interval_ns: u64) -> String {
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "–".to_owned());
    let mut text = format!(
        "{} → {} {}  {}  {}  {}",
        name(&row.src),
        name(&row.dst),
        route(row.route.as_deref(), row.via.as_deref()),
        units::rate(row.calls, interval_ns),
        units::throughput(row.bytes_copied, interval_ns),
        times(&row.latency_ns, units::duration),
    );
    for (errno, count) in &row.errors {
        text.extend(["  ", errno, " ", &count.to_string()]);
    }
    if let Some(share) = on_cpu(row) {
        text.extend(["  ", &share, " on CPU"]);
    }
    if let (Some(calls), Some(pages @ 1..)) = (row.readahead.calls, row.readahead.pages) {
        let (pages, calls) = (pages.to_string(), calls.to_string());
        text.extend(["  ", &pages, " pages read ahead in ", &calls, " windows"]);
    }
    if let Some(why) = &row.why_not_better {
        text.extend(["  (", why, ")"]);
    }
    if row.no_latency > 0 {
        text.extend(["  ", &row.no_latency.to_string(), " without latency"]);
    }
    text.push_str(&pod(row.pod.as_deref()));
    text
}

/// Share of the time in the calls that was spent on a CPU: `30 %`.
pub(super) fn on_cpu(row: &CopyRow) -> Option<String> {
    let (on, off) = row.on_cpu_ns.zip(row.off_cpu_ns)?;
    let all = on.saturating_add(off);
    (all > 0).then(|| format!("{:.0} %", on as f64 * 100.0 / all as f64))
}

/// Who copied: process, pod or container, and what.
fn process(row: &TopRow, interval_ns: u64) -> String {
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "–".to_owned());
    format!(
        "{} [{}]  {} → {}  {}  {}  {} in the calls{}",
        row.comm,
        units::maybe(row.pid, |pid| pid.to_string()),
        name(&row.src),
        name(&row.dst),
        units::rate(row.calls, interval_ns),
        units::throughput(row.bytes, interval_ns),
        units::duration(row.time_ns),
        for_whom(row),
    )
}

fn readahead(row: &ReadaheadRow, interval_ns: u64) -> String {
    let pace = row.pace_ns_per_mib();
    let pace = pace.map(|ns| format!("  {}/MiB", units::duration(ns)));
    format!(
        "{} {}  {}  {}  window {} pages{}  submit {}{}",
        row.device.as_deref().unwrap_or("–"),
        row.kind.as_deref().unwrap_or("–"),
        units::rate(row.calls, interval_ns),
        units::throughput(row.pages_submitted.saturating_mul(4096), interval_ns),
        units::maybe(row.window_pages.p50, |pages| pages.to_string()),
        pace.unwrap_or_default(),
        times(&row.submit_ns, units::duration),
        pod(row.pod.as_deref()),
    )
}

fn series(row: &SeriesRow, interval_ns: u64) -> String {
    let keys = row
        .keys
        .iter()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or("–")));
    let sums = row.sums.iter().map(|(name, sum)| {
        let unit = row.units.get(name).map_or("", String::as_str);
        match unit {
            "bytes" => format!("{name} {}", units::throughput(*sum, interval_ns)),
            "1" | "" => format!("{name} {}", units::rate(*sum, interval_ns)),
            _ => format!("{name} {}", units::with_unit(*sum, unit)),
        }
    });
    let histograms = row.histograms.iter().map(|(name, quantiles)| {
        let unit = row.units.get(name).map_or("", String::as_str);
        format!(
            "{name} {}",
            times(quantiles, |value| units::with_unit(value, unit))
        )
    });
    keys.chain(sums)
        .chain(histograms)
        .collect::<Vec<_>>()
        .join("  ")
}

fn times(quantiles: &Quantiles, text: impl Fn(u64) -> String) -> String {
    let text = |value| units::maybe(value, &text);
    format!(
        "p50 {} p99 {} max {}",
        text(quantiles.p50),
        text(quantiles.p99),
        text(quantiles.max)
    )
}

/// The route, with what it came through where that is not the system call.
pub(super) fn route(route: Option<&str>, via: Option<&str>) -> String {
    match (route.unwrap_or("–"), via) {
        (route, Some(via)) if via != "syscall" && via != route => format!("{route}/{via}"),
        (route, _) => route.to_owned(),
    }
}

fn for_whom(row: &TopRow) -> String {
    match (&row.pod, &row.container) {
        (None, Some(container)) => format!("  container {container}"),
        (name, _) => pod(name.as_deref()),
    }
}

fn pod(pod: Option<&str>) -> String {
    pod.map(|pod| format!("  pod {pod}")).unwrap_or_default()
}

/// Time of day, to the millisecond, of an RFC 3339 text.
pub(super) fn clock(time: Option<&str>) -> String {
    let Some((_, time)) = time.and_then(|text| text.split_once('T')) else {
        return "--:--:--.---".to_owned();
    };
    let time = time.trim_end_matches('Z');
    let (seconds, fraction) = time.split_once('.').unwrap_or((time, ""));
    format!(
        "{seconds}.{:0<3}",
        fraction.chars().take(3).collect::<String>()
    )
}
