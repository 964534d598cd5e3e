//! Copies: `copy_file_range`, and whole-file clones by ioctl.
//!
//! - [`call`]: `vfs_copy_file_range`, entry and return
//! - [`clone`]: `ioctl_file_clone`
//! - [`remap`]: the file systems' methods that share blocks, for the route
//! - [`entry`]: calls refused before `vfs_copy_file_range` (opt-in)
//! - [`count`]: what each call that returned adds
//! - [`steady`]: the same, by the shortest way that most calls can take

mod call;
mod clone;
mod count;
mod entry;
mod remap;
mod steady;
