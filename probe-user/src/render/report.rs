//! The report as text: what it means, then what was seen.

mod findings;
mod notes;
mod tables;
mod timeline;
mod told;

pub(super) use notes::completeness;
pub use timeline::what;

use super::page::Page;
use super::style::{Style, Tone};
use crate::analysis::Report;
use crate::units;
use std::io::{self, Write};

/// Writes a report.
pub fn report_text(report: &Report, style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(style);
    header(&mut page, report);
    findings::write(&mut page, report);
    timeline::write(&mut page, std::slice::from_ref(report));
    tables::write(&mut page, report);
    notes::write(&mut page, report);
    out.write_all(page.finish().as_bytes())
}

/// Writes several reports, and one timeline of them all.
pub fn reports_text(reports: &[Report], style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(style);
    for report in reports {
        page.blank();
        header(&mut page, report);
        findings::write(&mut page, report);
        tables::write(&mut page, report);
        notes::write(&mut page, report);
    }
    timeline::write(&mut page, reports);
    out.write_all(page.finish().as_bytes())
}

fn header(page: &mut Page, report: &Report) {
    let session = &report.session;
    let day = |time: &Option<String>| time.as_deref().map(day_and_second);
    let mut parts = vec![
        session
            .host
            .clone()
            .unwrap_or_else(|| "unknown host".to_owned()),
    ];
    parts.extend(
        session
            .kernel
            .as_ref()
            .map(|kernel| format!("Linux {kernel}")),
    );
    if let (Some(start), Some(end)) = (day(&session.start), day(&session.end)) {
        // The same day is not written twice.
        let same_day = start.split(' ').next() == end.split(' ').next();
        let end = if same_day {
            end.split(' ').next_back().unwrap_or_default().to_owned()
        } else {
            end
        };
        parts.push(format!("{start} .. {end} UTC"));
    }
    parts.push(units::duration(session.duration_ns));
    page.line(0, &[(Tone::Strong, &parts.join(" · "))]);
    if !session.filters.is_empty() {
        page.line(
            0,
            &[
                (Tone::Faint, "only "),
                (Tone::Plain, &session.filters.join(" ")),
            ],
        );
    }
}

/// `2026-03-11 07:14:57` of an RFC 3339 text.
fn day_and_second(time: &str) -> String {
    time.trim_end_matches('Z')
        .split('.')
        .next()
        .unwrap_or_default()
        .replace('T', " ")
}
