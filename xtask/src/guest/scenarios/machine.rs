//! The test machine itself: a test that finds it broken would prove nothing.

use anyhow::{Result, ensure};

use crate::guest::{stage::Stage, tool};

const GIB: u64 = 1 << 30;

/// Disks grow live, come back empty, and the kernel has BTF.
pub(super) fn is_what_it_should_be(stage: &mut Stage) -> Result<()> {
    ensure!(
        std::path::Path::new("/sys/kernel/btf/vmlinux").exists(),
        "the kernel has no BTF"
    );
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    disk.grow(GIB + GIB / 2)?;
    let said = tool::ok(&["resize2fs", &disk.node])?;
    ensure!(
        said.contains("393216 (4k) blocks"),
        "resize2fs said {said:?}"
    );
    ensure!(at.join("lost+found").is_dir(), "the ext4 is not mounted");
    Ok(())
}
