//! The copy that became slow.

use std::path::Path;

use anyhow::Result;

use crate::guest::{
    slow_copy::{AFTER_KB, BEFORE_KB, SlowCopy},
    tool,
};

/// Plays it: copies from a network mount served from `vdb` to `vdc`, disks of
/// 1 GiB.
pub(super) fn play(folder: &Path) -> Result<()> {
    tool::shell(
        "mkfs.ext4 -q /dev/vdb; mkfs.ext4 -q /dev/vdc; mkdir -p /mnt/served /mnt/local; \
         mount /dev/vdb /mnt/served; mount /dev/vdc /mnt/local",
    )?;
    let scene = SlowCopy::prepare(Path::new("/mnt/served"), Path::new("/mnt/local"), "4.2")?;
    println!("# before the upgrade: the mount's read-ahead is 15 times rsize");
    scene.record(&folder.join("before.vprec"), BEFORE_KB)?;
    println!("# after it: the kernel's default is 128 KiB");
    scene.record(&folder.join("after.vprec"), AFTER_KB)
}
