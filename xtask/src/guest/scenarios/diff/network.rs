//! A network mount behind a slow link.

use anyhow::{Result, ensure};

use super::{blames, diff, scene::GIB};
use crate::guest::{
    nfs,
    slow_copy::{AFTER_KB, BEFORE_KB, SlowCopy},
    stage::Stage,
};

/// The incident: Go's `io.Copy` from NFS to a disk. The copies only return
/// EXDEV; what became slower are the reads, and the cause is the mount's
/// read-ahead.
pub(in super::super) fn slow_copy_on_nfs(stage: &mut Stage) -> Result<()> {
    let (served, local) = (stage.disk(GIB)?, stage.disk(GIB)?);
    let (served, to) = (stage.ext4(&served)?, stage.ext4(&local)?);
    let scene = SlowCopy::prepare(&served, &to, "4.2")?;
    let file = |name: &str| stage.dir.join(name);
    let (before, after, again) = (
        file("before.vprec"),
        file("after.vprec"),
        file("again.vprec"),
    );
    scene.record(&before, BEFORE_KB)?;
    scene.record(&after, AFTER_KB)?;
    scene.record(&again, AFTER_KB)?;
    nfs::delay(0)?;
    blames(&before, &after, nfs::NAME, [BEFORE_KB, AFTER_KB])?;
    let equal = diff(&after, &again)?;
    let calm = matches!(equal["verdict"].as_str(), Some("same" | "unclear"));
    ensure!(calm && equal["cause"].is_null(), "{}", equal["summary"]);
    // The server's two threads share the reads of its disk: which of them goes on
    // from which window is chance. Of the mount there is no doubt.
    let rows = equal["readahead"].as_array().into_iter().flatten();
    let mut of_mount = rows.filter(|row| row["key"]["device"] == nfs::NAME);
    ensure!(
        of_mount.next().is_some_and(|row| row["verdict"] == "same"),
        "{}",
        equal["readahead"]
    );
    Ok(())
}

/// From the mount to itself, by a version of the protocol in which a server
/// does not copy: the client reads and writes.
pub(in super::super) fn nfs_to_nfs(stage: &mut Stage) -> Result<()> {
    let served = stage.disk(GIB)?;
    let served = stage.ext4(&served)?;
    let scene = SlowCopy::prepare(&served, nfs::MOUNT.as_ref(), "4.1")?;
    let file = |name: &str| stage.dir.join(name);
    let (before, after) = (file("before.vprec"), file("after.vprec"));
    scene.record(&before, BEFORE_KB)?;
    scene.record(&after, AFTER_KB)?;
    nfs::delay(0)?;
    blames(&before, &after, nfs::NAME, [BEFORE_KB, AFTER_KB]).map(drop)
}
