//! Probes: what is measured, at which hooks, and whether it works.

pub mod schema;
