//! Probes: what is measured, at which hooks, and whether it works.
//!
//! ```text
//! catalog ─┐
//! facts   ─┼─► plan ─► attach ─► outcomes ─► verdict ─► ProbeStatus
//! selection┘                       ▲
//!                     self-test, modules that come and go
//! ```

pub mod catalog;
pub mod plan;
pub mod schema;
pub mod verdict;

mod reason;
mod selection;

pub use reason::Reason;
pub use selection::{Selection, UnknownProbe};
