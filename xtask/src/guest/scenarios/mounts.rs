//! Mounts that come, cannot go, and go.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::guest::{recorder::Recording, report::has, stage::Stage, tool};

const GIB: u64 = 1 << 30;

/// A file system is mounted, its unmounting refused while a file is open, and
/// then done.
pub(super) fn come_and_go(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    tool::ok(&["mkfs.ext4", "-q", &disk.node])?;
    let recording = Recording::start(stage, &[])?;
    let at = stage.mount(&disk.name, &disk.node)?;
    // The kernel tells of the mount before its place is decided: that is seen by
    // a look at the mount table, which this brings about.
    std::thread::sleep(Duration::from_secs(1));
    let open = std::fs::File::create(at.join("open"))?;
    let point = at.to_string_lossy();
    let refused = tool::run(&["umount", &point])?;
    ensure!(refused.code != Some(0), "a busy file system was unmounted");
    drop(open);
    tool::ok(&["umount", &point])?;
    let report = recording.stop()?;
    report.complete()?;
    let entries: Vec<&Value> = report
        .rows("timeline")?
        .iter()
        .filter(|row| row["device"] == disk.name)
        .filter(|row| {
            row["kind"]
                .as_str()
                .is_some_and(|kind| kind.starts_with("mount."))
        })
        .collect();
    let kinds: Vec<&Value> = entries.iter().map(|row| &row["kind"]).collect();
    ensure!(
        kinds == ["mount.add", "mount.umount_failed", "mount.remove"],
        "{entries:?}"
    );
    for entry in &entries {
        has(
            entry,
            &[
                ("detail.fs", json!("ext4")),
                ("detail.mount_point", json!(point)),
            ],
        )?;
    }
    has(entries[0], &[("comm", json!("mount"))])?;
    has(
        entries[1],
        &[("comm", json!("umount")), ("detail.error", json!("EBUSY"))],
    )?;
    has(entries[2], &[("comm", json!("umount"))])
}
