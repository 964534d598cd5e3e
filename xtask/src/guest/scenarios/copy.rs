//! Counts of copies, against a workload that knows them.

use std::{
    fs,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::guest::{
    copyload::{Count, Truth},
    recorder::Recording,
    report::{Report, sum},
    stage::Stage,
    tool,
};

const GIB: u64 = 1 << 30;
/// More threads than the machine has processors.
const THREADS: &str = "5";
const ROUNDS: &str = "150";
/// The scratch directory's file system, where copies across go.
const OTHER: &str = "tmpfs:/tmp";

/// Where a workload runs, and what the report must say about it.
struct Place {
    dir: PathBuf,
    /// The device of what was copied.
    device: String,
    /// The device of what was not: an overlay has its own.
    outer: String,
    route: &'static str,
    via: Value,
}

/// ext4 has no way of its own: it splices.
pub(super) fn counts_ext4(stage: &mut Stage) -> Result<()> {
    let place = place_on_ext4(stage)?;
    check(stage, &place)
}

/// The same where tasks are preempted anywhere in the kernel, so in the programs
/// too: what the kernel then skips is known to the call.
pub(super) fn counts_preempted(stage: &mut Stage) -> Result<()> {
    const MODE: &str = "/sys/kernel/debug/sched/preempt";
    // As in `none (voluntary) full`.
    let modes = fs::read_to_string(MODE)?;
    let before = modes
        .split_whitespace()
        .find_map(|mode| mode.strip_prefix('(')?.strip_suffix(')'))
        .context("no mode of preemption")?;
    fs::write(MODE, "full")?;
    let counted = counts_ext4(stage);
    fs::write(MODE, before)?;
    counted
}

/// The same by kprobes. On 5.10 their returns have room for as many calls at
/// once as the machine has processors; more are lost, and counted as that.
pub(super) fn counts_by_name(stage: &mut Stage) -> Result<()> {
    let place = place_on_ext4(stage)?;
    if !stage.is_series("5.10") {
        return check(stage, &place);
    }
    check_with(stage, &place, "2")?;
    let recording = Recording::start(stage, &["--force"])?;
    let truth = work(stage, &place, THREADS)?;
    let report = recording.stop()?;
    let completeness = &report.0["completeness"];
    let lost: u64 = completeness["lost"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|row| row["kind"] == "lost-return")
        .filter_map(|row| row["count"].as_u64())
        .sum();
    let counted = sum(report.rows("copy")?, "calls")?;
    // That a return was lost shows at the next call of its thread.
    let last_calls: u64 = THREADS.parse()?;
    ensure!(
        (counted + lost..=counted + lost + last_calls).contains(&truth.calls()),
        "{counted} counted + {lost} lost of {}",
        truth.calls()
    );
    ensure!(
        (lost == 0) == (completeness["complete"] == true),
        "{lost} lost: {completeness}"
    );
    Ok(())
}

fn place_on_ext4(stage: &mut Stage) -> Result<Place> {
    let disk = stage.disk(GIB)?;
    let dir = stage.ext4(&disk)?;
    let (device, outer) = (disk.name.clone(), disk.name);
    Ok(Place {
        dir,
        device,
        outer,
        route: "splice",
        via: Value::Null,
    })
}

/// xfs clones whole blocks.
pub(super) fn counts_xfs(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let dir = stage.xfs(&disk)?;
    let (device, outer) = (disk.name.clone(), disk.name);
    check(
        stage,
        &Place {
            dir,
            device,
            outer,
            route: "clone",
            via: Value::Null,
        },
    )
}

/// A file system without a device is called by its mount point.
pub(super) fn counts_tmpfs(stage: &mut Stage) -> Result<()> {
    let dir = PathBuf::from("/mnt/small");
    fs::create_dir_all(&dir)?;
    tool::ok(&["mount", "-t", "tmpfs", "small", "/mnt/small"])?;
    let device = "tmpfs:/mnt/small".to_owned();
    check(
        stage,
        &Place {
            dir,
            outer: device.clone(),
            device,
            route: "splice",
            via: Value::Null,
        },
    )
}

/// A copy within an overlay is a call of the overlay and one of the file
/// system beneath it: one copy, on the real device.
pub(super) fn counts_overlay(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    let at = at.display();
    tool::shell(&format!("cd {at}; mkdir lower upper work /mnt/merged"))?;
    tool::shell(&format!(
        "mount -t overlay overlay -o lowerdir={at}/lower,upperdir={at}/upper,workdir={at}/work \
         /mnt/merged"
    ))?;
    let place = Place {
        dir: PathBuf::from("/mnt/merged"),
        device: disk.name,
        outer: "overlay:/mnt/merged".to_owned(),
        route: "splice",
        via: json!("overlay"),
    };
    check(stage, &place)
}

/// Runs the workload under a recording. All that it did must be in the
/// report, and nothing else; where the kernel skipped runs, counted and
/// missed together.
fn check(stage: &Stage, place: &Place) -> Result<()> {
    check_with(stage, place, THREADS)
}

/// The workload; returns what it did.
fn work(stage: &Stage, place: &Place, threads: &str) -> Result<Truth> {
    let (dir, other) = (place.dir.to_string_lossy(), stage.dir.to_string_lossy());
    let said = tool::ok(&["copyload", &dir, &other, threads, ROUNDS])?;
    serde_json::from_str(&said).context("copyload printed no truth")
}

fn check_with(stage: &Stage, place: &Place, threads: &str) -> Result<()> {
    let recording = Recording::start(stage, &[])?;
    let truth = work(stage, place, threads)?;
    let report = recording.stop()?;
    let missed = report.probe("copy")?["missed_runs"].as_u64().unwrap_or(0);
    let rows = report.rows("copy")?;
    let counted = sum(rows, "calls")?;
    // Beneath an overlay runs a second call, which is none of its own: a run
    // that was missed may have been that one.
    let nested = !place.via.is_null();
    let explained = if nested {
        (counted..=counted + missed).contains(&truth.calls())
    } else {
        counted + missed == truth.calls()
    };
    ensure!(
        explained,
        "{counted} counted + {missed} missed runs, but {} calls were made",
        truth.calls()
    );
    report.complete_but_for_missed_runs()?;
    for row in rows {
        let with_latency = row["latency_ns"]["count"].as_u64().unwrap_or(0);
        let without = row["no_latency"].as_u64().unwrap_or(0);
        ensure!(
            row["calls"] == with_latency + without,
            "latencies do not add up in {row}"
        );
        let on_device = row["src"] == place.device || row["src"] == place.outer;
        ensure!(on_device, "src is not {} in {row}", place.device);
        ensure!(
            row["dst"] == row["src"] || row["dst"] == OTHER,
            "dst in {row}"
        );
    }
    if missed > 0 {
        println!("{missed} runs were missed: sums by row are not compared");
        return Ok(());
    }
    compare(
        &find(&report, |row| row["dst"] == row["src"]),
        &truth.within,
    )?;
    compare(
        &find(&report, |row| row["dst"] != row["src"]),
        &truth.across,
    )?;
    let copied = find(&report, |row| {
        // Of what was not seen to begin (7.3) it was not seen either how it went.
        let unseen = row["route"] == "unknown" && row["no_latency"] == row["calls"];
        row["dst"] == place.device && (row["route"] == place.route || unseen)
    });
    ensure!(
        sum(copied.iter().copied(), "calls")? == truth.within.copied,
        "{} calls copied something by {}: {copied:?}",
        truth.within.copied,
        place.route
    );
    ensure!(
        place.via.is_null() || copied.iter().all(|row| row["via"] == place.via),
        "via is not {}: {copied:?}",
        place.via
    );
    top(&report, &truth)
}

/// The workload's process is in the `top` table with its calls and bytes.
fn top(report: &Report, truth: &Truth) -> Result<()> {
    let rows: Vec<&Value> = report
        .rows("top")?
        .iter()
        .filter(|row| row["comm"] == "copyload")
        .collect();
    let bytes = truth.within.bytes_copied + truth.across.bytes_copied;
    ensure!(
        sum(rows.iter().copied(), "calls")? == truth.calls()
            && sum(rows.iter().copied(), "bytes")? == bytes,
        "top has not {} calls and {bytes} bytes: {rows:?}",
        truth.calls()
    );
    Ok(())
}

fn find(report: &Report, condition: impl Fn(&Value) -> bool) -> Vec<&Value> {
    report.0["copy"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|row| condition(row))
        .collect()
}

fn compare(rows: &[&Value], truth: &Count) -> Result<()> {
    let mut found = Count {
        calls: sum(rows.iter().copied(), "calls")?,
        bytes_requested: sum(rows.iter().copied(), "bytes_requested")?,
        bytes_copied: sum(rows.iter().copied(), "bytes_copied")?,
        // Not told apart by the sums; what the routes say is checked apart.
        copied: truth.copied,
        empty: truth.empty,
        ..Count::default()
    };
    for row in rows {
        for (error, count) in row["errors"].as_object().into_iter().flatten() {
            *found.errors.entry(error.clone()).or_default() += count.as_u64().unwrap_or(0);
        }
    }
    ensure!(
        found == *truth,
        "the report has {found:?}, the truth is {truth:?}, in {rows:?}"
    );
    Ok(())
}

/// Go's `io.Copy` from file to file.
pub(super) fn by_go(stage: &mut Stage) -> Result<()> {
    const BYTES: u64 = 8 << 20;
    let disk = stage.disk(GIB)?;
    let dir = stage.ext4(&disk)?;
    let (from, to) = (dir.join("from"), dir.join("to"));
    fs::write(&from, vec![7; BYTES as usize])?;
    let recording = Recording::start(stage, &[])?;
    tool::ok(&["gocopy", &from.to_string_lossy(), &to.to_string_lossy()])?;
    let report = recording.stop()?;
    report.complete()?;
    ensure!(same(&from, &to)?, "gocopy did not copy");
    let rows = find(&report, |row| {
        row["src"] == disk.name && row["dst"] == disk.name
    });
    ensure!(
        sum(rows.iter().copied(), "bytes_copied")? == BYTES,
        "not {BYTES} bytes: {rows:?}"
    );
    let top = report
        .rows("top")?
        .iter()
        .find(|row| row["comm"] == "gocopy");
    ensure!(
        top.is_some_and(|row| row["bytes"] == BYTES),
        "top: {}",
        report.0["top"]
    );
    Ok(())
}

/// Calls refused before they reach a file system have no device, and are
/// counted only where that is asked for.
pub(super) fn refused_in_the_entry(stage: &mut Stage) -> Result<()> {
    const CALLS: u64 = 100;
    let path = stage.dir.join("file");
    fs::write(&path, "content")?;
    for asked in [false, true] {
        let _ = fs::remove_file(stage.dir.join("recording.vprec"));
        let options: &[&str] = if asked {
            &["--probe", "copy", "--probe", "copy-entry"]
        } else {
            &[]
        };
        let recording = Recording::start(stage, options)?;
        for _ in 0..CALLS {
            ensure!(refused_call(-1, 0)? == libc::EBADF, "a closed file");
            let file = fs::File::open(&path)?;
            ensure!(
                refused_call(file.as_raw_fd(), 1)? == libc::EINVAL,
                "an unknown flag"
            );
        }
        let report = recording.stop()?;
        let rows = find(&report, |row| row["via"] == "entry");
        if !asked {
            ensure!(rows.is_empty(), "counted without being asked: {rows:?}");
            continue;
        }
        let missed = report.probe("copy-entry")?["missed_runs"]
            .as_u64()
            .unwrap_or(0);
        let counted = sum(rows.iter().copied(), "calls")?;
        ensure!(
            counted + missed == 2 * CALLS,
            "{counted} + {missed} of 2 × {CALLS}: {rows:?}"
        );
        ensure!(
            missed > 0
                || (sum(rows.iter().copied(), "errors.EBADF")? == CALLS
                    && sum(rows.iter().copied(), "errors.EINVAL")? == CALLS),
            "errors: {rows:?}"
        );
    }
    Ok(())
}

/// A call that must fail; returns its errno.
fn refused_call(file: i32, flags: u32) -> Result<i32> {
    let null = std::ptr::null_mut();
    // SAFETY: no memory is passed; a descriptor that is not open is the point.
    let result = unsafe { libc::copy_file_range(file, null, file, null, 1, flags) };
    ensure!(result == -1, "it copied {result} bytes");
    Ok(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

fn same(a: &Path, b: &Path) -> Result<bool> {
    Ok(fs::read(a)? == fs::read(b)?)
}
