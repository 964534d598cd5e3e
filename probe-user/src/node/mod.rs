//! The node's volumes as user space can read them: devices, mounts, sizes of
//! file systems, read-ahead settings, cgroups and pods, kubelet's volumes.
//!
//! Everything is read from text files of `/proc`, `/sys` and kubelet, and sizes
//! from superblocks. No network file system is ever asked anything: one that
//! hangs must not hang the reader.

mod asking;
pub mod cgroup;
mod cgroup_path;
pub mod cgroup_place;
mod child;
mod devices;
pub mod disk_id;
pub mod facts;
mod fs_size;
pub mod inventory;
pub mod kernel_log;
mod kubelet;
mod mounts;
mod pods;
mod reader;
mod superblock;
#[cfg(test)]
pub(crate) mod testing;
mod view;
mod vpd;

pub use cgroup::{CgroupMode, Cgroups};
pub use mounts::is_remote;
pub use reader::Node;
