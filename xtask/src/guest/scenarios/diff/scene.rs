//! A disk that is throttled as a small cloud disk is, with files on it, and the
//! programs that copy them.
//!
//! The disk's delay, and not the processor, decides how long a copy takes: so
//! the paces hold on a loaded host too.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};

use crate::guest::{
    hypervisor,
    recorder::Recording,
    stage::{Disk, Stage},
    tool,
};

/// Size of the disks.
pub(super) const GIB: u64 = 1 << 30;

/// Files of each run.
pub(super) const FILES: u32 = 4;
/// The values of read-ahead that are compared, KiB, each with as many files as it
/// takes to tell: at the smaller one each is hundreds of windows.
pub(super) const COMPARED: [(u64, u32); 2] = [(4096, FILES), (128, 2)];
/// Bytes of a file: many times the largest window, because the disk answers the
/// first requests after a pause at once, as does the kernel submit the first windows.
pub(super) const FILE_BYTES: u64 = 32 << 20;

/// Requests a second that the disk does.
pub(super) const IOPS: u32 = 50;

/// How files are copied.
pub(super) type Copier = fn(&Path, &Path) -> Result<()>;

/// The copier in coreutils.
pub(super) fn cp(from: &Path, to: &Path) -> Result<()> {
    by(&["cp"], from, to)
}

/// Go's `io.Copy`.
pub(super) fn go(from: &Path, to: &Path) -> Result<()> {
    by(&["gocopy"], from, to)
}

/// Rust's `std::io::copy`.
pub(super) fn rust(from: &Path, to: &Path) -> Result<()> {
    io::copy(&mut File::open(from)?, &mut File::create(to)?)?;
    Ok(())
}

/// `sendfile(2)`.
pub(super) fn sendfile(from: &Path, to: &Path) -> Result<()> {
    let sendfile = format!("sendfile -i {} 0 {FILE_BYTES}", from.display());
    let to = to.to_string_lossy();
    tool::ok(&["xfs_io", "-f", "-t", "-c", &sendfile, &to]).map(drop)
}

/// Plain read and write.
pub(super) fn dd(from: &Path, to: &Path) -> Result<()> {
    let (from, to) = (from.display(), to.display());
    tool::shell(&format!("dd if={from} of={to} bs=64k 2>&1")).map(drop)
}

/// Runs a program with a source and a target.
pub(super) fn by(program: &[&str], from: &Path, to: &Path) -> Result<()> {
    let (from, to) = (from.to_string_lossy(), to.to_string_lossy());
    tool::ok(&[program, &[&from, &to]].concat())?;
    Ok(())
}

/// The throttled disk and its files.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) disk: Disk,
    /// Where the files are.
    pub(super) from: PathBuf,
}

impl Scene {
    /// An ext4 with the files on it.
    pub(super) fn on_ext4(stage: &mut Stage) -> Result<Self> {
        let disk = stage.disk(GIB)?;
        let from = stage.ext4(&disk)?;
        Self::with_files(disk, from)
    }

    /// Puts the files there.
    pub(super) fn with_files(disk: Disk, from: PathBuf) -> Result<Self> {
        for i in 0..FILES {
            fs::write(from.join(i.to_string()), vec![i as u8; FILE_BYTES as usize])?;
        }
        Ok(Self { disk, from })
    }

    /// Sets read-ahead of the disk, KiB.
    pub(super) fn set_read_ahead(&self, kb: u64) -> Result<()> {
        let path = format!("/sys/block/{}/queue/read_ahead_kb", self.disk.name);
        println!("{path} < {kb}");
        fs::write(&path, kb.to_string()).with_context(|| format!("cannot write {path}"))
    }

    /// So many requests a second from now on, 0 for as many as there are; caches
    /// are emptied before.
    pub(super) fn throttle(&self, iops: u32) -> Result<()> {
        hypervisor::ask(&format!("iops {} 0", self.disk.name))?;
        tool::shell("sync; echo 3 > /proc/sys/vm/drop_caches")?;
        hypervisor::ask(&format!("iops {} {iops}", self.disk.name)).map(drop)
    }

    /// Records how each of the first `files` files is copied to `to`, with caches
    /// empty and the disk throttled. Returns the seconds that the copies took.
    pub(super) fn record(&self, file: &Path, files: u32, to: &Path, copier: Copier) -> Result<f64> {
        self.throttle(IOPS)?;
        self.record_as_is(file, files, to, copier, |_| Ok(()))
    }

    /// The same, the disk being as it is; `before` is called before each file.
    pub(super) fn record_as_is(
        &self,
        file: &Path,
        files: u32,
        to: &Path,
        copier: Copier,
        before: impl Fn(u32) -> Result<()>,
    ) -> Result<f64> {
        let recording = Recording::start_into(file, &["--flush", "100ms"])?;
        let mut seconds = 0.0;
        for i in 0..files {
            before(i)?;
            let started = Instant::now();
            copier(&self.from.join(i.to_string()), to)?;
            seconds += started.elapsed().as_secs_f64();
            // What is yet to be written would be in the way of what is read.
            fs::remove_file(to)?;
        }
        recording.stop_only()?;
        Ok(seconds)
    }
}
