//! The report: `volprobe.report/1`.

mod coverage;
mod detail;
mod devices;
mod mounted;
mod narrow;
mod nodes;
mod outside;
mod schema;
mod timeline;

pub use detail::{Detail, Source, ToolDevice};
pub use narrow::narrow;
pub use nodes::join;
pub(super) use nodes::{merge, shift};
pub(super) use outside::entry;
pub use schema::{
    ClockRow, Completeness, DeviceRow, FoldedRow, GapRow, HookRow, LostRow, ProbeRow, Report,
    SessionRow, TimelineRow, UnknownRow,
};

pub(super) use coverage::{completeness, lost, probes};
pub(super) use timeline::timeline;

use super::rules;
use super::tables::{Counts, copy, readahead, series, top};
use crate::model::Recording;

/// The report of a recording.
pub fn report(recording: &Recording) -> Report {
    let counts = Counts::whole(recording);
    Report {
        schema: schema::REPORT,
        session: coverage::session(recording),
        sessions: Vec::new(),
        completeness: coverage::completeness(recording),
        clock: coverage::clock(recording),
        devices: devices::devices(recording),
        copy: copy(&counts),
        readahead: readahead(&counts),
        series: series(&counts),
        top: top(&counts),
        timeline: timeline(recording, recording.events()),
        timeline_folded: coverage::folded(recording),
        findings: rules::findings(recording),
    }
}
