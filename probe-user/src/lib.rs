//! volprobe finds out why a volume is slow and why it did not grow.
//!
//! ```text
//! kernel programs ─► collect ─► Window of Samples ─┬─► live
//!                       ▲                          └─► session (.vprec)
//!                     node (devices, mounts, cgroups, clock)
//!
//! session ─► Windows ─► model ─► analysis ─► render
//! ```

pub mod analysis;
pub mod boottime;
pub mod cli;
pub mod cloud;
pub mod collect;
pub mod doctor;
pub mod error;
pub mod export;
pub mod kernel;
pub mod live;
pub mod model;
pub mod node;
pub mod probe;
pub mod random;
pub mod render;
pub mod sample;
pub mod session;
pub mod sink;
pub mod units;
