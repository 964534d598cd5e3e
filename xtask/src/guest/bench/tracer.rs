//! volprobe and what it is compared with: started, known to have seen what it
//! should, and ended, one at a time.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::floor::Floor;
use crate::guest::{recorder::VOLPROBE, report::Report};

/// How long a tracer may take to start: bpftrace compiles, and all is emulated.
const START: Duration = Duration::from_mins(5);

/// Something that traces a function.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tracer {
    /// A program at entry and return that adds 1.
    Floor,
    /// libbpf-tools' `funclatency`.
    Funclatency,
    /// bpftrace's histogram of the time between two probes of these kinds.
    Bpftrace(&'static str, &'static str),
    /// volprobe with these options.
    Volprobe(&'static [&'static str]),
}

/// Every tracer, each to be measured alone; `parts` where one thread works: what
/// they cost is a question of the call, not of who makes it.
pub(super) fn all(parts: &[(&'static str, Tracer)], threads: usize) -> Vec<(&'static str, Tracer)> {
    let parts = if threads == 1 { parts } else { &[] };
    [
        ("floor", Tracer::Floor),
        ("volprobe", Tracer::Volprobe(&[])),
    ]
    .into_iter()
    .chain(parts.iter().copied())
    .chain([
        ("funclatency", Tracer::Funclatency),
        ("bpftrace fentry", Tracer::Bpftrace("kfunc", "kretfunc")),
        ("bpftrace kprobe", Tracer::Bpftrace("kprobe", "kretprobe")),
    ])
    .collect()
}

/// A tracer that runs.
pub(super) enum Running {
    /// In this process.
    Floor(Floor),
    /// A tool that prints a histogram when it ends.
    Tool(Child),
    /// volprobe, and what it records into.
    Volprobe(Child, PathBuf),
}

impl Tracer {
    /// Starts tracing a function of the kernel. It traces once `is_traced` says
    /// so: a tool that writes to a pipe keeps what it says to itself. `None` if it
    /// ends at once, as a tool does that this kernel is too old for.
    pub(super) fn start(
        self,
        function: &str,
        mut is_traced: impl FnMut() -> Result<bool>,
    ) -> Result<Option<Running>> {
        let mut running = match self {
            Self::Floor => Running::Floor(Floor::attach(function)?),
            Self::Funclatency => Running::Tool(spawn("funclatency", &[function])?),
            Self::Bpftrace(entry, back) => Running::Tool(spawn(
                "bpftrace",
                &["-e", &histogram(function, entry, back)],
            )?),
            Self::Volprobe(options) => volprobe(options)?,
        };
        let mut has_ended = false;
        wait(|| {
            if let Running::Tool(child) = &mut running {
                has_ended = child.try_wait()?.is_some();
            }
            Ok(has_ended || is_traced()?)
        })?;
        Ok((!has_ended).then_some(running))
    }
}

/// A histogram of the time in `function`, as bpftrace's documents make it.
fn histogram(function: &str, entry: &str, back: &str) -> String {
    format!(
        "{entry}:{function} {{ @start[tid] = nsecs; }} \
         {back}:{function} /@start[tid]/ {{ @ = hist(nsecs - @start[tid]); delete(@start[tid]); }}"
    )
}

impl Running {
    /// Ends it, and returns how many calls it counted; volprobe's are those of
    /// `probe`.
    pub(super) fn stop(self, probe: &str) -> Result<u64> {
        match self {
            Self::Floor(floor) => floor.calls(),
            Self::Tool(child) => {
                interrupt(&child)?;
                let output = child.wait_with_output()?;
                let text = String::from_utf8_lossy(&output.stdout);
                Ok(text.lines().filter_map(row).sum())
            }
            Self::Volprobe(mut child, file) => {
                interrupt(&child)?;
                let status = child.wait()?;
                ensure!(status.success(), "volprobe ended with {status}");
                let report = Report::of(&file)?;
                let calls = report
                    .rows(probe)?
                    .iter()
                    .filter_map(|row| row["calls"].as_u64())
                    .sum();
                Ok(calls)
            }
        }
    }
}

/// The count of one row of a histogram: `[4K, 8K)  17 |@@@ |` or
/// `4096 -> 8191 : 17 |*** |`.
fn row(line: &str) -> Option<u64> {
    let (before, _) = line.split_once('|')?;
    before.split_whitespace().last()?.parse().ok()
}

fn spawn(program: &str, args: &[&str]) -> Result<Child> {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {program}"))
}

/// Starts volprobe, and waits until it says that it records. No thread reads what
/// it says: with a second thread the kernel takes a slower way to an open file,
/// which would be counted as volprobe's.
fn volprobe(options: &[&str]) -> Result<Running> {
    let file = PathBuf::from("/tmp/bench.vprec");
    let said = PathBuf::from("/tmp/bench.stderr");
    let _ = fs::remove_file(&file);
    let child = Command::new(VOLPROBE)
        .args(["record", "-o"])
        .arg(&file)
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&said)?)
        .spawn()
        .context("cannot start volprobe")?;
    wait(|| Ok(fs::read_to_string(&said)?.contains("volprobe: recording")))
        .with_context(|| fs::read_to_string(&said).unwrap_or_default())?;
    Ok(Running::Volprobe(child, file))
}

fn interrupt(child: &Child) -> Result<()> {
    let pid = Pid::from_raw(child.id() as i32).context("no pid")?;
    Ok(kill_process(pid, Signal::INT)?)
}

/// Waits until `condition` holds twice in a row, a second apart.
pub(super) fn wait(mut condition: impl FnMut() -> Result<bool>) -> Result<()> {
    let second = Duration::from_secs(1);
    let mut held = 0;
    for _ in 0..START.as_secs() {
        held = if condition()? { held + 1 } else { 0 };
        if held == 2 {
            return Ok(());
        }
        thread::sleep(second);
    }
    bail!("the cost of a call did not become what was expected of it")
}
