//! The volume that did not grow, as `cargo xtask demo` plays it.

use std::{path::Path, thread::sleep, time::Duration};

use anyhow::{Result, bail};

use super::{hypervisor, recorder::Recording, tool};

/// Plays it on the empty disk `vdb` of 1 GiB; records to the file named.
pub(super) fn run(args: &[String]) -> Result<()> {
    let [file] = args else {
        bail!("usage: demo FILE")
    };
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
