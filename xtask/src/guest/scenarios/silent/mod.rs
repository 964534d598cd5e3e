//! Volumes that do not grow, and nobody says so: with real tools, disks that the
//! hypervisor grows while they are in use, and what the cloud and Kubernetes
//! would have written down.

mod plot;
mod unproven;
mod volume;

use std::{thread::sleep, time::Duration};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use crate::guest::{
    correlation::{Correlation, absences, layer},
    outside::{Answer, Outside},
    recorder::Recording,
    stage::{Disk, Stage},
};
use plot::{Call, PLOTS, Plot, Size, Step};
use volume::Volume;

pub(super) use unproven::{blind, late, lossy};

const GIB: u64 = 1 << 30;

/// Between what must be in order on two clocks: an API's time is cut to seconds,
/// and a fresh machine's clock counts as good to one.
const APART: Duration = Duration::from_millis(2500);
/// So long must a recording go on before absence means anything.
const PATIENCE: Duration = Duration::from_millis(31_500);

/// All plots, in one recording.
pub(super) fn failures(stage: &mut Stage) -> Result<()> {
    let other = stage.disk(GIB)?;
    let mut volumes = Vec::new();
    for plot in PLOTS {
        let disk = stage.disk(GIB)?;
        volumes.push((plot, Volume::make(stage, disk, plot.content)?));
    }
    let folder = stage.dir.join("outside");
    let mut outside = Outside::new(&folder);
    for (plot, volume) in &volumes {
        outside.claim(plot.claim, &volume.disk.id()?, 1)?;
    }
    let recording = Recording::start(stage, &[])?;
    sleep(APART);
    for (plot, _) in &volumes {
        outside.request(plot.claim, plot.wanted)?;
    }
    sleep(Duration::from_secs(1));
    for (plot, volume) in &volumes {
        match plot.call {
            Call::Own(answer) => outside.call(&volume.disk.id()?, plot.wanted, answer)?,
            Call::Other => {
                outside.call(&other.id()?, plot.wanted, Answer::Accepted)?;
            }
            Call::None => {}
        }
    }
    sleep(APART);
    play(&volumes, &other, &mut outside)?;
    sleep(PATIENCE);
    let file = stage.dir.join("recording.vprec");
    recording.stop_only()?;
    let correlation = Correlation::of(&file, &folder)?;
    let mut wrong = Vec::new();
    for (plot, volume) in &volumes {
        if let Err(error) = judged(&correlation, plot, volume) {
            wrong.push(format!("{}: {error:#}", plot.claim));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(())
}

/// What happens on the node.
fn play(volumes: &[(&Plot, Volume)], other: &Disk, outside: &mut Outside) -> Result<()> {
    for (plot, volume) in volumes {
        println!("# {}", plot.claim);
        for step in plot.node {
            match step {
                Step::Tool => drop(volume.resize()?),
                Step::Growth => volume.disk.grow(plot.wanted * GIB)?,
                Step::Success => outside.kubelet_succeeds(plot.claim)?,
            }
        }
        if plot.call == Call::Other {
            other.grow(plot.wanted * GIB)?;
        }
    }
    Ok(())
}

/// Whether the verdict on a plot is right, with its layers and their sizes.
fn judged(correlation: &Correlation, plot: &Plot, volume: &Volume) -> Result<()> {
    let row = correlation.of_claim(plot.claim)?;
    let mut wrong = Vec::new();
    let mut same = |what: &str, found: &Value, expected: Value| {
        if *found != expected {
            wrong.push(format!("{what} is {found}, not {expected}"));
        }
    };
    same("verdict", &row["verdict"], json!(plot.verdict));
    same("confidence", &row["confidence"], json!(plot.confidence));
    same("disk", &row["disk_id"], json!(volume.disk.id()?));
    same("device", &row["device"], json!(volume.mounted));
    for (name, state, from, to) in plot.layers {
        let layer = layer(row, name)?;
        same(name, &layer["state"], json!(state));
        for (member, size) in [("from_bytes", from), ("to_bytes", to)] {
            same(
                &format!("{name} {member}"),
                &layer[member],
                bytes(*size, volume),
            );
        }
    }
    ensure!(
        wrong.is_empty(),
        "{} (summary: {}; missing: {})",
        wrong.join("; "),
        row["summary"],
        row["missing"]
    );
    proven(correlation, row)
}

fn bytes(size: Size, volume: &Volume) -> Value {
    match size {
        Size::No => Value::Null,
        Size::Gib(gib) => json!(gib * GIB),
        Size::Mounted => json!(volume.bytes),
        // Blocks of 4096 bytes.
        Size::Filling => json!(volume.bytes / 4096 * 4096),
    }
}

/// Nothing hid anything in this recording, so what is said not to have happened
/// on the node is known by events and by state.
fn proven(correlation: &Correlation, row: &Value) -> Result<()> {
    let finding = correlation.finding(row)?;
    for absence in absences(finding) {
        let by_probe = absence["probes"].as_array().is_some_and(|p| !p.is_empty());
        ensure!(
            !by_probe || absence["basis"] == "both",
            "not by events and by state: {absence}"
        );
    }
    Ok(())
}
