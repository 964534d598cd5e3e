//! Recordings of every version are read by this one.

#![allow(clippy::unwrap_used)]

use std::io::Cursor;
use std::path::{Path, PathBuf};
use volprobe::analysis::{Report, report};
use volprobe::session::Recording;

fn corpus() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let folders = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = folders
        .filter(|path| path.is_dir())
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn read(bytes: Vec<u8>) -> Option<Report> {
    let mut recording = Recording::new(Cursor::new(bytes)).ok()?;
    Some(report(&recording.fold().unwrap()))
}

#[test]
fn all_of_them_are_complete() {
    for file in corpus() {
        let report = read(std::fs::read(&file).unwrap()).unwrap();
        let completeness = &report.completeness;
        assert!(
            completeness.complete,
            "{}: {completeness:?}",
            file.display()
        );
        assert!(completeness.unknown.is_empty());
    }
}

#[test]
fn what_they_show_is_still_found() {
    let file = corpus().remove(0);
    let report = read(std::fs::read(file).unwrap()).unwrap();
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.rule, finding.device.as_deref()))
        .collect();
    assert!(
        found.contains(&("resize/no-op-before-capacity", Some("vdb"))),
        "{found:?}"
    );
    assert_eq!(
        report.session.kernel.as_deref(),
        Some("6.12.117+deb13-cloud-amd64")
    );
}

/// Cut off anywhere, a recording is not complete, and whatever it still has is
/// among what the whole one has.
#[test]
fn cut_anywhere_they_say_so() {
    for file in corpus() {
        let whole = std::fs::read(&file).unwrap();
        let all = read(whole.clone()).unwrap();
        for length in (0..whole.len()).step_by(61) {
            let Some(part) = read(whole[..length].to_vec()) else {
                continue;
            };
            assert!(
                !part.completeness.complete,
                "{} at {length}",
                file.display()
            );
            assert!(part.completeness.truncated);
            assert!(part.timeline.len() <= all.timeline.len());
            let calls = |report: &Report| report.copy.iter().map(|row| row.calls).sum::<u64>();
            assert!(
                calls(&part) <= calls(&all),
                "{} at {length}",
                file.display()
            );
        }
    }
}

/// A flipped byte costs no more than it may, and is told: never another number
/// in a report that calls itself complete.
#[test]
fn flipped_bytes_are_told() {
    for file in corpus() {
        let whole = std::fs::read(&file).unwrap();
        for at in (0..whole.len()).step_by(37) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x40;
            if let Some(report) = read(bytes) {
                assert!(!report.completeness.complete, "{} at {at}", file.display());
            }
        }
    }
}
