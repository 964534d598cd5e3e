//! The probes, one file each.

mod copy;
