//! What the kernel's own log still says about sizes.
//!
//! Texts: `block/genhd.c` (`detected capacity change`), `drivers/block/virtio_blk.c`
//! (`new size:`), `fs/ext4/resize.c`, `drivers/scsi/scsi_error.c`,
//! `drivers/nvme/host/core.c`, `fs/btrfs/ioctl.c`. xfs writes none.

use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, read};
use rustix::time::{ClockId, clock_gettime};
use std::io;

/// A line of the kernel's log that speaks of a size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelLine {
    /// ns since the Unix epoch, as the clock is set now. The log's clock stands
    /// still while the machine sleeps.
    pub t_ns: i64,
    /// Text.
    pub message: String,
}

/// What a line must have in it.
const TOPICS: &[&str] = &[
    "detected capacity change",
    "new size: ",
    "Capacity data has changed",
    "rescanning namespaces",
    "resizing filesystem from",
    "resized filesystem to",
    "resize aborted",
    "occurred during file system resize",
    "resize device",
];

/// The longest record that the kernel gives (`PRINTK_MESSAGE_MAX`), and more.
const RECORD: usize = 8192;

/// The lines about sizes that are still in the log, in order. The error says why
/// it cannot be read; mostly it needs root.
pub fn read_sizes() -> io::Result<Vec<KernelLine>> {
    let log = open(
        "/dev/kmsg",
        OFlags::RDONLY | OFlags::NONBLOCK,
        Mode::empty(),
    )?;
    let offset = real_of_monotonic();
    let mut lines = Vec::new();
    let mut record = vec![0; RECORD];
    loop {
        match read(&log, &mut record) {
            Ok(0) | Err(Errno::AGAIN) => return Ok(lines),
            Ok(length) => {
                let text = String::from_utf8_lossy(&record[..length]);
                lines.extend(line(&text, offset));
            }
            // Overwritten while it was read: the next read goes on after it.
            Err(Errno::PIPE | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn real_of_monotonic() -> i64 {
    let ns = |clock| {
        let now = clock_gettime(clock);
        now.tv_sec * 1_000_000_000 + now.tv_nsec
    };
    ns(ClockId::Realtime) - ns(ClockId::Monotonic)
}

/// `prefix,sequence,µs,flags[,…];text`, and lines after it that begin with a
/// space (Documentation/ABI/testing/dev-kmsg).
fn line(record: &str, offset: i64) -> Option<KernelLine> {
    let (header, rest) = record.split_once(';')?;
    let micros: i64 = header.split(',').nth(2)?.parse().ok()?;
    let message = rest.lines().next()?;
    TOPICS
        .iter()
        .any(|topic| message.contains(topic))
        .then(|| KernelLine {
            t_ns: micros.saturating_mul(1_000).saturating_add(offset),
            message: message.to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_about_sizes_are_taken() {
        let grown = "6,812,5141208,-;vdb: detected capacity change from 41943040 to 83886080\n \
                     SUBSYSTEM=block\n DEVICE=b254:16\n";
        assert_eq!(
            line(grown, 1_000),
            Some(KernelLine {
                t_ns: 5_141_209_000,
                message: "vdb: detected capacity change from 41943040 to 83886080".to_owned(),
            })
        );
        for other in [
            "6,813,5141300,-;EXT4-fs (vdb): mounted filesystem",
            "6,x,y,-;vdb: detected capacity change from 1 to 2",
            "no header",
            "",
        ] {
            assert_eq!(line(other, 0), None, "{other}");
        }
    }
}
