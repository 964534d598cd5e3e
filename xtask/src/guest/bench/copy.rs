//! The cost of one `copy_file_range` of 4 KiB within a file system, cached.

use std::{
    fs::{self, File, OpenOptions},
    os::fd::AsFd,
    path::Path,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use rustix::fs::copy_file_range;

use super::{Cost, Profile, compare::Workload, counter, tracer::Tracer};
use crate::guest::{hypervisor, stage::Stage};

const BYTES: usize = 4096;
/// Calls of one measurement, by each thread.
const CALLS: usize = 2000;
/// Calls of which every instruction is written down.
const TRACED_CALLS: u64 = 200;
/// A tracer adds at least so much; what repeats of one measurement differ by
/// is less.
const LEAST: u64 = 50;
const FUNCTION: &str = "vfs_copy_file_range";

/// Every tracer, each measured alone.
const TRACERS: &[(&str, Tracer)] = &[
    ("floor", Tracer::Floor),
    ("volprobe", Tracer::Volprobe(&[])),
    (
        "volprobe, devices and cgroup only",
        Tracer::Volprobe(&["--probe", "copy", "--without", "on-cpu,readahead"]),
    ),
    (
        "volprobe without devices",
        Tracer::Volprobe(&["--without", "devices"]),
    ),
    (
        "volprobe without cgroup",
        Tracer::Volprobe(&["--without", "cgroup"]),
    ),
    (
        "volprobe without time on CPU",
        Tracer::Volprobe(&["--without", "on-cpu"]),
    ),
    (
        "volprobe without readahead inside",
        Tracer::Volprobe(&["--without", "readahead"]),
    ),
    ("funclatency", Tracer::Funclatency),
    ("bpftrace fentry", Tracer::Bpftrace("kfunc", "kretfunc")),
    ("bpftrace kprobe", Tracer::Bpftrace("kprobe", "kretprobe")),
];

/// What each tracer adds to a call, with so many threads that copy.
pub(super) fn costs(threads: usize) -> Result<Vec<Cost>> {
    let mut stage = Stage::new()?;
    let disk = stage.disk(512 << 20)?;
    let at = stage.ext4(&disk)?;
    let pairs = (0..threads)
        .map(|number| Pair::new(&at, number))
        .collect::<Result<Vec<_>>>()?;
    let workload = Workload {
        function: FUNCTION,
        probe: "copy",
        operations: (CALLS * threads) as u64,
        least: LEAST,
        measure: || instructions(&pairs),
    };
    workload.costs(TRACERS)
}

/// Has every instruction of some calls written down, plain and under volprobe,
/// as traces of these names. Returns the number of calls of each, and the file
/// that holds the kernel's symbols.
pub(super) fn profile() -> Result<Profile> {
    let mut stage = Stage::new()?;
    let disk = stage.disk(512 << 20)?;
    let pair = Pair::new(&stage.ext4(&disk)?, 0)?;
    thread::sleep(Duration::from_secs(3));
    let plain = one_by_one(&pair)?;
    trace("plain", &pair)?;
    let running = Tracer::Volprobe(&[])
        .start(FUNCTION, || Ok(one_by_one(&pair)? > plain + LEAST))?
        .context("volprobe does not run")?;
    trace("traced", &pair)?;
    let symbols = "/tmp/symbols".to_owned();
    fs::copy("/proc/kallsyms", &symbols)?;
    running.stop("copy")?;
    Ok(Profile {
        calls: TRACED_CALLS,
        symbols,
    })
}

fn trace(name: &str, pair: &Pair) -> Result<()> {
    hypervisor::ask(&format!("trace {name}"))?;
    for _ in 0..TRACED_CALLS {
        pair.copy()?;
    }
    hypervisor::ask("trace off")?;
    Ok(())
}

/// Two files of one thread.
struct Pair {
    from: File,
    to: File,
}

impl Pair {
    fn new(at: &Path, number: usize) -> Result<Self> {
        let open = |name: &str| -> Result<File> {
            let path = at.join(format!("{name}-{number}"));
            fs::write(&path, [7; BYTES])?;
            Ok(OpenOptions::new().read(true).write(true).open(path)?)
        };
        Ok(Self {
            from: open("from")?,
            to: open("to")?,
        })
    }

    fn copy(&self) -> Result<()> {
        let copied = copy_file_range(
            self.from.as_fd(),
            Some(&mut 0),
            self.to.as_fd(),
            Some(&mut 0),
            BYTES,
        )?;
        ensure!(copied == BYTES, "copied {copied} bytes");
        Ok(())
    }
}

/// Instructions of one call.
fn instructions(pairs: &[Pair]) -> Result<u64> {
    if let [pair] = pairs {
        return one_by_one(pair);
    }
    // Instructions of all processors are counted together, so only the sum of
    // all calls can be told. Repeated, as ticks fall into it.
    let rounds = (0..9)
        .map(|_| together(pairs))
        .collect::<Result<Vec<_>>>()?;
    Ok(counter::median(rounds))
}

fn one_by_one(pair: &Pair) -> Result<u64> {
    let mut calls = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let start = counter::now();
        pair.copy()?;
        calls.push(counter::now() - start);
    }
    Ok(counter::median(calls))
}

fn together(pairs: &[Pair]) -> Result<u64> {
    let start = counter::now();
    thread::scope(|scope| {
        let workers: Vec<_> = pairs
            .iter()
            .map(|pair| {
                scope.spawn(move || -> Result<()> {
                    for _ in 0..CALLS {
                        pair.copy()?;
                    }
                    Ok(())
                })
            })
            .collect();
        for worker in workers {
            worker
                .join()
                .map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        }
        anyhow::Ok(())
    })?;
    Ok((counter::now() - start) / (CALLS * pairs.len()) as u64)
}
