//! One flush of a live view: `volprobe.tick/1`.

use super::Finding;
use super::report::{self, LostRow, ProbeRow, TimelineRow};
use super::tables::{self, CopyRow, Counts, ReadaheadRow, SeriesRow, TopRow};
use super::times::Times;
use crate::model::{Interval, Recording, Totals};
use crate::sample::{Event, Record, Window};
use crate::units::sum;
use serde::Serialize;

/// What one window brought.
#[derive(Clone, Debug, Serialize)]
pub struct Tick {
    /// `volprobe.tick/1`.
    pub schema: &'static str,
    /// Number of the window.
    pub seq: u64,
    /// End of the window, ns since the Unix epoch.
    pub t_ns: Option<i64>,
    /// The true time lies within this of `t_ns`.
    pub error_ns: Option<u64>,
    /// RFC 3339, UTC.
    pub time: Option<String>,
    /// Length of the window.
    pub interval_ns: u64,
    /// Probes, in the ticks in which any of them changed.
    pub probes: Vec<ProbeRow>,
    /// As in the report, for this window.
    pub copy: Vec<CopyRow>,
    /// As in the report, for this window.
    pub readahead: Vec<ReadaheadRow>,
    /// As in the report, for this window.
    pub series: Vec<SeriesRow>,
    /// As in the report, for this window.
    pub top: Vec<TopRow>,
    /// Events of this window, as in the report's timeline.
    pub timeline: Vec<TimelineRow>,
    /// What it means: findings above information, each once, as soon as it has
    /// settled.
    pub findings: Vec<Finding>,
    /// What was lost in this window.
    pub lost: Vec<LostRow>,
    /// Runs that the kernel skipped in this window, all probes together.
    pub missed_runs: u64,
}

/// What a window brought, with the findings that are to be told with it; the
/// recording must have it already.
pub fn tick(recording: &Recording, window: &Window, findings: Vec<Finding>) -> Tick {
    let mut part = Totals::default();
    part.fold(window);
    let counts = Counts::of(recording, &part);
    let losses: Vec<Interval> = part
        .losses
        .iter()
        .map(|(kind, loss)| Interval {
            what: kind.clone(),
            count: loss.count,
            from_ns: window.from_boot_ns,
            to_ns: window.to_boot_ns,
        })
        .collect();
    let at = recording.real(window.to_boot_ns);
    let changed = !part.probes.is_empty();
    Tick {
        schema: "volprobe.tick/1",
        seq: window.seq,
        t_ns: at.map(|at| at.t_ns),
        error_ns: at.map(|at| at.error_ns),
        time: Times(recording).text(window.to_boot_ns),
        interval_ns: window.to_boot_ns.saturating_sub(window.from_boot_ns),
        probes: if changed {
            report::probes(recording)
        } else {
            Vec::new()
        },
        copy: tables::copy(&counts),
        readahead: tables::readahead(&counts),
        series: tables::series(&counts),
        top: tables::top(&counts),
        timeline: report::timeline(recording, events(window)),
        findings,
        lost: report::lost(recording, &losses),
        missed_runs: sum(part.missed.values().flatten().copied()),
    }
}

fn events(window: &Window) -> impl Iterator<Item = &Event> + Clone {
    let records = window
        .samples
        .iter()
        .filter_map(|sample| sample.record.as_ref());
    records.filter_map(|record| match record {
        Record::Event(event) if !event.self_test => Some(event.as_ref()),
        _ => None,
    })
}
