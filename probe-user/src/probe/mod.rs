//! Probes: what is measured, at which hooks, and whether it works.
//!
//! ```text
//! catalog ──┐
//! facts ────┼─► plan ─► attach ─► outcomes ─► verdict ─► ProbeStatus
//! selection ┘                        ▲
//!               self-test, modules that come and go
//! ```

pub mod catalog;
mod patch;
pub mod plan;
pub mod schema;
pub mod self_test;
pub mod settings;
pub mod sizes;
pub mod verdict;

mod attach;
mod driver;
mod engine;
mod error;
mod explain;
mod hook_btf;
mod load;
mod reason;
mod selection;
pub mod tree;

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod object_tests;

pub use attach::{Attached, Counting, attach, expected};
pub use error::AttachError;
pub use reason::Reason;
pub use selection::{Selection, UnknownProbe};
pub use settings::{Filters, Settings};
pub use sizes::MapSizes;
