//! xfs is a module: it may come late, go, and come back, and takes every probe
//! in it along when it goes.

use std::path::Path;

use anyhow::{Result, ensure};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::guest::{
    recorder::Recording,
    report::{Report, has, only},
    stage::{Disk, Stage},
    tool, wait_until,
};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// xfs is loaded after the recording began.
pub(super) fn loaded_late(stage: &mut Stage) -> Result<()> {
    unload_xfs()?;
    let disk = stage.disk(512 * MIB)?;
    let recording = Recording::start(stage, &[])?;
    let at = stage.xfs(&disk)?;
    settle();
    disk.grow(GIB)?;
    tool::ok(&["xfs_growfs", &at.to_string_lossy()])?;
    let report = recording.stop()?;
    one_xfs_resize(&report, &disk, 512 * MIB, GIB)
}

/// xfs is unloaded, which silently kills its probes, and loaded again.
pub(super) fn reloaded(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(512 * MIB)?;
    let at = stage.xfs(&disk)?;
    let recording = Recording::start(stage, &[])?;
    tool::ok(&["umount", &at.to_string_lossy()])?;
    unload_xfs()?;
    settle();
    // Mounted while nobody can attach anything: a gap, however fast the machine.
    recording.signal(Signal::STOP)?;
    stage.mount(&disk.name, &disk.node)?;
    recording.signal(Signal::CONT)?;
    settle();
    disk.grow(GIB)?;
    tool::ok(&["xfs_growfs", &at.to_string_lossy()])?;
    let report = recording.stop()?;
    one_xfs_resize(&report, &disk, 512 * MIB, GIB)?;
    let gaps = &report.0["completeness"]["gaps"];
    ensure!(
        gaps.as_array().is_some_and(|gaps| !gaps.is_empty()),
        "the time without xfs is no gap: {}",
        report.0["completeness"]
    );
    Ok(())
}

/// Gives volprobe the time it promises to need for noticing a module.
fn settle() {
    std::thread::sleep(std::time::Duration::from_secs(3));
}

fn one_xfs_resize(report: &Report, disk: &Disk, from: u64, to: u64) -> Result<()> {
    has(
        only(&report.events_on("fs.resize", &disk.name)?, "resize")?,
        &[
            ("detail.fs", json!("xfs")),
            ("detail.from_bytes", json!(from)),
            ("detail.to_bytes", json!(to)),
            ("detail.error", Value::Null),
        ],
    )
}

fn unload_xfs() -> Result<()> {
    if Path::new("/sys/module/xfs").exists() {
        wait_until("xfs is unloaded", || {
            Ok(tool::run(&["rmmod", "xfs"])?.code == Some(0))
        })?;
    }
    Ok(())
}
