//! Where absence may not be claimed: the recorder came late, was blind, or lost
//! what happened.

use std::{thread::sleep, time::Duration};

use anyhow::{Result, ensure};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{APART, GIB};
use crate::guest::{
    correlation::{Correlation, absences, layer},
    outside::{Answer, Outside},
    recorder::Recording,
    report::has,
    stage::{Disk, Stage},
    tool,
};

/// The recording began when all was over. That the file system is too small is
/// seen; that nobody resized it is not known, nor when the disk grew.
pub(in crate::guest::scenarios) fn late(stage: &mut Stage) -> Result<()> {
    let (grew, kept) = (stage.disk(GIB)?, stage.disk(GIB)?);
    stage.ext4(&grew)?;
    stage.ext4(&kept)?;
    let folder = stage.dir.join("outside");
    let mut outside = Outside::new(&folder);
    for (claim, id) in [
        ("grew", grew.id()?),
        ("kept", kept.id()?),
        ("elsewhere", "d-bp1example0elsewhere".to_owned()),
    ] {
        outside.claim(claim, &id, 1)?;
        outside.request(claim, 2)?;
        outside.call(&id, 2, Answer::Accepted)?;
    }
    sleep(APART);
    tool::ok(&["resize2fs", &grew.node])?;
    outside.kubelet_succeeds("grew")?;
    grew.grow(2 * GIB)?;
    sleep(APART);
    let recording = Recording::start(stage, &[])?;
    sleep(Duration::from_secs(2));
    recording.stop_only()?;
    let correlation = Correlation::of(&stage.dir.join("recording.vprec"), &folder)?;

    let row = correlation.of_claim("grew")?;
    verdict(row, "resize/fs-not-grown", "likely")?;
    has(
        layer(row, "capacity")?,
        &[
            ("state", json!("done")),
            ("time", Value::Null),
            ("to_bytes", json!(2 * GIB)),
        ],
    )?;
    let filesystem = layer(row, "filesystem")?;
    has(
        filesystem,
        &[("state", json!("missing")), ("to_bytes", json!(GIB))],
    )?;
    says_nothing_of_resizes(&correlation, row)?;
    // Long enough after the call it was not watched.
    let row = correlation.of_claim("kept")?;
    verdict(row, "resize/unknown", "possible")?;
    // And of a disk that is on another node nothing is known.
    let row = correlation.of_claim("elsewhere")?;
    verdict(row, "resize/unknown", "possible")?;
    for name in ["capacity", "partition", "mapping", "filesystem"] {
        has(layer(row, name)?, &[("state", json!("unknown"))])?;
    }
    let missing = row["missing"].to_string();
    ensure!(missing.contains("--disk"), "what is missing: {missing}");
    Ok(())
}

/// The probes that would have seen it were not chosen: sizes were read all the
/// same, and they alone are what is said.
pub(in crate::guest::scenarios) fn blind(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    stage.ext4(&disk)?;
    for (probes, size) in [("exec,capacity", 2), ("copy", 3)] {
        let file = stage.dir.join("recording.vprec");
        let _ = std::fs::remove_file(&file);
        let recording = Recording::start(stage, &["--probe", probes])?;
        let folder = stage.dir.join(probes);
        told_too_early(&disk, &folder, size)?;
        recording.stop_only()?;
        let correlation = Correlation::of(&file, &folder)?;
        let row = correlation.of_claim("claim")?;
        if probes == "copy" {
            // Nobody saw a tool: its part in this is not known.
            verdict(row, "resize/unknown", "possible")?;
        } else {
            verdict(row, "resize/no-op-before-capacity", "likely")?;
        }
        by_state_alone(&correlation, row)?;
    }
    Ok(())
}

/// Volprobe could not keep up: what was lost is not said to be absent.
pub(in crate::guest::scenarios) fn lossy(stage: &mut Stage) -> Result<()> {
    /// Each is two records of the ring buffer.
    const CALLS: u64 = 10_000;
    let (disk, flood) = (stage.disk(GIB)?, stage.disk(GIB)?);
    stage.ext4(&disk)?;
    let at = stage.ext4(&flood)?;
    tool::ok(&["mount", "-o", "remount,ro", &at.to_string_lossy()])?;
    let folder = stage.dir.join("outside");
    let recording = Recording::start(stage, &[])?;
    recording.signal(Signal::STOP)?;
    for _ in 0..CALLS {
        super::super::resize::resize_call(&at, 2 * GIB)?;
    }
    told_too_early(&disk, &folder, 2)?;
    recording.signal(Signal::CONT)?;
    sleep(Duration::from_secs(3));
    recording.stop_only()?;
    let correlation = Correlation::of(&stage.dir.join("recording.vprec"), &folder)?;
    let lost = correlation.0["completeness"]["lost"].to_string();
    ensure!(lost.contains("ring/"), "nothing was lost: {lost}");
    let row = correlation.of_claim("claim")?;
    verdict(row, "resize/unknown", "possible")?;
    by_state_alone(&correlation, row)
}

/// The claim is enlarged, the tool runs, and then the disk grows.
fn told_too_early(disk: &Disk, folder: &std::path::Path, gib: u64) -> Result<()> {
    let mut outside = Outside::new(folder);
    outside.claim("claim", &disk.id()?, gib - 1)?;
    outside.request("claim", gib)?;
    outside.call(&disk.id()?, gib, Answer::Accepted)?;
    sleep(APART + Duration::from_secs(1));
    tool::ok(&["resize2fs", &disk.node])?;
    outside.kubelet_succeeds("claim")?;
    sleep(Duration::from_secs(1));
    disk.grow(gib * GIB)?;
    sleep(Duration::from_secs(1));
    Ok(())
}

fn verdict(row: &Value, rule: &str, confidence: &str) -> Result<()> {
    has(
        row,
        &[("verdict", json!(rule)), ("confidence", json!(confidence))],
    )
}

/// Nothing is claimed on the word of a probe that could not see it.
fn by_state_alone(correlation: &Correlation, row: &Value) -> Result<()> {
    let finding = correlation.finding(row)?;
    let layers = row["layers"].as_array().into_iter().flatten();
    for absence in layers.chain([finding]).flat_map(absences) {
        let what = absence["what"].as_str().unwrap_or_default();
        ensure!(
            !what.starts_with("resize of") || absence["basis"] == "state",
            "claimed by events: {absence}"
        );
    }
    Ok(())
}

/// Before the recording somebody may have resized it.
fn says_nothing_of_resizes(correlation: &Correlation, row: &Value) -> Result<()> {
    let claimed = absences(correlation.finding(row)?);
    ensure!(claimed.is_empty(), "claimed: {claimed:?}");
    let text = row["summary"].to_string() + &layer(row, "filesystem")?["what"].to_string();
    ensure!(!text.contains("nobody"), "claimed: {text}");
    Ok(())
}
