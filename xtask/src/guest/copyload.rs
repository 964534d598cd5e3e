//! A workload that knows its own counts.
//!
//! `copyload DIR OTHER THREADS ROUNDS` lets each thread copy within DIR by
//! `copy_file_range`: whole blocks, a short copy at the end of the file, a
//! copy past it, one of no length; and the errors that reach the VFS: into a
//! file opened for reading (EBADF), onto itself (EINVAL), into OTHER on
//! another file system (EXDEV). It prints what each call returned, summed by
//! pair of directories.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    os::fd::AsFd,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::{fs::copy_file_range, io::Errno};
use serde::{Deserialize, Serialize};

/// Block size of every file system in the tests.
const BLOCK: u64 = 4096;
/// Whole blocks in a source file.
const BLOCKS: u64 = 64;
/// Bytes in a source file after its last whole block.
const REST: u64 = 1000;

/// What the calls between two directories returned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Count {
    /// All calls.
    pub calls: u64,
    /// Calls that copied something.
    pub copied: u64,
    /// Calls that returned 0.
    pub empty: u64,
    /// Calls that failed, by errno.
    pub errors: BTreeMap<String, u64>,
    /// Bytes asked for, by all calls.
    pub bytes_requested: u64,
    /// Bytes returned.
    pub bytes_copied: u64,
}

impl Count {
    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.copied += other.copied;
        self.empty += other.empty;
        self.bytes_requested += other.bytes_requested;
        self.bytes_copied += other.bytes_copied;
        for (error, count) in &other.errors {
            *self.errors.entry(error.clone()).or_default() += count;
        }
    }
}

/// The truth about one run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Truth {
    /// Calls within DIR.
    pub within: Count,
    /// Calls from DIR to OTHER.
    pub across: Count,
}

impl Truth {
    /// All calls.
    pub(super) fn calls(&self) -> u64 {
        self.within.calls + self.across.calls
    }
}

/// Runs the workload and prints its truth as one line of JSON.
pub(super) fn run(args: &[String]) -> Result<()> {
    let [dir, other, threads, rounds] = args else {
        bail!("usage: copyload DIR OTHER THREADS ROUNDS");
    };
    let (dir, other) = (PathBuf::from(dir), PathBuf::from(other));
    let (threads, rounds): (u64, u64) = (threads.parse()?, rounds.parse()?);
    let workers: Vec<_> = (0..threads)
        .map(|number| {
            let mut worker = Worker::new(&dir, &other, number)?;
            Ok(thread::spawn(move || worker.work(rounds)))
        })
        .collect::<Result<_>>()?;
    let mut truth = Truth::default();
    for worker in workers {
        let part = worker
            .join()
            .map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        truth.within.add(&part.within);
        truth.across.add(&part.across);
    }
    println!("{}", serde_json::to_string(&truth)?);
    Ok(())
}

struct Worker {
    source: File,
    target: File,
    read_only: File,
    other: File,
    truth: Truth,
}

impl Worker {
    fn new(dir: &Path, other: &Path, number: u64) -> Result<Self> {
        let source_path = dir.join(format!("source-{number}"));
        let target_path = dir.join(format!("target-{number}"));
        let data: Vec<u8> = (0..BLOCKS * BLOCK + REST)
            .map(|at| (at / BLOCK + at + number) as u8)
            .collect();
        std::fs::write(&source_path, data).context("cannot write the source")?;
        let writable = |path: &Path| {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(path)
        };
        Ok(Self {
            source: OpenOptions::new()
                .read(true)
                .write(true)
                .open(&source_path)?,
            target: writable(&target_path)?,
            read_only: File::open(&target_path)?,
            other: writable(&other.join(format!("other-{number}")))?,
            truth: Truth::default(),
        })
    }

    fn work(&mut self, rounds: u64) -> Result<Truth> {
        let size = BLOCKS * BLOCK + REST;
        for round in 0..rounds {
            for step in 0..8 {
                let at = (round * 8 + step) % BLOCKS * BLOCK;
                self.copy(To::Target, at, at, BLOCK, Ok(BLOCK))?;
            }
            self.copy(
                To::Target,
                BLOCKS * BLOCK,
                BLOCKS * BLOCK,
                2 * BLOCK,
                Ok(REST),
            )?;
            self.copy(To::Target, size, 0, BLOCK, Ok(0))?;
            self.copy(To::Target, 0, 0, 0, Ok(0))?;
            self.copy(To::ReadOnly, 0, 0, BLOCK, Err(Errno::BADF))?;
            self.copy(To::Itself, 0, BLOCK / 2, BLOCK, Err(Errno::INVAL))?;
            self.copy(To::Other, 0, 0, BLOCK, Err(Errno::XDEV))?;
        }
        Ok(std::mem::take(&mut self.truth))
    }

    /// One call, whose outcome must be the expected one.
    fn copy(
        &mut self,
        to: To,
        mut from_at: u64,
        mut to_at: u64,
        len: u64,
        expected: Result<u64, Errno>,
    ) -> Result<()> {
        let (file, count) = match to {
            To::Target => (&self.target, &mut self.truth.within),
            To::ReadOnly => (&self.read_only, &mut self.truth.within),
            To::Itself => (&self.source, &mut self.truth.within),
            To::Other => (&self.other, &mut self.truth.across),
        };
        let outcome = copy_file_range(
            self.source.as_fd(),
            Some(&mut from_at),
            file.as_fd(),
            Some(&mut to_at),
            len as usize,
        )
        .map(|copied| copied as u64);
        ensure!(
            outcome == expected,
            "{to:?} at {from_at}: {outcome:?} instead of {expected:?}"
        );
        count.calls += 1;
        count.bytes_requested += len;
        match outcome {
            Ok(0) => count.empty += 1,
            Ok(copied) => {
                count.copied += 1;
                count.bytes_copied += copied;
            }
            Err(error) => *count.errors.entry(name(error)?.to_owned()).or_default() += 1,
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
enum To {
    Target,
    ReadOnly,
    Itself,
    Other,
}

fn name(error: Errno) -> Result<&'static str> {
    Ok(match error {
        Errno::BADF => "EBADF",
        Errno::INVAL => "EINVAL",
        Errno::XDEV => "EXDEV",
        other => bail!("unexpected error {other}"),
    })
}
