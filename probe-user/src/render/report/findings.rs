//! What it means: verdict first, evidence under it, what to do last.

use super::super::line::clock;
use super::super::page::Page;
use super::super::style::Tone;
use super::timeline::what;
use crate::analysis::rules::headline;
use crate::analysis::{Evidence, Finding, Report, Severity};

/// Width of the column of times and words.
const COLUMN: usize = 14;

pub(super) fn write(page: &mut Page, report: &Report) {
    for finding in report
        .findings
        .iter()
        .filter(|f| f.severity > Severity::Info)
    {
        page.blank();
        full(page, report, finding);
    }
    let mut infos = report
        .findings
        .iter()
        .filter(|f| f.severity == Severity::Info)
        .peekable();
    if infos.peek().is_some() {
        page.blank();
    }
    for finding in infos {
        let device = finding
            .device
            .as_ref()
            .map(|name| format!("{name}: "))
            .unwrap_or_default();
        page.wrap(
            0,
            2,
            Tone::Plain,
            &format!("{device}{}  [{}]", finding.summary, finding.rule),
        );
    }
    if report.findings.is_empty() {
        page.blank();
        page.line(0, &[(Tone::Plain, "no rule found anything to say")]);
    }
}

fn full(page: &mut Page, report: &Report, finding: &Finding) {
    let tone = match finding.severity {
        Severity::Critical => Tone::Bad,
        Severity::Warning | Severity::Info => Tone::Odd,
    };
    page.spread(
        (Tone::Strong, &volume(report, finding)),
        (tone, headline(finding.rule)),
    );
    page.wrap(
        0,
        2,
        Tone::Plain,
        &format!("{}  [{}]", finding.summary, finding.rule),
    );
    for evidence in &finding.evidence {
        let (word, text) = describe(report, finding, evidence);
        page.entry(3, COLUMN, &word, &text);
    }
    if let Some(doubt) = &finding.doubt {
        page.entry(3, COLUMN, "not known", doubt);
    }
    if let Some(advice) = &finding.advice {
        page.entry(3, COLUMN, "to do", advice);
    }
}

/// `vdb · /var/lib/mysql · pod db/mysql-0`.
fn volume(report: &Report, finding: &Finding) -> String {
    let Some(name) = &finding.device else {
        return report.session.host.clone().unwrap_or_default();
    };
    let mut parts = vec![name.clone()];
    if let Some(row) = report.devices.iter().find(|row| row.name == *name) {
        parts.extend(row.serial.clone());
        match &row.pod {
            Some(pod) => parts.push(format!("pod {pod}")),
            None => parts.extend(row.mounts.first().cloned()),
        }
    }
    parts.join(" · ")
}

fn describe(report: &Report, finding: &Finding, evidence: &Evidence) -> (String, String) {
    // The volume itself is in the heading already.
    let of = |device: Option<&String>| match device {
        Some(name) if finding.device.as_ref() != device => format!("{name}: "),
        _ => String::new(),
    };
    match evidence {
        Evidence::Event { id } => {
            let Some(row) = report.timeline.iter().find(|row| row.id == *id) else {
                return (String::new(), format!("event {id}"));
            };
            let text = format!("{}{}", of(row.device.as_ref()), what(row));
            (clock(row.time.as_deref()), text)
        }
        Evidence::Absence {
            what,
            from,
            to,
            basis,
            ..
        } => {
            let by = match *basis {
                "both" => "by events and by state",
                "events" => "by events",
                _ => "by state",
            };
            let (from, to) = (clock(from.as_deref()), clock(to.as_deref()));
            let text = format!("no {what} from {from} to {to} ({by})");
            ("and then".to_owned(), text)
        }
        Evidence::Config { device, what } => {
            ("state".to_owned(), format!("{}{what}", of(device.as_ref())))
        }
        Evidence::Series { key } => ("counted".to_owned(), key.clone()),
    }
}
