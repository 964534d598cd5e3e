//! The copy that became slow: an application that copies from a network mount,
//! recorded with two values of the mount's read-ahead.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{nfs, recorder::Recording, tool};

/// Read-ahead of the mount before the kernel upgrade, KiB: 15 times rsize.
pub(super) const BEFORE_KB: u64 = 15_360;
/// After it.
pub(super) const AFTER_KB: u64 = 128;

/// Files to copy, and MiB of each.
const FILES: u32 = 6;
const FILE_MIB: u32 = 8;

/// What the link takes, ms, each way. It, and not the processor, decides how long a
/// read takes: so the paces hold on a loaded host too.
const DELAY_MS: u32 = 20;

/// The scene: a server, a mount over a slow link, a disk to copy to.
#[derive(Debug)]
pub(super) struct SlowCopy {
    to: PathBuf,
}

impl SlowCopy {
    /// Serves `served`, where the files are made, by this version of NFS, and copies
    /// to `to`.
    pub(super) fn prepare(served: &Path, to: &Path, version: &str) -> Result<Self> {
        let from = served.display();
        tool::shell(&format!(
            "for i in $(seq {FILES}); do dd if=/dev/urandom of={from}/$i bs=1M count={FILE_MIB} 2>&1; done; sync"
        ))?;
        nfs::serve(served)?;
        nfs::mount(1 << 20, version)?;
        // The first open waits for the server's grace period.
        tool::shell(&format!("cat {}/1 > /dev/null", nfs::MOUNT))?;
        nfs::delay(DELAY_MS)?;
        Ok(Self { to: to.to_owned() })
    }

    /// Records how the application copies all files, with this read-ahead of
    /// the mount.
    pub(super) fn record(&self, file: &Path, read_ahead_kb: u64) -> Result<()> {
        nfs::set_read_ahead(read_ahead_kb)?;
        tool::shell("sync; echo 3 > /proc/sys/vm/drop_caches")?;
        let recording = Recording::start_into(file, &["--flush", "100ms"])?;
        let to = self.to.to_str().context("a path that is no text")?;
        for i in 1..=FILES {
            tool::ok(&[
                "gocopy",
                &format!("{}/{i}", nfs::MOUNT),
                &format!("{to}/copy-{i}"),
            ])?;
        }
        recording.stop_only()
    }
}
