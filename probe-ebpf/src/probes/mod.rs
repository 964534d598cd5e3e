//! The probes, one file each.

mod capacity;
mod copy;
mod disk;
mod mount;
mod partition;
mod read_ahead;
pub mod readahead;
pub mod resize;
pub mod tool;
mod tree;
