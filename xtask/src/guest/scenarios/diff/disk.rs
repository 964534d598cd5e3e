//! Read-ahead of a throttled disk: the cause where it is one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{
    blames, blames_nothing, diff, diff_within, read_ahead,
    scene::{COMPARED, Copier, FILES, GIB, IOPS, Scene, cp, dd, go, rust, sendfile},
};
use crate::guest::{hypervisor, report::Report, stage::Stage, tool};

/// Whatever the program, read-ahead of the throttled disk is named as the
/// cause, in either direction and with the ratio that the program itself saw:
/// within the disk, to another one, to memory.
pub(in super::super) fn read_ahead_of_a_disk(stage: &mut Stage) -> Result<()> {
    let scene = Scene::on_ext4(stage)?;
    let other = stage.disk(GIB)?;
    let other = stage.ext4(&other)?;
    let within = scene.from.join("to");
    let copiers: [(&str, Copier, PathBuf); 5] = [
        ("cp", cp, within.clone()),
        ("go", go, other.join("to")),
        ("rust", rust, within),
        ("sendfile", sendfile, other.join("to")),
        ("dd", dd, stage.dir.join("to")),
    ];
    for (name, copier, to) in copiers {
        let file = |kb: u64| stage.dir.join(format!("{name}-{kb}.vprec"));
        let mut seconds = Vec::new();
        for (kb, files) in COMPARED {
            scene.set_read_ahead(kb)?;
            let all = scene.record(&file(kb), files, &to, copier)?;
            seconds.push(all / f64::from(files));
        }
        let diff = blames(&file(4096), &file(128), &scene.disk.name, [4096, 128])?;
        let truth = seconds[1] / seconds[0];
        ratio_is_right(&diff, &scene.disk.name, truth).with_context(|| name.to_owned())?;
    }
    Ok(())
}

/// The reads of the disk became slower by what the program saw, within a factor of
/// two beside the interval: its own start and end are in what it saw.
fn ratio_is_right(diff: &Value, device: &str, truth: f64) -> Result<()> {
    let rows = diff["readahead"].as_array().into_iter().flatten();
    let mut rows = rows.filter(|row| row["key"]["device"] == device && row["minor"] == false);
    let pace = &rows.next().context("no reads")?["pace_ns_per_mib"];
    let number = |name: &str| pace[name].as_f64().context("no pace");
    let range = number("low")? / 2.0..=number("high")? * 2.0;
    ensure!(range.contains(&truth), "the program: × {truth:.2}; {pace}");
    Ok(())
}

/// What is not the doing of read-ahead, or not of it alone, is not blamed on it.
pub(in super::super) fn not_the_read_ahead(stage: &mut Stage) -> Result<()> {
    let scene = Scene::on_ext4(stage)?;
    let (to, memory) = (scene.from.join("to"), stage.dir.join("to"));
    let file = |name: &str| stage.dir.join(format!("{name}.vprec"));
    scene.set_read_ahead(128)?;
    scene.record(&file("once"), 1, &memory, dd)?;
    scene.record(&file("again"), 1, &memory, dd)?;
    // A machine that is emulated beside others is not as steady as 1.10 asks for.
    let equal = diff_within("1.25", &file("once"), &file("again"))?;
    blames_nothing(&equal, "same").context("two equal runs")?;

    scene.throttle(IOPS / 3)?;
    scene.record_as_is(&file("slow"), 1, &memory, dd, |_| Ok(()))?;
    let slower = diff(&file("once"), &file("slow"))?;
    blames_nothing(&slower, "regressed").context("a slower disk")?;

    scene.set_read_ahead(4096)?;
    scene.record(&file("large"), FILES, &to, cp)?;
    changed_midway(&scene, &file("large"), &file("midway"), &to)?;

    // Cut to a window that takes longer than a large one did.
    scene.set_read_ahead(128)?;
    scene.throttle(3)?;
    scene.record_as_is(&file("both"), 1, &memory, a_part, |_| Ok(()))?;
    let both = diff(&file("large"), &file("both"))?;
    blames_nothing(&both, "regressed").context("a slower disk and a cut")?;
    let (effect, why) = read_ahead(&both)?;
    ensure!(
        effect == "unknown" && why.contains("slower too"),
        "{effect}: {why}"
    );
    hypervisor::ask(&format!("iops {} 0", scene.disk.name)).map(drop)
}

/// Four MiB of the file: at three requests a second all of it would take minutes.
fn a_part(from: &Path, to: &Path) -> Result<()> {
    let (from, to) = (from.display(), to.display());
    tool::shell(&format!("dd if={from} of={to} bs=64k count=64 2>&1")).map(drop)
}

/// Set twice while recording, by sysfs and by a tool: both writers are named, and
/// the recording is no side whose read-ahead is known.
fn changed_midway(scene: &Scene, before: &Path, file: &Path, to: &Path) -> Result<()> {
    let (name, node) = (&scene.disk.name, &scene.disk.node);
    let change = |i| match i {
        1 => tool::shell(&format!("echo 256 > /sys/block/{name}/queue/read_ahead_kb")).map(drop),
        2 => tool::ok(&["blockdev", "--setra", "256", node]).map(drop),
        _ => Ok(()),
    };
    scene.throttle(IOPS)?;
    scene.record_as_is(file, FILES, to, cp, change)?;
    let report = Report::of(file)?;
    let found = report.rows("findings")?.iter().find(|finding| {
        finding["rule"] == "readahead/changed-during-recording" && finding["device"] == **name
    });
    let summary = found.and_then(|finding| finding["summary"].as_str());
    let summary = summary.context("no readahead/changed-during-recording")?;
    ensure!(
        summary.contains("4096 → 256 → 128") && summary.contains("blockdev"),
        "{summary}"
    );
    let writers: Vec<&Value> = report
        .events_on("config.read_ahead_kb", name)?
        .iter()
        .map(|event| &event["comm"])
        .collect();
    ensure!(writers == ["sh", "blockdev"], "{writers:?}");
    let midway = diff(before, file)?;
    ensure!(midway["cause"].is_null(), "{}", midway["summary"]);
    let (effect, why) = read_ahead(&midway)?;
    ensure!(
        effect == "unknown" && why.contains("changed during a recording"),
        "{effect}: {why}"
    );
    Ok(())
}
