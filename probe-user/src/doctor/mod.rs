//! What this kernel allows, which hook each probe uses, what is missing and
//! how to get it.
//!
//! - [`checks`]: facts → findings with a remedy; pure
//! - [`report`]: the findings, and the probes as tried or as planned
//! - [`text`]: the report for people

pub mod checks;
pub mod report;
pub mod text;

pub use report::{Report, examine};
