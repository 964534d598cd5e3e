//! The cost of one `copy_file_range` of 4 KiB within a file system, cached.

use std::{
    fs::{self, File, OpenOptions},
    os::fd::AsFd,
    path::Path,
};

use anyhow::{Result, ensure};
use rustix::fs::copy_file_range;

use super::{
    Cost, Profile,
    compare::Workload,
    counter,
    tracer::{self, Tracer},
};
use crate::guest::stage::Stage;

const BYTES: usize = 4096;
/// Calls of one measurement, or of one round by all threads.
const CALLS: usize = 2000;
/// Calls of which every instruction is written down.
const TRACED_CALLS: u64 = 200;

/// volprobe with a part left out, to tell what the part costs.
const PARTS: &[(&str, Tracer)] = &[
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
];

/// What each tracer adds to a call, with so many threads that copy.
pub(super) fn costs(threads: usize) -> Result<Vec<Cost>> {
    let pairs = pairs(threads)?;
    workload(&pairs).costs(&tracer::all(PARTS, threads))
}

/// Every instruction of some calls, plain and under volprobe.
pub(super) fn profile() -> Result<Profile> {
    let pairs = pairs(1)?;
    workload(&pairs).profile(|| (0..TRACED_CALLS).try_for_each(|_| pairs[0].copy()))
}

fn pairs(threads: usize) -> Result<Vec<Pair>> {
    let mut stage = Stage::new()?;
    let disk = stage.disk(512 << 20)?;
    let at = stage.ext4(&disk)?;
    (0..threads).map(|number| Pair::new(&at, number)).collect()
}

fn workload(pairs: &[Pair]) -> Workload<impl FnMut() -> Result<u64>> {
    Workload {
        function: "vfs_copy_file_range",
        probe: "copy",
        operations: CALLS as u64,
        least: 50,
        measure: || instructions(pairs),
    }
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
    let calls = CALLS / pairs.len();
    let all = counter::together(pairs, |pair| (0..calls).try_for_each(|_| pair.copy()))?;
    Ok(all / CALLS as u64)
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
