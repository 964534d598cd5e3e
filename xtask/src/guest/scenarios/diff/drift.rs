//! The drift itself: the same workload with what each kernel takes for a default.

use anyhow::{Result, ensure};

use super::scene::{FILES, Scene, dd};
use crate::guest::stage::Stage;

/// The recording that the host compares with that of another kernel.
pub const FILE: &str = "/tmp/stage/drift.vprec";

/// A kernel, and what it gives to a plain virtio disk, KiB.
pub const BEFORE: (&str, u64) = ("6.12", 128);
/// A newer one.
pub const AFTER: (&str, u64) = ("7.3", 8192);

/// Records a reader of a throttled disk; nobody sets its read-ahead.
pub(in super::super) fn kernels_default(stage: &mut Stage) -> Result<()> {
    let scene = Scene::on_ext4(stage)?;
    let path = format!("/sys/block/{}/queue/read_ahead_kb", scene.disk.name);
    let kb: u64 = std::fs::read_to_string(path)?.trim().parse()?;
    let known = [BEFORE, AFTER].into_iter();
    let known = known.filter(|(series, _)| stage.is_series(series));
    ensure!(
        known.map(|(_, default)| default).eq([kb]),
        "the default of {} is {kb} KiB",
        stage.release
    );
    scene.record(FILE.as_ref(), FILES, &stage.dir.join("to"), dd)?;
    Ok(())
}
