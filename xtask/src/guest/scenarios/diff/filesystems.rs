//! The same on other file systems.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{
    blames, diff,
    scene::{COMPARED, FILES, GIB, Scene, by, cp, go},
};
use crate::guest::{stage::Stage, tool};

/// xfs: where it shares blocks, a copy is a clone, whatever the read-ahead;
/// told not to, or without that feature, read-ahead decides.
pub(in super::super) fn xfs(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let at = stage.xfs(&disk)?;
    let file = |name: &str| stage.dir.join(format!("{name}.vprec"));
    let scene = Scene::with_files(disk, at)?;
    let to = scene.from.join("to");
    for (kb, files) in COMPARED {
        scene.set_read_ahead(kb)?;
        scene.record(&file(&format!("read-{kb}")), files, &to, read)?;
    }
    scene.record(&file("cloned"), FILES, &to, go)?;
    let name = scene.disk.name.clone();
    blames(&file("read-4096"), &file("read-128"), &name, [4096, 128]).context("with reflink")?;

    let at = scene.from.to_string_lossy();
    tool::ok(&["umount", &at])?;
    tool::ok(&["mkfs.xfs", "-q", "-f", "-m", "reflink=0", &scene.disk.node])?;
    let at = stage.mount(&name, &scene.disk.node)?;
    let scene = Scene::with_files(scene.disk, at)?;
    for (kb, files) in COMPARED {
        scene.set_read_ahead(kb)?;
        scene.record(&file(&format!("copied-{kb}")), files, &to, cp)?;
    }
    blames(
        &file("copied-4096"),
        &file("copied-128"),
        &name,
        [4096, 128],
    )
    .context("without reflink")?;
    // The same program, where the file system no longer shares blocks.
    let copied = diff(&file("cloned"), &file("copied-128"))?;
    let notes = copied["copy"].as_array().into_iter().flatten();
    let mut notes = notes.filter_map(|row| row["note"].as_str());
    ensure!(
        copied["verdict"] == "regressed"
            && copied["cause"].is_null()
            && notes.any(|note| note == "went by clone before, by splice after"),
        "{} {}",
        copied["summary"],
        copied["copy"]
    );
    Ok(())
}

/// Plain reads, though the file system could clone.
fn read(from: &Path, to: &Path) -> Result<()> {
    by(&["cp", "--reflink=never"], from, to)
}

/// An overlay over ext4: what is read is the disk beneath.
pub(in super::super) fn overlay(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    let base = at.display();
    tool::shell(&format!("cd {base}; mkdir lower upper work /mnt/merged"))?;
    let mut scene = Scene::with_files(disk, at.join("lower"))?;
    tool::shell(&format!(
        "mount -t overlay overlay \
         -o lowerdir={base}/lower,upperdir={base}/upper,workdir={base}/work /mnt/merged"
    ))?;
    scene.from = "/mnt/merged".into();
    let file = |kb: u64| stage.dir.join(format!("overlay-{kb}.vprec"));
    let to = scene.from.join("to");
    for (kb, files) in COMPARED {
        scene.set_read_ahead(kb)?;
        scene.record(&file(kb), files, &to, cp)?;
    }
    let diff = blames(&file(4096), &file(128), &scene.disk.name, [4096, 128])?;
    let copies: Vec<&Value> = diff["copy"].as_array().into_iter().flatten().collect();
    ensure!(
        copies
            .iter()
            .any(|row| row["key"]["via"] == "overlay" && row["key"]["src"] == scene.disk.name),
        "{copies:?}"
    );
    Ok(())
}
