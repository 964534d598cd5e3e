//! How long a report of a busy day takes, and how much memory: of one day, of
//! more events, of four days, ended and killed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Bench, Found, table::table};
use crate::host::{build, progress, run};

const WORDS: &str = "`volprobe report --json` of the recording of a made-up busy node: 240 series, 40 of them active each
second, tools run and containers mounted. Not instructions but processor time of this host, user's and system's: the least of
five runs with the file in the page cache, and the most memory that any of them had. On a host that does nothing else it
takes no longer than that.";

/// Each command is run so often; the least time counts, since what else runs on
/// the machine can only make it longer.
const RUNS: usize = 5;

/// A recording to be made.
struct Day {
    name: &'static str,
    hours: u64,
    events: u64,
    killed: bool,
}

const DAYS: [Day; 5] = [
    Day {
        name: "a quiet hour",
        hours: 1,
        events: 100,
        killed: false,
    },
    Day {
        name: "24 h, a million events",
        hours: 24,
        events: 1_000_000,
        killed: false,
    },
    Day {
        name: "the same, killed",
        hours: 24,
        events: 1_000_000,
        killed: true,
    },
    Day {
        name: "24 h, four million events",
        hours: 24,
        events: 4_000_000,
        killed: false,
    },
    Day {
        name: "96 h, a million events",
        hours: 96,
        events: 1_000_000,
        killed: false,
    },
];

/// Measures. This one needs no machine: it is the host's time.
pub(super) fn run(_bench: &Bench, found: &mut Found) -> Result<()> {
    progress("building volprobe and the maker of recordings …");
    run::check(build::cargo()?.args([
        "build",
        "--quiet",
        "--release",
        // No report is a table, and the tables' crates take long to build.
        "--no-default-features",
        "--package",
        "volprobe",
        "--bin",
        "volprobe",
        "--example",
        "busy_day",
    ]))?;
    let release = build::target_dir()?.join("release");
    let volprobe = release.join("volprobe");
    let dir = tempfile::tempdir().context("cannot make a folder for recordings")?;
    let mut rows = Vec::new();
    for day in &DAYS {
        progress(format!("{} …", day.name));
        let file = dir.path().join("day.vprec");
        let made = make(&release.join("examples/busy_day"), &file, day)?;
        let (time, memory) = fastest(&volprobe, &file)?;
        let millions = |name: &str| made[name].as_u64().unwrap_or(0) as f64 / 1e6;
        rows.push(vec![
            day.name.to_owned(),
            format!("{:.1} MB", millions("bytes")),
            format!("{:.1} M", millions("events")),
            format!("{:.0} M", millions("counts")),
            format!("{:.2} s", time.as_secs_f64()),
            format!("{:.0} MB", memory as f64 / 1e6),
        ]);
        fs::remove_file(&file)?;
    }
    let header = [
        "recording",
        "file",
        "events",
        "histogram counts",
        "processor time",
        "memory",
    ];
    found(&format!("{WORDS}\n\n{}", table(&header, &rows)))
}

fn make(maker: &Path, file: &Path, day: &Day) -> Result<Value> {
    let mut command = Command::new(maker);
    command
        .arg(file)
        .args([day.hours.to_string(), day.events.to_string()])
        .args(day.killed.then_some("killed"));
    let said = run::output(&mut command)?;
    serde_json::from_slice(&said).context("the maker of recordings said no JSON")
}

/// The least time and the most memory (bytes) of a few runs.
fn fastest(volprobe: &Path, file: &Path) -> Result<(Duration, u64)> {
    let mut best = (Duration::MAX, 0);
    for _ in 0..RUNS {
        let child = Command::new(volprobe)
            .args(["report", "--json"])
            .arg(file)
            .stdout(Stdio::null())
            .spawn()
            .context("cannot run volprobe")?;
        let (time, memory) = used(child.id())?;
        best = (best.0.min(time), best.1.max(memory));
    }
    Ok(best)
}

/// Waits for a child; the processor time and the most memory (bytes) that it had.
fn used(pid: u32) -> Result<(Duration, u64)> {
    let mut status = 0;
    // SAFETY: all zeros is a valid rusage, which holds numbers only.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `status` and `usage` are ours and outlive the call; the child is
    // ours too, and nobody else waits for it.
    let waited = unsafe { libc::wait4(pid as libc::pid_t, &raw mut status, 0, &raw mut usage) };
    ensure!(waited > 0, "cannot wait for volprobe");
    ensure!(status == 0, "volprobe report ended with status {status}");
    let time = [usage.ru_utime, usage.ru_stime].map(|time| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    });
    // The kernel tells the memory in KiB.
    Ok((time.iter().sum(), usage.ru_maxrss as u64 * 1024))
}
