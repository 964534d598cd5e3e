//! Where the instructions of a start go: every system call with its time, as
//! the kernel's own trace tells it. In these machines a nanosecond is an
//! instruction.

use std::{collections::HashMap, fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

const TRACEFS: &str = "/sys/kernel/tracing";
/// For all system calls of a start, KiB.
const BUFFER_KIB: &str = "16384";

// Numbers of system calls on x86-64, and of `enum bpf_cmd`.
const READ: u64 = 0;
const IOCTL: u64 = 16;
const EXECVE: u64 = 59;
const PERF_EVENT_OPEN: u64 = 298;
const BPF: u64 = 321;
const BPF_PROG_LOAD: u64 = 5;
const BPF_RAW_TRACEPOINT_OPEN: u64 = 17;
const BPF_LINK_CREATE: u64 = 28;

/// The parts of a start, instructions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Startup {
    /// Programs that the kernel verified and compiled.
    pub programs: u64,
    /// To do so.
    pub verify: u64,
    /// To put them onto their hooks.
    pub attach: u64,
    /// All else that was asked of bpf: the maps.
    pub maps: u64,
    /// To hand out what was read: lists of functions, types.
    pub read: u64,
    /// All other system calls.
    pub other: u64,
}

/// Runs a command that starts another program once it traces, and takes the calls
/// that its main thread made until then apart.
pub(super) fn startup(command: &[&str]) -> Result<Startup> {
    let (program, args) = command.split_first().context("no command")?;
    set("trace_clock", "mono")?;
    set("buffer_size_kb", BUFFER_KIB)?;
    set("trace", "")?;
    set("events/raw_syscalls/enable", "1")?;
    let child = Command::new(program).args(args).spawn();
    let ended = child.and_then(|mut child| Ok((child.id(), child.wait()?)));
    set("events/raw_syscalls/enable", "0")?;
    let (pid, status) = ended?;
    ensure!(status.success(), "{program}: {status}");
    Ok(parts(
        &fs::read_to_string(Path::new(TRACEFS).join("trace"))?,
        pid,
    ))
}

fn set(file: &str, value: &str) -> Result<()> {
    let path = Path::new(TRACEFS).join(file);
    fs::write(&path, value).with_context(|| format!("cannot write {}", path.display()))
}

/// Adds up the calls of one thread.
fn parts(trace: &str, tid: u32) -> Startup {
    let lines: Vec<Line> = trace.lines().filter_map(Line::parse).collect();
    let starts = |line: &Line| line.call == EXECVE && line.first_argument.is_some();
    let until = lines.iter().rposition(starts).unwrap_or(lines.len());
    let mut parts = Startup::default();
    let mut begun: HashMap<u64, (u64, u64)> = HashMap::new();
    for line in lines[..until].iter().filter(|line| line.tid == tid) {
        let Some(command) = line.first_argument else {
            if let Some((at, command)) = begun.remove(&line.call) {
                parts.add(line.call, command, line.at.saturating_sub(at));
            }
            continue;
        };
        begun.insert(line.call, (line.at, command));
    }
    parts
}

impl Startup {
    fn add(&mut self, call: u64, command: u64, time: u64) {
        let part = match (call, command) {
            (BPF, BPF_PROG_LOAD) => {
                self.programs += 1;
                &mut self.verify
            }
            (BPF, BPF_RAW_TRACEPOINT_OPEN | BPF_LINK_CREATE) | (PERF_EVENT_OPEN | IOCTL, _) => {
                &mut self.attach
            }
            (BPF, _) => &mut self.maps,
            (READ, _) => &mut self.read,
            _ => &mut self.other,
        };
        *part += time;
    }
}

/// Begin or end of a system call.
struct Line {
    tid: u32,
    /// Nanoseconds.
    at: u64,
    call: u64,
    /// At its begin.
    first_argument: Option<u64>,
}

impl Line {
    /// Reads lines such as
    /// `volprobe-211 [000] ..... 12.345678: sys_enter: NR 321 (5, 7ffe0, 90, 0, 0, 0)`
    /// and `volprobe-211 [000] ..... 12.345690: sys_exit: NR 321 = 7`.
    fn parse(line: &str) -> Option<Self> {
        let (head, event) = line.split_once(": sys_")?;
        let (task, _) = head.split_once(" [")?;
        let tid = task.trim_end().rsplit('-').next()?.parse().ok()?;
        let (seconds, micros) = head.rsplit(' ').next()?.split_once('.')?;
        let micros = seconds.parse::<u64>().ok()? * 1_000_000 + micros.parse::<u64>().ok()?;
        let (_, call) = event.split_once("NR ")?;
        let (call, rest) = call.split_once(' ')?;
        let first_argument = rest
            .strip_prefix('(')
            .and_then(|arguments| arguments.split([',', ')']).next())
            .and_then(|first| u64::from_str_radix(first.trim(), 16).ok());
        Some(Self {
            tid,
            at: micros * 1000,
            call: call.parse().ok()?,
            first_argument,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "\
# tracer: nop
        volprobe-211     [000] .....    12.000010: sys_enter: NR 321 (5, 7ffe0, 90, 0, 0, 0)
        volprobe-211     [000] .....    12.000030: sys_exit: NR 321 = 7
        volprobe-212     [000] .....    12.000031: sys_enter: NR 0 (3, 7ffe0, 90, 0, 0, 0)
        volprobe-211     [000] .....    12.000040: sys_enter: NR 321 (1c, 7ffe0, 90, 0, 0, 0)
        volprobe-211     [000] .....    12.000045: sys_exit: NR 321 = 8
        volprobe-211     [000] .....    12.000050: sys_enter: NR 0 (3, 7ffe0, 90, 0, 0, 0)
        volprobe-211     [000] .....    12.000053: sys_exit: NR 0 = 4096
        volprobe-213     [000] .....    12.000060: sys_enter: NR 59 (3, 7ffe0, 90, 0, 0, 0)
        volprobe-211     [000] .....    12.000070: sys_enter: NR 0 (3, 7ffe0, 90, 0, 0, 0)
        volprobe-211     [000] .....    12.000079: sys_exit: NR 0 = 4096
";

    #[test]
    fn the_calls_of_one_thread_are_added_up_by_what_they_are() {
        let expected = Startup {
            programs: 1,
            verify: 20_000,
            attach: 5_000,
            read: 3_000,
            ..Startup::default()
        };
        assert_eq!(parts(TRACE, 211), expected);
    }
}
