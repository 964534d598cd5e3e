//! Recordings in files, and disks that fail.

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::stream::{anchor, delta, grown, recorder, window};
use super::{open, read};
use crate::sample::Record;
use crate::session::{Recording, Store, WriteError, Writer, WriterOptions};

fn forced() -> WriterOptions {
    WriterOptions {
        force: true,
        ..WriterOptions::default()
    }
}

#[test]
fn a_file_is_private_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.vprec");
    let mut writer = Writer::create(&path, &WriterOptions::default()).unwrap();
    for window in &recorder(90) {
        writer.write(window).unwrap();
    }
    writer.end().unwrap();
    let metadata = path.metadata().unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(metadata.len(), writer.length());
    let reading = read(Recording::open(&path).unwrap());
    assert!(reading.completeness[0].is_complete());
    assert_eq!(&reading.totals, writer.totals());
}

#[test]
fn an_existing_file_is_kept_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.vprec");
    std::fs::write(&path, "precious").unwrap();
    let error = Writer::create(&path, &WriterOptions::default()).err();
    assert!(matches!(error, Some(WriteError::Exists(_))), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    Writer::create(&path, &forced()).unwrap();
    assert_ne!(std::fs::read(&path).unwrap(), b"precious");
}

#[test]
fn force_replaces_files_only() {
    let folder = tempfile::tempdir().unwrap();
    let victim = folder.path().join("victim");
    let link = folder.path().join("link");
    std::fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, &link).unwrap();
    for path in [&link, &folder.path().to_owned()] {
        let error = Writer::create(path, &forced()).err();
        assert!(matches!(error, Some(WriteError::NotAFile(_))), "{error:?}");
    }
    assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
}

#[test]
fn a_removed_file_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.vprec");
    let mut writer = Writer::create(&path, &WriterOptions::default()).unwrap();
    std::fs::remove_file(&path).unwrap();
    let windows = recorder(10);
    let error = windows.iter().find_map(|window| writer.write(window).err());
    let error = error.expect("ten seconds hold a sync");
    let message = format!("{:#}", anyhow::Error::from(error));
    assert!(message.contains("was removed"), "{message}");
}

/// A disk with so many bytes, which may set room aside or not.
struct Disk {
    bytes: Vec<u8>,
    size: u64,
    can_reserve: bool,
    syncs: usize,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let free = (self.size as usize).saturating_sub(self.bytes.len());
        if free == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = free.min(bytes.len());
        self.bytes.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Store for Disk {
    fn sync(&mut self) -> io::Result<()> {
        self.syncs += 1;
        Ok(())
    }

    fn reserve(&mut self, length: u64) -> io::Result<()> {
        if self.can_reserve && length > self.size {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.bytes.truncate(length as usize);
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Records on a disk of this size until it is full.
fn fill(size: u64, can_reserve: bool) -> (String, Vec<u8>) {
    let disk = Disk {
        bytes: Vec::new(),
        size,
        can_reserve,
        syncs: 0,
    };
    let path = Path::new("/data/a.vprec");
    let mut writer = Writer::new(path, disk, &WriterOptions::default()).unwrap();
    let windows = recorder(5000);
    let error = windows.iter().find_map(|window| writer.write(window).err());
    let error = error.expect("the disk is small");
    assert!(matches!(error, WriteError::DiskFull { .. }), "{error:?}");
    assert!(matches!(
        writer.write(&windows[0]),
        Err(WriteError::Ended(_))
    ));
    (error.to_string(), writer.store().bytes.clone())
}

#[test]
fn a_full_disk_leaves_a_recording_that_says_so() {
    let (message, bytes) = fill(200_000, true);
    assert!(
        message.starts_with("the disk is full: /data/a.vprec ends after 1"),
        "{message}"
    );
    let reading = read(open(bytes));
    let completeness = &reading.completeness[0];
    assert_eq!(completeness.ended.as_ref().unwrap().why, "disk full");
    assert_eq!(completeness.damaged_frames, 0);
    assert!(completeness.gaps.is_empty());
    assert!(reading.windows.len() > 100);
    // It is in the stream too, though no window brought it.
    for windows in [&reading.windows, &reading.timeline] {
        let last = windows.last().and_then(|window| window.samples.last());
        let Some(Record::End(end)) = last.and_then(|sample| sample.record.as_ref()) else {
            panic!("{last:?}");
        };
        assert_eq!(Some(end), completeness.ended.as_ref());
    }
    assert_eq!(reading.totals, reading.folded);
}

#[test]
fn a_disk_that_sets_nothing_aside_leaves_no_half_frame() {
    for size in (100_000..100_300).step_by(7) {
        let (_, bytes) = fill(size, false);
        let reading = read(open(bytes));
        assert_eq!(reading.completeness[0].cut_bytes, 0);
        assert_eq!(reading.completeness[0].damaged_frames, 0);
        assert_eq!(reading.totals, reading.folded);
    }
}

#[test]
fn an_idle_disk_is_left_alone_for_longer() {
    let disk = Disk {
        bytes: Vec::new(),
        size: 1 << 20,
        can_reserve: true,
        syncs: 0,
    };
    let path = Path::new("/data/a.vprec");
    let mut writer = Writer::new(path, disk, &WriterOptions::default()).unwrap();
    let mut synced = Vec::new();
    for number in 1..60 {
        let happened = match number {
            30..36 => vec![delta(1, 10)],
            50 => vec![grown(50)],
            _ => Vec::new(),
        };
        let records = happened.into_iter().chain([anchor(number)]).collect();
        let syncs = writer.store().syncs;
        writer.write(&window(number, records)).unwrap();
        synced.extend((writer.store().syncs > syncs).then_some(number));
    }
    // Fifteen seconds apart; where something is counted, three; a growth at once.
    assert_eq!(synced, [15, 30, 33, 36, 50]);
}
