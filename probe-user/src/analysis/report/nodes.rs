//! Reports of several nodes as one.

use super::{ClockRow, Completeness, Report, TimelineRow};
use crate::analysis::finding::{Evidence, Finding};

/// One report of all nodes, on one timeline. Rows say of which node they are;
/// the ids of events become unique, each node's by what [`shift`] returns for it.
/// Of no node there is nothing to report but the form.
pub fn join(mut reports: Vec<Report>) -> Report {
    if reports.len() < 2 {
        let none = || super::report(&crate::model::Recording::default());
        return reports.pop().unwrap_or_else(none);
    }
    let shifts = shift(&reports);
    for (report, by) in reports.iter_mut().zip(shifts) {
        mark(report);
        renumber(report, by);
    }
    let mut reports = reports.into_iter();
    let mut all = reports.next().unwrap_or_else(|| join(Vec::new()));
    all.sessions.push(all.session.clone());
    for other in reports {
        all.sessions.push(other.session);
        all.completeness = both(all.completeness, other.completeness);
        all.clock = worse(&all.clock, &other.clock);
        all.devices.extend(other.devices);
        all.copy.extend(other.copy);
        all.readahead.extend(other.readahead);
        all.series.extend(other.series);
        all.top.extend(other.top);
        all.timeline_folded.extend(other.timeline_folded);
        all.timeline = merge(all.timeline, other.timeline);
        all.findings.extend(other.findings);
    }
    all.top.sort_by_key(|row| std::cmp::Reverse(row.time_ns));
    crate::analysis::rules::sort(&mut all.findings);
    all
}

/// What is to be added to the ids of each report's events, so that no two are the
/// same. The last element is the first id that is free.
pub(crate) fn shift(reports: &[Report]) -> Vec<u64> {
    let mut next = 0;
    let mut shifts = vec![0];
    for report in reports {
        let last = report.timeline.iter().map(|row| row.id).max();
        next += last.map_or(0, |id| id + 1);
        shifts.push(next);
    }
    shifts
}

/// Two timelines, each in the order of its own clock, by real time.
pub(crate) fn merge(a: Vec<TimelineRow>, b: Vec<TimelineRow>) -> Vec<TimelineRow> {
    let mut merged = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
    while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
        let next = if right.t_ns < left.t_ns {
            b.next()
        } else {
            a.next()
        };
        merged.extend(next);
    }
    merged.extend(a);
    merged.extend(b);
    merged
}

fn mark(report: &mut Report) {
    let host = &report.session.host;
    let hosts = [
        report
            .devices
            .iter_mut()
            .map(|row| &mut row.host)
            .collect::<Vec<_>>(),
        report.copy.iter_mut().map(|row| &mut row.host).collect(),
        report
            .readahead
            .iter_mut()
            .map(|row| &mut row.host)
            .collect(),
        report.series.iter_mut().map(|row| &mut row.host).collect(),
        report.top.iter_mut().map(|row| &mut row.host).collect(),
        report
            .timeline
            .iter_mut()
            .map(|row| &mut row.host)
            .collect(),
        report
            .findings
            .iter_mut()
            .map(|row| &mut row.host)
            .collect(),
        report
            .completeness
            .gaps
            .iter_mut()
            .map(|row| &mut row.host)
            .collect(),
        report
            .completeness
            .lost
            .iter_mut()
            .map(|row| &mut row.host)
            .collect(),
    ];
    for field in hosts.into_iter().flatten() {
        field.clone_from(host);
    }
}

fn renumber(report: &mut Report, by: u64) {
    for row in &mut report.timeline {
        row.id += by;
    }
    for finding in &mut report.findings {
        finding.renumber(|id| id + by);
    }
}

impl Finding {
    /// Gives the events that it rests on other ids.
    pub(crate) fn renumber(&mut self, of: impl Fn(u64) -> u64) {
        for evidence in &mut self.evidence {
            evidence.renumber(&of);
        }
    }
}

impl Evidence {
    /// Gives the event that it is another id.
    pub(crate) fn renumber(&mut self, of: impl Fn(u64) -> u64) {
        if let Self::Event { id } = self {
            *id = of(*id);
        }
    }
}

fn both(mut a: Completeness, b: Completeness) -> Completeness {
    a.complete &= b.complete;
    a.truncated |= b.truncated;
    a.damaged_frames += b.damaged_frames;
    a.series_overflow += b.series_overflow;
    a.gaps.extend(b.gaps);
    a.lost.extend(b.lost);
    a.ended = a.ended.filter(|why| b.ended.as_ref() == Some(why));
    a.unchecked_frames += b.unchecked_frames;
    a.unknown.extend(b.unknown);
    a.not_kept += b.not_kept;
    a
}

fn worse(a: &ClockRow, b: &ClockRow) -> ClockRow {
    let all = a.synchronised.zip(b.synchronised).map(|(a, b)| a && b);
    ClockRow {
        synchronised: all.or(a.synchronised).or(b.synchronised),
        max_error_ns: a.max_error_ns.max(b.max_error_ns),
        anchors: a.anchors + b.anchors,
        steps: a.steps + b.steps,
    }
}
