//! A disk with a file system on it, and how its owner grows that.

use std::{fs, os::unix::fs::MetadataExt, path::PathBuf};

use anyhow::{Context, Result};

use super::plot::Content;
use crate::guest::{
    stage::{Disk, Stage},
    tool,
};

/// Without udev and without files that nobody reads.
const LVM: &str = "activation{udev_sync=0 udev_rules=0} devices{obtain_device_list_from_udev=0 use_devicesfile=0} \
                   backup{backup=0 archive=0} global{event_activation=0} log{prefix=\"\"}";

/// A volume that is mounted.
#[derive(Debug)]
pub(super) struct Volume {
    pub disk: Disk,
    /// Name of the device that is mounted.
    pub mounted: String,
    /// Its size at the start.
    pub bytes: u64,
    content: Content,
    /// The path of that device.
    node: String,
    at: PathBuf,
}

impl Volume {
    /// Makes it on an empty disk, and mounts it.
    pub(super) fn make(stage: &Stage, disk: Disk, content: Content) -> Result<Self> {
        let node = match content {
            Content::Ext4 | Content::Xfs | Content::ReadOnly => disk.node.clone(),
            Content::Partition => partition(&disk)?,
            Content::Lvm => lvm(&disk)?,
            Content::Luks => luks(&disk)?,
        };
        if content == Content::Xfs {
            stage.mkfs_xfs(&node)?;
        } else {
            let lazy = "lazy_itable_init=1,lazy_journal_init=1";
            tool::ok(&["mkfs.ext4", "-q", "-b", "4096", "-E", lazy, &node])?;
        }
        let at = stage.mount(&disk.name, &node)?;
        if content == Content::ReadOnly {
            tool::ok(&["mount", "-o", "remount,ro", &at.to_string_lossy()])?;
        }
        let mounted = kernel_name(&node)?;
        let sectors = fs::read_to_string(format!("/sys/class/block/{mounted}/size"))?;
        Ok(Self {
            bytes: sectors.trim().parse::<u64>()? * 512,
            mounted,
            disk,
            content,
            node,
            at,
        })
    }

    /// Runs the tool that resizes the file system, whatever comes of it.
    pub(super) fn resize(&self) -> Result<tool::Done> {
        let at = self.at.to_string_lossy();
        match self.content {
            Content::Xfs => tool::run(&["xfs_growfs", "-d", &at]),
            _ => tool::run(&["resize2fs", &self.node]),
        }
    }
}

/// The kernel's name of the device behind a node; nodes of mappings are no links
/// where there is no udev.
fn kernel_name(node: &str) -> Result<String> {
    let number = fs::metadata(node)?.rdev();
    let (major, minor) = (libc::major(number), libc::minor(number));
    let device = fs::canonicalize(format!("/sys/dev/block/{major}:{minor}"))?;
    let name = device.file_name().context("a device without a name")?;
    Ok(name.to_string_lossy().into_owned())
}

/// One partition, up to the end.
fn partition(disk: &Disk) -> Result<String> {
    let line = format!("printf 'label: gpt\\n2048,,\\n' | sfdisk -q {}", disk.node);
    tool::shell(&line)?;
    Ok(format!("{}1", disk.node))
}

/// A logical volume of all of it.
fn lvm(disk: &Disk) -> Result<String> {
    tool::ok(&["modprobe", "dm_mod"])?;
    let lvm = |words: &[&str]| tool::ok(&[&["lvm"], words, &["--config", LVM]].concat());
    lvm(&["pvcreate", "-q", &disk.node])?;
    lvm(&["vgcreate", "-q", "data", &disk.node])?;
    lvm(&[
        "lvcreate", "-q", "-y", "-Zn", "-Wn", "-l", "100%FREE", "-n", "volume", "data",
    ])?;
    tool::ok(&["dmsetup", "mknodes"])?;
    Ok("/dev/mapper/data-volume".to_owned())
}

/// A LUKS mapping.
fn luks(disk: &Disk) -> Result<String> {
    tool::ok(&["modprobe", "dm_crypt"])?;
    let format =
        "cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000";
    let open = "cryptsetup open --key-file key";
    tool::shell(&format!(
        "export DM_DISABLE_UDEV=1; echo secret > key; mkdir -p /run/cryptsetup; \
         {format} {0} key; {open} {0} secret; dmsetup mknodes",
        disk.node
    ))?;
    Ok("/dev/mapper/secret".to_owned())
}
