//! A recording in memory: everything the stream said, folded to what a report
//! shows. Live views and files build it with the same code.

mod anchors;
mod coverage;
mod devices;
mod distribution;
mod events;
mod kubelet;
mod mounts;
mod paces;
mod probes;
mod recording;
mod runs;
#[cfg(test)]
pub(crate) mod testing;
pub mod totals;
mod view;

pub use anchors::{Anchors, Instant};
pub use coverage::{Interval, Reading};
pub use devices::Devices;
pub use distribution::Distribution;
pub use events::Folded;
pub(crate) use events::RESIZE_TOOLS;
pub use mounts::MountState;
pub use paces::{Paces, Unit};
pub use probes::{Probes, state_name};
pub use recording::Recording;
pub use runs::{Run, Runs};
pub use totals::Totals;
pub use view::{Key, Row, key_name, rows, rows_by, series_name};
