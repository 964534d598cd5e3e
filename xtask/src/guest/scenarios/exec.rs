//! The tools that resize and mount: what they were called with, how they ended.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::guest::{
    recorder::Recording,
    report::{has, number},
    stage::Stage,
    tool,
};

const MIB: u64 = 1 << 20;

/// Exit codes, signals, and arguments as they were given.
pub(super) fn tools(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(64 * MIB)?;
    let recording = Recording::start(stage, &[])?;
    let done = tool::run(&["resize2fs", "-z", "a file with spaces", "/dev/nothing"])?;
    let refused = done.code.unwrap_or(0);
    ensure!(refused != 0, "resize2fs likes /dev/nothing");
    tool::ok(&["mkfs.ext4", "-q", &disk.node])?;
    tool::ok(&["resize2fs", "-f", &disk.node])?;
    // It waits for a script that never comes.
    tool::shell(&format!(
        "sleep 5 | sfdisk -n {} & sleep 1; kill -9 $(pidof sfdisk); wait || true",
        disk.node
    ))?;
    let report = recording.stop()?;
    report.complete()?;
    let exit = report.exit_of(&["resize2fs", "-z"])?;
    has(
        exit,
        &[
            (
                "detail.argv",
                json!(["resize2fs", "-z", "a file with spaces", "/dev/nothing"]),
            ),
            ("detail.exit_code", json!(refused)),
            ("detail.signal", Value::Null),
            ("detail.resize_calls", json!(0)),
        ],
    )?;
    let start = report
        .events("exec.start")?
        .into_iter()
        .find(|start| start["pid"] == exit["pid"])
        .unwrap_or(&Value::Null);
    has(start, &[("detail.argv", exit["detail"]["argv"].clone())])?;
    ensure!(
        number(start, "t_ns")? <= number(exit, "t_ns")?,
        "it ended before it began"
    );
    ensure!(
        number(exit, "detail.duration_ns")? > 0,
        "no duration in {exit}"
    );
    let killed = report.exit_of(&["sfdisk", "-n"])?;
    has(
        killed,
        &[
            ("detail.exit_code", Value::Null),
            ("detail.signal", json!(9)),
        ],
    )?;
    has(
        report.exit_of(&["resize2fs", "-f"])?,
        &[("detail.exit_code", json!(0))],
    )
}

/// A further tool, by its name.
pub(super) fn further_tool(stage: &mut Stage) -> Result<()> {
    let recording = Recording::start(stage, &["--tool", "flock"])?;
    tool::ok(&["flock", "/tmp/stage/lock", "true"])?;
    tool::ok(&["findmnt", "/"])?;
    let report = recording.stop()?;
    report.complete()?;
    has(
        report.exit_of(&["flock", "/tmp/stage/lock", "true"])?,
        &[("detail.exit_code", json!(0))],
    )?;
    let others = report.events("exec.exit")?;
    ensure!(others.len() == 1, "not asked for: {others:?}");
    Ok(())
}
