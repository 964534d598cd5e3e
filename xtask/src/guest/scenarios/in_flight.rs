//! Copies that a recording does not see from their start to their end. One that
//! runs when the recording begins is in no count, as the kernel hooks a return
//! at the entry; one that runs when it ends has not returned. One that is killed
//! returns, with what it has copied until then.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::guest::{
    hypervisor,
    recorder::Recording,
    report::{only, sum},
    stage::{Disk, Stage},
    tool, wait_until,
};

const BYTES: u64 = 64 << 20;
/// Requests a second of a disk on which a copy takes longer than volprobe may
/// take to start.
const SLOW: u32 = 1;
/// The number of `copy_file_range(2)`.
const SYSCALL: &str = "326 ";
/// The scratch directory's file system.
const SCRATCH: &str = "tmpfs:/tmp";

/// One copy runs when the recording begins, one is killed, one has the killed
/// one's ids, and one runs when the recording ends.
pub(super) fn copies(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(1 << 30)?;
    let at = stage.ext4(&disk)?;
    for name in ["early", "killed", "late"] {
        fs::write(at.join(name), vec![7; BYTES as usize])?;
    }
    let small = stage.dir.join("small");
    fs::write(&small, [7; 100])?;
    tool::shell(&format!(
        "echo 128 > /sys/block/{}/queue/read_ahead_kb",
        disk.name
    ))?;

    let mut early = slow_copy(&disk, &at, "early")?;
    let recording = Recording::start(stage, &[])?;
    ensure!(is_copying(&early)?, "the early copy has ended too early");
    full_speed(&disk)?;
    ensure!(early.wait()?.success(), "the early copy failed");

    let mut killed = slow_copy(&disk, &at, "killed")?;
    killed.kill()?;
    full_speed(&disk)?;
    killed.wait()?;
    let partial = fs::metadata(copy_of(&at, "killed"))?.len();
    ensure!(partial < BYTES, "it was killed too late");
    let reused = killed.id();
    let longest = copy_as(reused, &small)?;

    let mut late = slow_copy(&disk, &at, "late")?;
    let report = recording.stop()?;
    full_speed(&disk)?;
    ensure!(late.wait()?.success(), "the late copy failed");

    report.complete_but_for_missed_runs()?;
    let missed = report.probe("copy")?["missed_runs"].as_u64().unwrap_or(0);
    if missed > 0 {
        println!("{missed} runs were missed: what is counted is not compared");
        return Ok(());
    }
    let rows: Vec<&Value> = report
        .rows("copy")?
        .iter()
        .filter(|row| row["via"] == "syscall")
        .collect();
    let on_disk = || rows.iter().copied().filter(|row| row["src"] == disk.name);
    // Of the early one only the call that finds the end of the file.
    for (sum_of, expected) in [("calls", 2), ("bytes_copied", partial), ("no_latency", 0)] {
        let found = sum(on_disk(), sum_of)?;
        ensure!(
            found == expected,
            "{found} {sum_of}, not {expected}: {rows:?}"
        );
    }
    let scratch: Vec<&Value> = rows
        .iter()
        .copied()
        .filter(|row| row["src"] == SCRATCH && row["bytes_copied"] != 0)
        .collect();
    let row = only(&scratch, "copy of the process with used ids")?;
    let latency = row["latency_ns"]["max"].as_u64().context("no latency")?;
    ensure!(
        row["bytes_copied"] == 100 && row["no_latency"] == 0 && latency <= longest,
        "a process that ran {longest} ns has {row:?}"
    );
    Ok(())
}

/// A copy on a disk that has become slow, inside of the call and with something
/// copied.
fn slow_copy(disk: &Disk, at: &Path, name: &str) -> Result<Child> {
    tool::shell("sync; echo 3 > /proc/sys/vm/drop_caches")?;
    hypervisor::ask(&format!("iops {} {SLOW}", disk.name))?;
    let to = copy_of(at, name);
    let child = cp(&at.join(name), &to)?;
    wait_until("a copy is under way", || {
        let copied = fs::metadata(&to).map_or(0, |metadata| metadata.len());
        Ok(copied > 0 && is_copying(&child)?)
    })?;
    Ok(child)
}

/// Whether a process waits inside of `copy_file_range(2)`.
fn is_copying(child: &Child) -> Result<bool> {
    let call = fs::read_to_string(format!("/proc/{}/syscall", child.id()))?;
    Ok(call.starts_with(SYSCALL))
}

fn copy_of(at: &Path, name: &str) -> PathBuf {
    at.join(format!("copy-of-{name}"))
}

fn full_speed(disk: &Disk) -> Result<()> {
    hypervisor::ask(&format!("iops {} 0", disk.name)).map(drop)
}

fn cp(from: &Path, to: &Path) -> Result<Child> {
    Command::new("cp")
        .args([from, to])
        .stdin(Stdio::null())
        .spawn()
        .context("cannot start cp")
}

/// Copies a file in a process that has this id. Returns the time that the
/// process took at most, ns.
fn copy_as(pid: u32, from: &Path) -> Result<u64> {
    let line = format!("test $$ = {pid} && exec cp {0} {0}.copy", from.display());
    let mut taken = 0;
    wait_until("the id is given again", || {
        // The next process gets the next id, unless another one is faster.
        fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string())?;
        let start = Instant::now();
        let status = Command::new("sh").args(["-c", &line]).status()?;
        taken = start.elapsed().as_nanos() as u64;
        Ok(status.success())
    })?;
    Ok(taken)
}
