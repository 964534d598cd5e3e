//! The cost of one readahead window: a file is read from its beginning to its
//! end. It is all hole, so that its pages are there once they are asked for, and
//! no disk's time falls into the measurement.

use std::{fs::File, os::fd::AsFd, os::unix::fs::FileExt};

use anyhow::{Result, ensure};
use rustix::fs::{Advice, fadvise};

use super::{Cost, compare::Workload, counter, tracer::Tracer};
use crate::guest::{stage::Stage, tool};

const BYTES: u64 = 8 << 20;
/// Bytes of one window: the read-ahead that is set.
const WINDOW: u64 = 128 << 10;
const WINDOWS: u64 = BYTES / WINDOW;
/// Times that the file is read for one measurement.
const ROUNDS: usize = 51;

/// Every tracer, each measured alone. The usual tools trace one function;
/// volprobe all those that it takes to tell windows, pages, kinds and streams.
const TRACERS: &[(&str, Tracer)] = &[
    ("floor", Tracer::Floor),
    ("volprobe", Tracer::Volprobe(&[])),
    (
        "volprobe readahead",
        Tracer::Volprobe(&["--probe", "readahead"]),
    ),
    ("funclatency", Tracer::Funclatency),
    ("bpftrace fentry", Tracer::Bpftrace("kfunc", "kretfunc")),
    ("bpftrace kprobe", Tracer::Bpftrace("kprobe", "kretprobe")),
];

/// What each tracer adds to a window.
pub(super) fn costs() -> Result<Vec<Cost>> {
    let mut stage = Stage::new()?;
    let disk = stage.disk(512 << 20)?;
    let path = stage.ext4(&disk)?.join("hole");
    File::create(&path)?.set_len(BYTES)?;
    tool::shell(&format!(
        "echo {} > /sys/block/{}/queue/read_ahead_kb",
        WINDOW >> 10,
        disk.name
    ))?;
    let mut buffer = vec![0; WINDOW as usize];
    let workload = Workload {
        function: "page_cache_async_ra",
        probe: "readahead",
        // The first windows of a file are not asked for by this function.
        operations: (WINDOWS - 4) * ROUNDS as u64,
        least: 50,
        measure: || {
            let rounds = (0..ROUNDS)
                .map(|_| read(&File::open(&path)?, &mut buffer))
                .collect::<Result<Vec<_>>>()?;
            Ok(counter::median(rounds))
        },
    };
    workload.costs(TRACERS)
}

/// Reads the file anew. Returns instructions a window.
fn read(file: &File, buffer: &mut [u8]) -> Result<u64> {
    fadvise(file.as_fd(), 0, None, Advice::DontNeed)?;
    let start = counter::now();
    for window in 0..WINDOWS {
        let len = file.read_at(buffer, window * WINDOW)?;
        ensure!(len == buffer.len(), "a read of {len} bytes");
    }
    Ok((counter::now() - start) / WINDOWS)
}
