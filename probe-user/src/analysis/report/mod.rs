//! The report: `volprobe.report/1`.

mod coverage;
mod detail;
mod devices;
mod rows;
mod schema;
mod time;
mod timeline;

pub use detail::{Detail, ToolDevice};
pub use schema::{
    ClockRow, Completeness, CopyRow, DeviceRow, Evidence, Finding, GapRow, HookRow, LostRow,
    NestedReadahead, ProbeRow, Quantiles, ReadaheadRow, Report, SeriesRow, SessionRow, Severity,
    TimelineRow, TopRow,
};

pub(super) use coverage::{lost, probes};
pub(super) use rows::{Counts, copy, readahead, series, top};
pub(super) use time::Times;
pub(super) use timeline::timeline;

use super::rules;
use crate::model::Recording;

/// The report of a recording.
pub fn report(recording: &Recording) -> Report {
    let counts = Counts::whole(recording);
    Report {
        schema: schema::REPORT,
        session: coverage::session(recording),
        completeness: coverage::completeness(recording),
        clock: coverage::clock(recording),
        devices: devices::devices(recording),
        copy: copy(&counts),
        readahead: readahead(&counts),
        series: series(&counts),
        top: top(&counts),
        timeline: timeline(recording, recording.events()),
        findings: rules::findings(recording),
    }
}
