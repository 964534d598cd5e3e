//! What became of each volume's growth, layer by layer, as text.

use super::ledger;
use super::page::Page;
use super::report::completeness;
use super::style::{Style, Tone};
use super::table::{Align, Table};
use crate::analysis::{Confidence, Correlated, Correlation, Evidence, Report, Severity, rules};
use crate::cloud::InputReport;
use crate::units::maybe;
use std::io::{self, Write};

/// Width of the column of words.
const COLUMN: usize = 9;
/// Records that were not understood, shown of each input.
const SHOWN: usize = 3;
/// Characters of an input's path that are shown.
const PATH: usize = 44;

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
    ledger::write(page, row);
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
    ]);
    for input in inputs {
        let format = input.format.as_deref().unwrap_or("not known");
        let rejected = match input.rejected_total {
            0 => String::new(),
            some => some.to_string(),
        };
        table.row([
            tail(&input.path),
            format.to_owned(),
            input.records.to_string(),
            rejected,
        ]);
        let rejected = input.rejected.iter().take(SHOWN);
        let lines = rejected.map(|at| format!("line {}: {}", at.line, at.reason));
        table.note(lines.collect::<Vec<_>>().join("; "));
        let assumed = input.assumed.as_ref();
        table.note(assumed.map_or_else(String::new, |what| format!("assumed: {what}")));
    }
    table.write(page, 0);
}

/// The end of a path, which says more than its start.
fn tail(path: &str) -> String {
    let length = path.chars().count();
    if length <= PATH {
        return path.to_owned();
    }
    let end: String = path.chars().skip(length - PATH + 1).collect();
    format!("…{end}")
}
