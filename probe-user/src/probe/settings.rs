//! What the user sets before the programs are loaded.

use super::Selection;
use crate::node::cgroup_place::CgroupPlace;
use crate::sample::Dev;
use std::path::PathBuf;

/// Which copies and readahead are counted; the rest of the node is seen whole,
/// or absence could not be proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Only this process.
    pub pid: Option<u32>,
    /// Only tasks of this name; cut to the kernel's 15 bytes.
    pub comm: Option<String>,
    /// Only this device, read or written.
    pub dev: Option<Dev>,
    /// Only this cgroup, and those below it.
    pub cgroup: Option<CgroupPlace>,
    /// Only the processes of the command that is run, followed from there.
    pub tree: bool,
}

/// A part of what a copy is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Devices, of readahead too.
    Devices,
    /// The cgroup, of readahead too.
    Cgroup,
    /// Time of copies on and off CPU.
    OnCpu,
    /// Readahead inside copies.
    Readahead,
}

/// Settings of one attachment.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Probes that are wanted.
    pub selection: Selection,
    /// Parts that are left out, to measure what each costs: what they would say
    /// is then zero.
    pub without: Vec<Part>,
    /// What copies and readahead are counted.
    pub filters: Filters,
    /// BTF file to read field offsets from, instead of the running kernel's.
    pub btf: Option<PathBuf>,
    /// Whether messages of the kernel programs are passed to `log`.
    pub kernel_log: bool,
    /// Ring buffer, bytes.
    pub ring_bytes: u32,
    /// Names of the tools whose start and end are recorded.
    pub tools: Vec<String>,
}

/// Tools that grow or mount file systems, partitions and volumes, by the names
/// the kernel knows them by (15 bytes).
pub const TOOLS: &[&str] = &[
    "resize2fs",
    "xfs_growfs",
    "e2fsck",
    "fsck.ext4",
    "xfs_repair",
    "mkfs.ext4",
    "mke2fs",
    "mkfs.xfs",
    "tune2fs",
    "dumpe2fs",
    "growpart",
    "sfdisk",
    "sgdisk",
    "parted",
    "partx",
    "partprobe",
    "resizepart",
    "blockdev",
    "fsadm",
    "lvextend",
    "lvresize",
    "pvresize",
    "lvm",
    "dmsetup",
    "cryptsetup",
    "mount",
    "umount",
    "mount.nfs",
    "btrfs",
    "resize_reiserfs",
];

impl Default for Settings {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            without: Vec::new(),
            filters: Filters::default(),
            btf: None,
            kernel_log: false,
            ring_bytes: 1 << 20,
            tools: TOOLS.iter().map(|&tool| tool.to_owned()).collect(),
        }
    }
}

/// A name as the kernel keeps it: 15 bytes and a NUL.
pub fn comm(name: &str) -> [u8; 16] {
    let mut comm = [0; 16];
    let cut = name.len().min(15);
    comm[..cut].copy_from_slice(&name.as_bytes()[..cut]);
    comm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_as_the_kernel_cuts_them() {
        assert_eq!(&comm("resize2fs"), b"resize2fs\0\0\0\0\0\0\0");
        assert_eq!(&comm("a-very-long-name-of-a-tool"), b"a-very-long-nam\0");
    }
}
