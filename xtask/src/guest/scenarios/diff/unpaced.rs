//! Read-ahead cut where it does nothing: for reads that are cached, and for reads
//! at random.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{
    blames_nothing, diff_within, read_ahead,
    scene::{FILE_BYTES, GIB, IOPS, Scene, rust},
};
use crate::guest::{hypervisor, recorder::Recording, stage::Stage, tool};

/// The same, and the cut is listed without effect.
pub(in super::super) fn unpaced(stage: &mut Stage) -> Result<()> {
    let scene = Scene::on_ext4(stage)?;
    let other = stage.disk(GIB)?;
    let other = stage.ext4(&other)?;
    let file = |name: &str, kb: u64| stage.dir.join(format!("{name}-{kb}.vprec"));
    for kb in [4096, 128] {
        scene.set_read_ahead(kb)?;
        scene.throttle(0)?;
        cached(&scene, &other, &file("cached", kb))?;
        scene.throttle(IOPS)?;
        random(&scene, &file("random", kb))?;
    }
    hypervisor::ask(&format!("iops {} 0", scene.disk.name))?;
    for name in ["cached", "random"] {
        // The times of a job that starts by the clock are as good as the host lets.
        let cut = diff_within("1.25", &file(name, 4096), &file(name, 128))?;
        blames_nothing(&cut, "same").context(name)?;
        let (effect, _) = read_ahead(&cut)?;
        ensure!(effect == "none seen", "{name}: {}", cut["config"]);
    }
    Ok(())
}

/// A job that copies a cached file to another file system every so often: the
/// kernel refuses, and it reads and writes.
fn cached(scene: &Scene, other: &Path, file: &Path) -> Result<()> {
    const EVERY: Duration = Duration::from_millis(500);
    let from = scene.from.join("small");
    std::fs::write(&from, vec![7; 64 << 10])?;
    tool::ok(&["sync"])?;
    let recording = Recording::start_into(file, &["--flush", "100ms"])?;
    let started = Instant::now();
    for i in 0..30 {
        sleep((EVERY * i).saturating_sub(started.elapsed()));
        rust(&from, &other.join("to"))?;
    }
    recording.stop_only()
}

/// Reads of a page each, all over the files, as fast as the disk lets.
fn random(scene: &Scene, file: &Path) -> Result<()> {
    const READS: u64 = 400;
    let recording = Recording::start_into(file, &["--flush", "250ms"])?;
    let files: Vec<File> = (0..4)
        .map(|i| File::open(scene.from.join(i.to_string())))
        .collect::<Result<_, _>>()?;
    let mut page = [0; 4096];
    for i in 0..READS {
        // A walk over all pages of a file, no two of them near each other.
        let at = (i * 1597 % (FILE_BYTES >> 12)) << 12;
        files[i as usize % files.len()].read_exact_at(&mut page, at)?;
    }
    recording.stop_only()
}
