//! What a recording says: tables, timeline, findings. Pure functions.

pub mod absence;
mod announcer;
pub mod case;
mod confidence;
mod correlate;
mod diff;
mod fill;
mod finding;
pub mod ledger;
pub mod outside;
mod reading;
mod report;
pub mod rules;
mod state;
mod tables;
mod tick;
mod times;
pub mod volume;
pub(crate) mod volumes;

pub use announcer::Announcer;
pub use confidence::Confidence;
pub use correlate::{Correlated, Correlation, correlate};
pub use diff::{
    Both, Cause, ConfigRow, Diff, DiffRow, Effect, FindingsDiff, Options, Pace, RecordingRow, Side,
    Verdict, diff,
};
pub use finding::{Evidence, Finding, Severity};
pub use report::{
    ClockRow, Completeness, Detail, DeviceRow, FoldedRow, GapRow, HookRow, LostRow, ProbeRow,
    Report, SessionRow, Source, TimelineRow, ToolDevice, UnknownRow, join, narrow, report,
};
pub use tables::{CopyRow, NestedReadahead, Quantiles, ReadaheadRow, SeriesRow, TopRow};
pub use tick::{Tick, tick};
pub use volumes::{LogRow, Sizes, VolumeRow, Volumes, volumes};
