//! The cost of one readahead window: a file is read from its beginning to its
//! end. It is all hole, so that its pages are there once they are asked for, and
//! no disk's time falls into the measurement. The usual tools trace one function;
//! volprobe all those that it takes to tell windows, pages, kinds and streams.

use std::{
    fs::File,
    os::{fd::AsFd, unix::fs::FileExt},
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use rustix::fs::{Advice, fadvise};

use super::{
    Cost, Profile,
    compare::Workload,
    counter,
    tracer::{self, Tracer},
};
use crate::guest::{stage::Stage, tool};

const BYTES: u64 = 4 << 20;
const PAGE: u64 = 4096;
/// Bytes of one window: the read-ahead that is set. Few pages, as finding and
/// clearing them varies, and what a tracer adds is for the window.
const WINDOW: u64 = 16 << 10;
const WINDOWS: u64 = BYTES / WINDOW;
/// Times that the file is read for one measurement.
const ROUNDS: usize = 15;
/// Windows of which every instruction is written down.
const TRACED_WINDOWS: u64 = 16;

/// volprobe with a part left out, to tell what the part costs.
const PARTS: &[(&str, Tracer)] = &[
    (
        "volprobe, of readahead only",
        Tracer::Volprobe(&["--probe", "readahead"]),
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
        "volprobe without readahead inside copies",
        Tracer::Volprobe(&["--without", "readahead"]),
    ),
];

/// What each tracer adds to a window that so many threads read at once.
pub(super) fn costs(threads: usize) -> Result<Vec<Cost>> {
    let holes = holes(threads)?;
    workload(&holes).costs(&tracer::all(PARTS, threads))
}

/// Every instruction of some windows, plain and under volprobe. Of each page one
/// byte is read: copying it is nothing that is looked for.
pub(super) fn profile() -> Result<Profile> {
    let holes = holes(1)?;
    workload(&holes).profile(|| {
        let file = open(&holes[0])?;
        (0..TRACED_WINDOWS * WINDOW / PAGE).try_for_each(|page| {
            ensure!(file.read_at(&mut [0], page * PAGE)? == 1, "an empty read");
            Ok(())
        })
    })
}

/// Files that are all hole, one a thread.
fn holes(threads: usize) -> Result<Vec<PathBuf>> {
    let mut stage = Stage::new()?;
    let disk = stage.disk(512 << 20)?;
    let at = stage.ext4(&disk)?;
    tool::shell(&format!(
        "echo {} > /sys/block/{}/queue/read_ahead_kb",
        WINDOW >> 10,
        disk.name
    ))?;
    let holes = (0..threads).map(|number| {
        let path = at.join(format!("hole-{number}"));
        File::create(&path)?.set_len(BYTES)?;
        Ok(path)
    });
    holes.collect()
}

fn workload(holes: &[PathBuf]) -> Workload<impl FnMut() -> Result<u64>> {
    Workload {
        function: "page_cache_async_ra",
        probe: "readahead",
        // The first windows of a file are not asked for by this function.
        operations: (WINDOWS - 4) * ROUNDS as u64,
        least: 50,
        measure: || instructions(holes),
    }
}

/// Instructions of one window.
fn instructions(holes: &[PathBuf]) -> Result<u64> {
    if let [hole] = holes {
        return one_by_one(hole);
    }
    let round = || {
        let files: Vec<File> = holes.iter().map(|hole| open(hole)).collect::<Result<_>>()?;
        counter::at_once(&files, |file| {
            (0..WINDOWS).try_for_each(|number| read(file, number))
        })
    };
    let rounds = (0..ROUNDS).map(|_| round()).collect::<Result<_>>()?;
    Ok(counter::median(rounds) / (WINDOWS * holes.len() as u64))
}

fn one_by_one(hole: &Path) -> Result<u64> {
    let mut windows = Vec::new();
    for _ in 0..ROUNDS {
        let file = open(hole)?;
        for number in 0..WINDOWS {
            let start = counter::now();
            read(&file, number)?;
            windows.push(counter::now() - start);
        }
    }
    Ok(counter::median(windows))
}

/// The file, of which no page is in memory.
fn open(hole: &Path) -> Result<File> {
    let file = File::open(hole)?;
    fadvise(file.as_fd(), 0, None, Advice::DontNeed)?;
    Ok(file)
}

/// Reads one window.
fn read(file: &File, number: u64) -> Result<()> {
    let mut buffer = [0; WINDOW as usize];
    let len = file.read_at(&mut buffer, number * WINDOW)?;
    ensure!(len == buffer.len(), "a read of {len} bytes");
    Ok(())
}
