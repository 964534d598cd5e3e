//! How far the report can be trusted.

use super::super::line::clock as clock_of;
use super::super::page::Page;
use super::super::style::Tone;
use std::collections::BTreeMap;

use crate::analysis::{Completeness, ProbeRow, Report};
use crate::units::{duration, maybe};

/// Width of the column of words.
const COLUMN: usize = 11;

pub(super) fn write(page: &mut Page, report: &Report) {
    page.blank();
    page.line(0, &[(Tone::Strong, "how far to trust this")]);
    completeness(page, report);
    page.entry(1, COLUMN, "clock", &clock(report));
    if !report.session.probes.is_empty() {
        page.entry(1, COLUMN, "own I/O", &own(report.session.own_pid));
    }
    for probe in &report.session.probes {
        page.entry(1, COLUMN, &probe.name, &state(probe));
    }
}

/// What there is of the recording, and what not.
pub(in crate::render) fn completeness(page: &mut Page, report: &Report) {
    page.entry(1, COLUMN, "recording", &recording(&report.completeness));
    if let Some(parts @ 1..) = report.session.part {
        let text = match parts {
            1 => "one part of this recording lies before this, and is not shown".to_owned(),
            n => format!("{n} parts of this recording lie before this, and are not shown"),
        };
        page.entry(1, COLUMN, "parts", &text);
    }
    for unknown in &report.completeness.unknown {
        let text = format!(
            "{} of kind {}, by a newer version; left out",
            unknown.count, unknown.kind
        );
        page.entry(1, COLUMN, "unknown", &text);
    }
    if report.completeness.unchecked_frames > 0 {
        let text = format!(
            "{} frames of which nothing is needed here: damage in them is not seen",
            report.completeness.unchecked_frames
        );
        page.entry(1, COLUMN, "not read", &text);
    }
    for gap in &report.completeness.gaps {
        let of = gap
            .probe
            .as_ref()
            .map(|probe| format!("{probe}: "))
            .unwrap_or_default();
        let text = format!(
            "{} .. {}  {of}{}",
            clock_of(gap.from.as_deref()),
            clock_of(gap.to.as_deref()),
            gap.why
        );
        page.entry(1, COLUMN, "gap", &text);
    }
    for lost in &report.completeness.lost {
        let text = format!(
            "{} {}, between {} and {}",
            lost.count,
            lost.kind,
            clock_of(lost.from.as_deref()),
            clock_of(lost.to.as_deref())
        );
        page.entry(1, COLUMN, "lost", &text);
    }
}

fn recording(completeness: &Completeness) -> String {
    let ended = completeness
        .ended
        .as_ref()
        .map(|why| format!("ended ({why})"));
    if completeness.complete {
        let ended = ended.map(|why| format!(", {why}")).unwrap_or_default();
        return format!("complete{ended}");
    }
    let mut missing: Vec<String> = ended.into_iter().collect();
    if completeness.truncated {
        missing.push("it ends without an end statement".to_owned());
    }
    if completeness.damaged_frames > 0 {
        missing.push(format!("{} damaged frames", completeness.damaged_frames));
    }
    let mut count = |n: usize, one: &str, more: &str| match n {
        0 => {}
        1 => missing.push(format!("1 {one}")),
        n => missing.push(format!("{n} {more}")),
    };
    count(completeness.gaps.len(), "gap, below", "gaps, below");
    count(completeness.lost.len(), "loss, below", "losses, below");
    count(
        completeness.series_overflow as usize,
        "call counted as \"other\": too many series",
        "calls counted as \"other\": too many series",
    );
    count(
        completeness.not_kept as usize,
        "record too many to keep",
        "records too many to keep",
    );
    count(
        completeness.unknown.len(),
        "kind unknown here, below",
        "kinds unknown here, below",
    );
    if missing.len() == usize::from(completeness.ended.is_some()) {
        missing.push("missed runs, below".to_owned());
    }
    format!("not complete: {}", missing.join("; "))
}

fn clock(report: &Report) -> String {
    let clock = &report.clock;
    let error = maybe(clock.max_error_ns, |ns| {
        format!("error up to {}", duration(ns))
    });
    let steps = match clock.steps {
        0 => String::new(),
        1 => "; it was set once while recording".to_owned(),
        n => format!("; it was set {n} times while recording"),
    };
    match clock.synchronised {
        None => "no anchor: boot times cannot be told in real time".to_owned(),
        Some(true) => format!("synchronised, {error}{steps}"),
        Some(false) => format!(
            "says it is not synchronised ({error}); assumed good to 1 s against other clocks{steps}. \
             Orders among kernel events do not depend on it"
        ),
    }
}

/// A recording that is written is no part of what it tells.
fn own(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "volprobe's own is not left out: it ran in a pid namespace of its own".to_owned(),
        |pid| format!("volprobe's own [{pid}] is in no count"),
    )
}

fn state(probe: &ProbeRow) -> String {
    let mut parts = vec![because(probe.state, probe.reason.as_ref())];
    parts.extend(
        probe
            .self_test
            .as_ref()
            .map(|result| format!("self-test {result}")),
    );
    let missed = probe.missed_runs.filter(|&n| n > 0);
    parts.extend(missed.map(|n| format!("{n} missed runs")));
    if probe.missed_runs.is_none() && matches!(probe.state, "attached" | "partial") {
        parts.push("missed runs not counted by this kernel".to_owned());
    }
    let odd = |state| matches!(state, "failed" | "unsupported" | "waiting");
    let mut alike: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for hook in probe.hooks.iter().filter(|hook| odd(hook.state)) {
        let names = alike.entry((hook.state, hook.reason.as_ref())).or_default();
        names.push(&hook.name);
    }
    parts.extend(alike.into_iter().map(|((state, reason), names)| {
        format!("{} {}", names.join(" and "), because(state, reason))
    }));
    parts.join(", ")
}

fn because(state: &str, reason: Option<&String>) -> String {
    reason.map_or_else(|| state.to_owned(), |reason| format!("{state} ({reason})"))
}
