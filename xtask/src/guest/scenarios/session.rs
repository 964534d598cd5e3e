//! Recordings and live views as such: how they start, end, and what they leave out.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::guest::{
    copyload::Truth,
    recorder::{Recording, volprobe},
    report::{Report, has, sum},
    stage::Stage,
    tool,
};

const GIB: u64 = 1 << 30;

/// `record -- CMD` ends with the command, and with its exit status.
pub(super) fn of_a_command(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    let file = stage.dir.join("recording.vprec");
    let file_name = file.to_string_lossy();
    let line = format!(
        "cp /usr/bin/busybox {0}/a; cp {0}/a {0}/b; exit 7",
        at.display()
    );
    let done = volprobe(&["record", "-o", &file_name, "--", "sh", "-c", &line])?;
    ensure!(done.code == Some(7), "exit code {:?}", done.code);
    ensure!(
        done.stderr
            .lines()
            .any(|line| line.starts_with("volprobe: recording")),
        "no readiness line in {:?}",
        done.stderr
    );
    ensure!(done.stdout.is_empty(), "data on stdout: {:?}", done.stdout);
    let report = Report::of(&file)?;
    report.complete()?;
    let copies = report.rows("copy")?;
    let spliced: Vec<&Value> = copies
        .iter()
        .filter(|row| {
            row["src"] == disk.name && row["dst"] == disk.name && row["route"] == "splice"
        })
        .collect();
    let size = std::fs::metadata("/usr/bin/busybox")?.len();
    ensure!(
        sum(spliced, "bytes_copied")? == size,
        "not {size} bytes: {copies:?}"
    );
    // Neither is a recording written over another.
    let again = volprobe(&["record", "-o", &file_name, "--", "true"])?;
    ensure!(again.code == Some(2), "it overwrote a recording: {again:?}");
    Ok(())
}

/// Killed outright: the file tells up to where it goes.
pub(super) fn killed(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    let recording = Recording::start(stage, &[])?;
    let said = tool::ok(&["copyload", &at.to_string_lossy(), "/tmp/stage", "2", "20"])?;
    let truth: Truth = serde_json::from_str(&said)?;
    // More than a flush interval.
    std::thread::sleep(Duration::from_secs(3));
    let report = recording.kill()?;
    let completeness = &report.0["completeness"];
    ensure!(
        completeness["complete"] == false,
        "complete: {completeness}"
    );
    ensure!(
        completeness["truncated"] == true,
        "not truncated: {completeness}"
    );
    let missed = report.probe("copy")?["missed_runs"].as_u64().unwrap_or(0);
    let counted = sum(report.rows("copy")?, "calls")?;
    ensure!(
        counted + missed == truth.calls(),
        "{counted} + {missed} of {}",
        truth.calls()
    );
    Ok(())
}

/// SIGTERM and `--duration` end a recording as Ctrl-C does.
pub(super) fn ends(stage: &mut Stage) -> Result<()> {
    let recording = Recording::start(stage, &[])?;
    recording.signal(Signal::TERM)?;
    let file = stage.dir.join("recording.vprec");
    recording.wait()?;
    Report::of(&file)?.complete()?;
    let file = stage.dir.join("short.vprec");
    let done = volprobe(&["record", "-o", &file.to_string_lossy(), "--duration", "2s"])?;
    ensure!(done.code == Some(0), "exit code {:?}", done.code);
    let report = Report::of(&file)?;
    report.complete()?;
    let lasted = report.0["session"]["duration_ns"]
        .as_u64()
        .context("no duration")?;
    ensure!(lasted >= 2_000_000_000, "it lasted {lasted} ns");
    ensure!(lasted < 10_000_000_000, "it lasted {lasted} ns");
    Ok(())
}

/// Filters narrow copy and readahead, and nothing else.
pub(super) fn filters(stage: &mut Stage) -> Result<()> {
    let (one, two) = (stage.disk(GIB)?, stage.disk(GIB)?);
    let (at_one, at_two) = (stage.ext4(&one)?, stage.ext4(&two)?);
    tool::shell("mkdir -p /sys/fs/cgroup/one")?;
    // Its children are processes of their own, and of another name.
    let me = std::process::id().to_string();
    for (options, expect_one, expect_two) in [
        (["--comm", "copyload"], true, true),
        (["--comm", "somebody"], false, false),
        (["--pid", &me], false, false),
        (["--device", &one.node], true, false),
        (["--mount", "/mnt/vdc"], false, true),
        (["--cgroup", "/sys/fs/cgroup/one"], true, false),
    ] {
        let _ = std::fs::remove_file(stage.dir.join("recording.vprec"));
        let recording = Recording::start(stage, &options)?;
        tool::shell(&format!(
            "( echo 0 > /sys/fs/cgroup/one/cgroup.procs; \
               exec copyload {} /tmp/stage 2 5 ) >/dev/null; \
             copyload {} /tmp/stage 2 5 >/dev/null; resize2fs {}",
            at_one.display(),
            at_two.display(),
            one.node
        ))?;
        let report = recording.stop()?;
        let rows = report.rows("copy")?;
        for (disk, expected) in [(&one, expect_one), (&two, expect_two)] {
            let seen = rows.iter().any(|row| row["src"] == disk.name);
            ensure!(
                seen == expected,
                "{options:?}: {} seen: {seen}; {rows:?}",
                disk.name
            );
        }
        report
            .exit_of(&["resize2fs"])
            .with_context(|| format!("{options:?}"))?;
    }
    Ok(())
}

/// `live`, line by line and as JSON.
pub(super) fn live(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    let at = at.to_string_lossy();
    for form in ["--json", "--plain"] {
        let said = tool::shell(&format!(
            "volprobe live {form} --duration 5s 2>live.err >live.out & pid=$!; \
             until grep -q '^volprobe: recording' live.err; do sleep 0.2; \
             kill -0 $pid || {{ cat live.err; exit 1; }}; done; \
             copyload {at} /tmp/stage 2 20 >/dev/null; wait $pid; cat live.out"
        ))?;
        ensure!(!said.trim().is_empty(), "live {form} said nothing");
        ensure!(said.contains(&disk.name), "{} is not in {said}", disk.name);
        if form == "--json" {
            for line in said.lines() {
                let tick: Value = serde_json::from_str(line).context("a tick is not JSON")?;
                ensure!(
                    tick["schema"] == json!("volprobe.tick/1"),
                    "schema in {line}"
                );
            }
        }
    }
    Ok(())
}

/// Without BPF: the sizes of the layers as they are now, and what is wrong
/// with them.
pub(super) fn volumes(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB / 2)?;
    stage.ext4(&disk)?;
    disk.grow(GIB)?;
    let ask = |code: i32| -> Result<Value> {
        let done = volprobe(&["volumes", "--json", "--exit-code"])?;
        ensure!(
            done.code == Some(code),
            "exit code {:?}, not {code}",
            done.code
        );
        Ok(serde_json::from_str(&done.stdout)?)
    };
    let before = ask(1)?;
    ensure!(
        before["schema"] == "volprobe.volumes/1",
        "schema {}",
        before["schema"]
    );
    let volume = |json: &Value| -> Value {
        let rows = json["volumes"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        rows.iter()
            .find(|row| row["device"] == disk.name)
            .cloned()
            .unwrap_or_default()
    };
    let row = volume(&before);
    has(
        &row,
        &[("sizes.device", json!(GIB)), ("sizes.fs", json!(GIB / 2))],
    )?;
    ensure!(
        row["findings"] == json!(["resize/fs-not-grown"]),
        "findings of {row}"
    );
    tool::ok(&["resize2fs", &disk.node])?;
    has(
        &volume(&ask(0)?),
        &[("sizes.fs", json!(GIB)), ("findings", json!([]))],
    )
}

/// All that was done was seen or is counted as lost, when volprobe could not
/// keep up.
pub(super) fn loss(stage: &mut Stage) -> Result<()> {
    // Each is two records of the ring buffer: its begin and its end.
    const CALLS: u64 = 10_000;
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    // The one refusal of which the kernel says nothing on its slow console.
    tool::ok(&["mount", "-o", "remount,ro", &at.to_string_lossy()])?;
    let recording = Recording::start(stage, &[])?;
    recording.signal(Signal::STOP)?;
    for _ in 0..CALLS {
        let errno = super::resize::resize_call(&at, 2 * GIB)?;
        ensure!(errno == libc::EROFS, "errno {errno}");
    }
    recording.signal(Signal::CONT)?;
    std::thread::sleep(Duration::from_secs(3));
    let report = recording.stop()?;
    let completeness = &report.0["completeness"];
    ensure!(
        completeness["complete"] == false,
        "nothing was lost: {completeness}"
    );
    let records = |row: &Value| {
        if row["detail"]["duration_ns"].is_null() {
            1
        } else {
            2
        }
    };
    let seen: u64 = report
        .events_on("fs.resize", &disk.name)?
        .into_iter()
        .map(records)
        .sum();
    let lost: u64 = completeness["lost"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|lost| lost["kind"] == "ring/resize")
        .filter_map(|lost| lost["count"].as_u64())
        .sum();
    ensure!(
        seen > 0 && lost > 0,
        "{seen} seen, {lost} lost: {completeness}"
    );
    ensure!(
        seen + lost == 2 * CALLS,
        "{seen} seen + {lost} lost of {CALLS} × 2: {completeness}"
    );
    Ok(())
}
