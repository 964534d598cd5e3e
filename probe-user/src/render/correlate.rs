//! What became of each volume's growth, layer by layer, as text.

use super::page::Page;
use super::report::completeness;
use super::style::{Style, Tone};
use super::table::{Align, Table};
use crate::analysis::ledger::{Layer, LayerRow, LayerState};
use crate::analysis::{Confidence, Correlated, Correlation, Evidence, Report, Severity, rules};
use crate::cloud::{InputReport, Interval};
use crate::units::{bytes, bytes_change, duration, maybe};
use jiff::Timestamp;
use std::io::{self, Write};

/// Widths of the columns of a layer: its name, its time, its size.
const LAYER: usize = 13;
const TIME: usize = 25;
const SIZE: usize = 15;
/// Width of the column of words.
const COLUMN: usize = 9;
/// Records that were not understood, shown of each input.
const SHOWN: usize = 3;

/// Writes what nodes and others tell of each volume.
pub fn correlate_text(
    correlated: &Correlated,
    style: Style,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut page = Page::new(style);
    let (told, quiet): (Vec<_>, Vec<_>) = correlated
        .correlation
        .iter()
        .partition(|row| row.finding.is_some());
    for row in &told {
        page.blank();
        volume(&mut page, row);
    }
    if told.is_empty() {
        let text = "nothing was asked to grow, and nothing grew, as far as was told";
        page.line(0, &[(Tone::Plain, text)]);
    }
    if !quiet.is_empty() {
        page.blank();
        let names: Vec<String> = quiet.iter().map(|row| name(row)).collect();
        let text = format!("nothing to tell of: {}", names.join("; "));
        page.wrap(0, 2, Tone::Faint, &text);
    }
    others(&mut page, correlated);
    inputs(&mut page, &correlated.inputs);
    recorded(&mut page, &correlated.report);
    out.write_all(page.finish().as_bytes())
}

/// `vdb · d-bp1 · pvc db/data · pod db/mysql-0`.
fn name(row: &Correlation) -> String {
    let host = row
        .finding
        .as_ref()
        .and_then(|finding| finding.host.clone());
    let parts = [
        host,
        row.device.clone(),
        row.disk_id.clone(),
        row.pvc.as_ref().map(|pvc| format!("pvc {pvc}")),
        row.pv
            .as_ref()
            .filter(|pv| row.pvc.is_none() && row.disk_id.as_ref() != Some(pv))
            .map(|pv| format!("pv {pv}")),
        row.pod.as_ref().map(|pod| format!("pod {pod}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn volume(page: &mut Page, row: &Correlation) {
    let Some(finding) = &row.finding else { return };
    let tone = match finding.severity {
        Severity::Critical => Tone::Bad,
        Severity::Warning => Tone::Odd,
        Severity::Info => Tone::Plain,
    };
    page.spread(
        (Tone::Strong, &name(row)),
        (tone, rules::headline(finding.rule)),
    );
    let sure = match row.confidence {
        Confidence::Likely => "likely: ",
        Confidence::Possible => "possible: ",
        Confidence::Proven => "",
    };
    let text = format!("{sure}{} [{}]", finding.summary, finding.rule);
    page.wrap(0, 2, Tone::Plain, &text);
    page.blank();
    ledger(page, row);
    for evidence in &finding.evidence {
        if let Some(text) = absence(evidence) {
            page.wrap(1, 2, Tone::Plain, &text);
        }
    }
    page.blank();
    for evidence in &finding.evidence {
        if let Evidence::Config { what, .. } = evidence {
            page.entry(1, COLUMN, "now", what);
        }
    }
    if let Some(advice) = &finding.advice {
        page.entry(1, COLUMN, "to do", advice);
    }
    if let Some(silent) = rules::find(finding.rule).and_then(|rule| rule.silent) {
        page.entry(1, "why it was silent  ".len(), "why it was silent", silent);
    }
    for missing in &row.missing {
        page.entry(1, COLUMN, "missing", missing);
    }
}

/// The layers in the order in which they came, and then those that have no time.
fn ledger(page: &mut Page, row: &Correlation) {
    let shown = |layer: &&LayerRow| {
        !matches!(layer.state, LayerState::NotApplicable | LayerState::Unknown)
            || layer.at.is_some()
    };
    let layers: Vec<&LayerRow> = row.layers.iter().filter(shown).collect();
    let layers = in_order(layers);
    let head = format!("  {:<LAYER$}{:<TIME$}{:<SIZE$}", "layer", "UTC", "size");
    page.entry(1, head.chars().count(), &head, "evidence");
    for layer in layers {
        let (mark, tone) = mark(layer, row);
        let head = format!(
            "{mark} {:<LAYER$}{:<TIME$}{:<SIZE$}",
            called(layer.layer),
            layer.at.map_or_else(String::new, time),
            size(layer),
        );
        page.entry_in(tone, 1, head.chars().count(), &head, &layer.what);
    }
    let unknown = row
        .layers
        .iter()
        .filter(|layer| layer.state == LayerState::Unknown && layer.at.is_none());
    let unknown: Vec<&str> = unknown.map(|layer| called(layer.layer)).collect();
    if !unknown.is_empty() {
        let text = format!("? {}: not known", unknown.join(", "));
        page.line(1, &[(Tone::Faint, &text)]);
    }
}

/// Those with a time in the order in which they came, then the others. Where clocks
/// cannot tell, in the order in which they should have come.
fn in_order(layers: Vec<&LayerRow>) -> Vec<&LayerRow> {
    let (mut left, timeless): (Vec<_>, Vec<_>) =
        layers.into_iter().partition(|layer| layer.at.is_some());
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let is_first = |layer: &&LayerRow| !left.iter().any(|other| came_before(other, layer));
        let next = left.iter().position(is_first).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered.extend(timeless);
    ordered
}

/// Whether one layer surely came before another. The kernel's own are all of one
/// clock, whatever its error against others.
fn came_before(one: &LayerRow, other: &LayerRow) -> bool {
    let of_kernel = |row: &LayerRow| (Layer::Capacity..=Layer::Filesystem).contains(&row.layer);
    let (Some(a), Some(b)) = (one.at, other.at) else {
        return false;
    };
    if of_kernel(one) && of_kernel(other) {
        a.start_ns < b.start_ns
    } else {
        a.is_before(&b)
    }
}

fn called(layer: Layer) -> &'static str {
    match layer {
        Layer::Request => "request",
        Layer::Api => "api",
        Layer::Cloud => "cloud",
        Layer::Capacity => "capacity",
        Layer::Partition => "partition",
        Layer::Mapping => "mapping",
        Layer::Filesystem => "filesystem",
        Layer::Kubernetes => "kubernetes",
    }
}

fn mark(layer: &LayerRow, row: &Correlation) -> (char, Tone) {
    let file_system = row
        .layers
        .iter()
        .find(|layer| layer.layer == Layer::Filesystem)
        .map(|layer| layer.state);
    let claims_too_much = layer.layer == Layer::Kubernetes
        && !matches!(
            file_system,
            Some(LayerState::Done | LayerState::Unknown | LayerState::NotApplicable)
        );
    match layer.state {
        LayerState::Done if claims_too_much => ('!', Tone::Odd),
        LayerState::Done => ('✔', Tone::Plain),
        LayerState::NoOp | LayerState::Failed | LayerState::Missing => ('✘', Tone::Bad),
        LayerState::Unknown => ('?', Tone::Faint),
        LayerState::NotApplicable => ('–', Tone::Faint),
    }
}

fn size(layer: &LayerRow) -> String {
    match (layer.from_bytes, layer.to_bytes) {
        (None, None) => String::new(),
        (Some(from), Some(to)) if from == to => format!("= {}", bytes(to)),
        (None, Some(to)) => bytes(to),
        (from, to) => bytes_change(from, to),
    }
}

const SECOND: i64 = 1_000_000_000;

/// `07:14:57.941 ± 2 ms`; of a time that is only good to seconds,
/// `07:14:56 .. 57`.
fn time(at: Interval) -> String {
    let width = at.end_ns.saturating_sub(at.start_ns);
    let cut_to_seconds = at.start_ns % SECOND == 0 && width.saturating_add(1) % SECOND == 0;
    if cut_to_seconds {
        let last = at.end_ns.saturating_add(1);
        let (from, to) = (of_day(at.start_ns, false), of_day(last, false));
        let to = match from.rsplit_once(':') {
            Some((minute, _)) => to.strip_prefix(&format!("{minute}:")).unwrap_or(&to),
            None => &to,
        };
        return format!("{from} .. {to}");
    }
    let middle = of_day(at.start_ns.saturating_add(width / 2), true);
    match width / 2 {
        0..500_000 => middle,
        half => format!("{middle} ± {}", duration(half.unsigned_abs())),
    }
}

fn of_day(t_ns: i64, millis: bool) -> String {
    let at = Timestamp::from_nanosecond(t_ns.into()).unwrap_or(Timestamp::UNIX_EPOCH);
    let format = if millis { "%H:%M:%S%.3f" } else { "%H:%M:%S" };
    at.strftime(format).to_string()
}

/// `— and no resize of vdb from then until 07:29:58 (by events and by state)`.
fn absence(evidence: &Evidence) -> Option<String> {
    let Evidence::Absence {
        what,
        from,
        to,
        basis,
        probes,
    } = evidence
    else {
        return None;
    };
    let second = |time: &Option<String>| {
        let of = |text: &String| text.split('T').nth(1)?.get(..8).map(str::to_owned);
        maybe(time.as_ref().and_then(of), |text| text)
    };
    let by = match (*basis, probes.is_empty()) {
        ("both", _) => "by events and by state",
        ("events", true) => "by the trail",
        ("events", false) => "by events",
        _ => "by state",
    };
    Some(format!(
        "— no {what} from {} until {} ({by})",
        second(from),
        second(to)
    ))
}

/// Findings that are of no volume's growth.
fn others(page: &mut Page, correlated: &Correlated) {
    let verdicts: Vec<_> = correlated
        .correlation
        .iter()
        .filter_map(|row| row.finding.as_ref())
        .collect();
    let findings = correlated.report.findings.iter();
    let mut others = findings
        .filter(|finding| {
            !verdicts
                .iter()
                .any(|v| v.rule == finding.rule && v.device == finding.device)
        })
        .peekable();
    if others.peek().is_some() {
        page.blank();
    }
    for finding in others {
        let device = finding.device.as_ref().map(|name| format!("{name}: "));
        let text = format!(
            "{}{} [{}]",
            device.unwrap_or_default(),
            finding.summary,
            finding.rule
        );
        page.wrap(0, 2, Tone::Plain, &text);
    }
}

/// What the recordings lack, if they do.
fn recorded(page: &mut Page, report: &Report) {
    if report.session.version.is_some() && !report.completeness.complete {
        page.blank();
        completeness(page, report);
    }
}

/// What was read from others.
pub(super) fn inputs(page: &mut Page, inputs: &[InputReport]) {
    if inputs.is_empty() {
        return;
    }
    page.blank();
    let mut table = Table::new(&[
        ("input", Align::Left),
        ("format", Align::Left),
        ("records", Align::Right),
        ("not understood", Align::Right),
        ("assumed", Align::Left),
    ]);
    for input in inputs {
        let format = input.format.as_deref().unwrap_or("not known");
        let rejected = match input.rejected_total {
            0 => String::new(),
            some => some.to_string(),
        };
        table.row([
            input.path.clone(),
            format.to_owned(),
            input.records.to_string(),
            rejected,
            input.assumed.clone().unwrap_or_default(),
        ]);
        let rejected = input.rejected.iter().take(SHOWN);
        let lines = rejected.map(|at| format!("line {}: {}", at.line, at.reason));
        table.note(lines.collect::<Vec<_>>().join("; "));
    }
    table.write(page, 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::ledger::LayerState::Done;

    const MS: i64 = 1_000_000;

    /// A layer at so many ms, give or take as many.
    fn at(layer: Layer, ms: i64, error_ms: i64) -> LayerRow {
        LayerRow::new(layer, Done, "").at(Some(Interval {
            start_ns: (ms - error_ms) * MS,
            end_ns: (ms + error_ms) * MS,
        }))
    }

    fn order(rows: &[LayerRow]) -> Vec<Layer> {
        let rows = in_order(rows.iter().collect());
        rows.into_iter().map(|row| row.layer).collect()
    }

    #[test]
    fn a_clock_that_cannot_tell_leaves_the_order_that_should_be() {
        use Layer::{Api, Capacity, Filesystem, Kubernetes, Request};
        // The call's time was cut to the second in which the request came, too.
        let rows = [at(Request, 700, 0), at(Api, 500, 500)];
        assert_eq!(order(&rows), [Request, Api]);
        let rows = [at(Request, 1700, 0), at(Api, 500, 500)];
        assert_eq!(order(&rows), [Api, Request]);
        // The kernel's own are in order, however wide their times are.
        let rows = [
            at(Request, 0, 0),
            LayerRow::new(Layer::Cloud, Done, ""),
            at(Capacity, 6000, 1000),
            at(Filesystem, 5200, 1000),
            at(Kubernetes, 5300, 0),
        ];
        assert_eq!(
            order(&rows),
            [Request, Filesystem, Capacity, Kubernetes, Layer::Cloud]
        );
    }

    #[test]
    fn a_time_is_shown_as_good_as_it_is() {
        let shown = |start_ns, end_ns| time(Interval { start_ns, end_ns });
        let s = SECOND;
        assert_eq!(shown(56 * s, 57 * s - 1), "00:00:56 .. 57");
        assert_eq!(shown(56 * s, 56 * s), "00:00:56.000");
        let half = 500 * MS;
        assert_eq!(shown(56 * s + half, 58 * s + half), "00:00:57.500 ± 1 s");
        assert_eq!(shown(56 * s, 56 * s + 4 * MS), "00:00:56.002 ± 2 ms");
    }
}
