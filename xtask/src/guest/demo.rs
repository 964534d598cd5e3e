//! What `cargo xtask demo` plays: the volume that did not grow, and the copy
//! that became slow.

use std::{path::Path, thread::sleep, time::Duration};

use anyhow::{Result, bail};

use super::{
    hypervisor,
    recorder::Recording,
    slow_copy::{AFTER_KB, BEFORE_KB, SlowCopy},
    tool,
};

/// Plays one of them on empty disks of 1 GiB, and records to the files named.
pub(super) fn run(args: &[String]) -> Result<()> {
    match args {
        [file] => not_grown(file),
        [before, after] => slow_copy(before, after),
        _ => bail!("usage: demo FILE | demo BEFORE AFTER"),
    }
}

/// The copy that became slow: from a network mount served from `vdb` to `vdc`.
fn slow_copy(before: &str, after: &str) -> Result<()> {
    tool::shell(
        "mkfs.ext4 -q /dev/vdb; mkfs.ext4 -q /dev/vdc; mkdir -p /mnt/served /mnt/local; \
         mount /dev/vdb /mnt/served; mount /dev/vdc /mnt/local",
    )?;
    let scene = SlowCopy::prepare(Path::new("/mnt/served"), Path::new("/mnt/local"))?;
    println!("# before the upgrade: the mount's read-ahead is 15 times rsize");
    scene.record(Path::new(before), BEFORE_KB)?;
    println!("# after it: the kernel's default is 128 KiB");
    scene.record(Path::new(after), AFTER_KB)
}

/// The volume that did not grow: `vdb`.
fn not_grown(file: &str) -> Result<()> {
    tool::shell(
        "mkfs.ext4 -q /dev/vdb; mkdir -p /mnt/data; mount /dev/vdb /mnt/data; \
         dd if=/dev/zero of=/mnt/data/work bs=1M count=16 2>&1; sync; \
         echo 3 > /proc/sys/vm/drop_caches",
    )?;
    let recording = Recording::start_into(Path::new(file), &[])?;
    sleep(Duration::from_secs(1));
    println!("# the operator thinks that the disk has grown, and resizes");
    tool::ok(&["resize2fs", "/dev/vdb"])?;
    println!("# it exits with 0; now the disk does grow, 3 s too late");
    sleep(Duration::from_secs(3));
    hypervisor::ask("grow vdb 2G")?;
    println!("# and nobody comes back");
    tool::ok(&["cp", "/mnt/data/work", "/mnt/data/more"])?;
    sleep(Duration::from_secs(2));
    tool::ok(&["df", "-h", "/mnt/data"])?;
    recording.stop_only()
}
