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
/// Bytes of one window: the read-ahead that is set.
const WINDOW: u64 = 128 << 10;
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

/// What each tracer adds to a window.
pub(super) fn costs() -> Result<Vec<Cost>> {
    let hole = hole()?;
    workload(&hole).costs(&tracer::all(PARTS, 1))
}

/// Every instruction of some windows, plain and under volprobe. Of each page one
/// byte is read: copying it is nothing that is looked for.
pub(super) fn profile() -> Result<Profile> {
    let hole = hole()?;
    workload(&hole).profile(|| {
        let file = open(&hole)?;
        (0..TRACED_WINDOWS * WINDOW / PAGE).try_for_each(|page| {
            ensure!(file.read_at(&mut [0], page * PAGE)? == 1, "an empty read");
            Ok(())
        })
    })
}

/// A file that is all hole.
fn hole() -> Result<PathBuf> {
    let mut stage = Stage::new()?;
    let disk = stage.disk(512 << 20)?;
    let path = stage.ext4(&disk)?.join("hole");
    tool::shell(&format!(
        "echo {} > /sys/block/{}/queue/read_ahead_kb",
        WINDOW >> 10,
        disk.name
    ))?;
    File::create(&path)?.set_len(BYTES)?;
    Ok(path)
}

fn workload(hole: &Path) -> Workload<impl FnMut() -> Result<u64>> {
    Workload {
        function: "page_cache_async_ra",
        probe: "readahead",
        // The first windows of a file are not asked for by this function.
        operations: (WINDOWS - 4) * ROUNDS as u64,
        least: 50,
        measure: || instructions(hole),
    }
}

/// Instructions of one window.
fn instructions(hole: &Path) -> Result<u64> {
    let round = || {
        let file = open(hole)?;
        let start = counter::now();
        read(&file)?;
        Ok((counter::now() - start) / WINDOWS)
    };
    let rounds = (0..ROUNDS).map(|_| round()).collect::<Result<_>>()?;
    Ok(counter::median(rounds))
}

/// The file, of which no page is in memory.
fn open(hole: &Path) -> Result<File> {
    let file = File::open(hole)?;
    fadvise(file.as_fd(), 0, None, Advice::DontNeed)?;
    Ok(file)
}

/// Reads the file from its beginning to its end.
fn read(file: &File) -> Result<()> {
    let mut buffer = vec![0; WINDOW as usize];
    for window in 0..WINDOWS {
        let len = file.read_at(&mut buffer, window * WINDOW)?;
        ensure!(len == buffer.len(), "a read of {len} bytes");
    }
    Ok(())
}
