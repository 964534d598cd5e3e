//! What a recording says: tables, timeline, findings. Pure functions.

pub mod absence;
mod report;
pub mod rules;
mod state;
mod tick;
pub mod volume;
pub(crate) mod volumes;

pub use report::{
    ClockRow, Completeness, CopyRow, Detail, DeviceRow, Evidence, Finding, GapRow, HookRow,
    LostRow, NestedReadahead, ProbeRow, Quantiles, ReadaheadRow, Report, SeriesRow, SessionRow,
    Severity, TimelineRow, ToolDevice, TopRow, report,
};
pub use tick::{Tick, tick};
pub use volumes::{Sizes, VolumeRow, Volumes, volumes};
