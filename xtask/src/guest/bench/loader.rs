//! What volprobe itself costs: until it traces, and while nothing happens.

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::{
    counter,
    startup::{Startup, startup},
    tracer::{Running, Tracer},
};

/// How long nothing happens.
const IDLE: Duration = Duration::from_mins(1);
/// Starts of which the median is told.
const STARTS: usize = 3;
const STAMP: &str = "/tmp/stamp";
const FUNCTION: &str = "vfs_copy_file_range";

/// What was found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Loader {
    /// Instructions from the start of volprobe until it runs a command, by then
    /// with every probe attached and tested.
    pub start: u64,
    /// The same with the probe of copies alone.
    pub copy_start: u64,
    /// The same of bpftrace with one kprobe.
    pub bpftrace_start: u64,
    /// What volprobe's start consists of.
    pub startup: Startup,
    /// volprobe while it records and nothing happens.
    pub idle: Idle,
    /// bpftrace with a kprobe and a kretprobe, likewise.
    pub bpftrace_idle: Idle,
    /// Growth of the recording while nothing happens, bytes a minute.
    pub recorded: u64,
    /// Memory of all maps, bytes.
    pub maps: u64,
    /// CPUs that the kernel says are possible.
    pub possible_cpus: String,
}

/// A process while nothing happens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Idle {
    /// Resident memory, KiB.
    pub rss_kib: u64,
    /// The most that it ever was, KiB.
    pub peak_kib: u64,
    /// Times a minute that one of its threads woke up.
    pub wakeups: u64,
}

/// Measures.
pub(super) fn measure() -> Result<Loader> {
    // What booting left to do is done by then.
    thread::sleep(Duration::from_secs(3));
    let record = ["volprobe", "record", "--force", "-o", "/tmp/loader.vprec"];
    let stamp = ["--", "bench", "stamp"];
    let all = [&record[..], &stamp].concat();
    let start = median_start(&all)?;
    let copy_start = median_start(&[&record[..], &["--probe", "copy"], &stamp].concat())?;
    let bpftrace_start = median_start(&[
        "bpftrace",
        "-c",
        "/usr/bin/bench stamp",
        "-e",
        "kprobe:vfs_copy_file_range { @ = count(); }",
    ])?;
    let running = Tracer::Volprobe(&[])
        .start(FUNCTION, || Ok(true))?
        .context("it does not run")?;
    let Running::Volprobe(child, file) = &running else {
        bail!("volprobe is a process");
    };
    thread::sleep(Duration::from_secs(10));
    let size = fs::metadata(file)?.len();
    let idle = idle(child.id())?;
    let recorded = fs::metadata(file)?.len() - size;
    let maps = map_bytes(child.id())?;
    running.stop("copy")?;
    let tool = Tracer::Bpftrace("kprobe", "kretprobe")
        .start(FUNCTION, || Ok(true))?
        .context("it does not run")?;
    let Running::Tool(child) = &tool else {
        bail!("bpftrace is a process");
    };
    thread::sleep(Duration::from_secs(30));
    let bpftrace_idle = self::idle(child.id())?;
    tool.stop("copy")?;
    // Last: what is measured by tracing must not be traced by others.
    let startup = startup(&all)?;
    let possible = fs::read_to_string("/sys/devices/system/cpu/possible")?;
    Ok(Loader {
        start,
        copy_start,
        bpftrace_start,
        startup,
        idle,
        bpftrace_idle,
        recorded,
        maps,
        possible_cpus: possible.trim().to_owned(),
    })
}

/// Writes down how many instructions were executed by now: the command that a
/// tracer runs once it traces.
pub(super) fn stamp() -> Result<()> {
    fs::write(STAMP, counter::now().to_string()).context("cannot write the stamp")
}

/// Instructions from the start of a tracer until it runs [`stamp`].
fn median_start(command: &[&str]) -> Result<u64> {
    let (program, args) = command.split_first().context("no command")?;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let _ = fs::remove_file(STAMP);
        let start = counter::now();
        let output = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{program}: {said}");
        let end: u64 = fs::read_to_string(STAMP)
            .with_context(|| format!("{program} ran no command: {said}"))?
            .parse()?;
        starts.push(end - start);
    }
    Ok(counter::median(starts))
}

fn idle(pid: u32) -> Result<Idle> {
    let before = switches(pid)?;
    thread::sleep(IDLE);
    let after = switches(pid)?;
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    Ok(Idle {
        rss_kib: field(&status, "VmRSS:"),
        peak_kib: field(&status, "VmHWM:"),
        wakeups: after - before,
    })
}

/// Times that threads of the process gave the processor up to wait.
fn switches(pid: u32) -> Result<u64> {
    let mut switches = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = fs::read_to_string(task?.path().join("status"))?;
        switches += field(&status, "voluntary_ctxt_switches:");
    }
    Ok(switches)
}

/// Memory of the maps that the process holds, as the kernel tells it.
fn map_bytes(pid: u32) -> Result<u64> {
    let mut maps = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fdinfo"))? {
        let info = fs::read_to_string(entry?.path()).unwrap_or_default();
        if info.contains("map_type:") {
            // A map may be held by several descriptors.
            maps.insert(field(&info, "map_id:"), field(&info, "memlock:"));
        }
    }
    Ok(maps.values().sum())
}

/// The number of a line that begins with `name`; 0 where there is none.
fn field(text: &str, name: &str) -> u64 {
    text.lines()
        .find_map(|line| {
            let rest = line.strip_prefix(name)?;
            rest.split_whitespace().next()?.parse().ok()
        })
        .unwrap_or_default()
}
