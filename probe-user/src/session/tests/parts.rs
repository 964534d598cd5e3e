//! Recordings over several files, and spans of time cut out of them.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::counts;
use super::stream::{SECOND, recorder};
use crate::analysis::report;
use crate::model;
use crate::sample::Window;
use crate::session::load::{self, load};
use crate::session::{Limits, Recording, Rotating, Span, WriteError, WriterOptions};

/// Each window takes about 300 bytes; a file ends after a few.
const SMALL: u64 = 6 << 10;

fn rotate(path: &Path, files: u32, windows: &[Window]) -> bool {
    let full = Rc::new(Cell::new(false));
    let told = Rc::clone(&full);
    let limits = Limits {
        max_size: SMALL,
        files,
    };
    let options = WriterOptions::default();
    let mut recording = Rotating::create(path, &options, limits, move || told.set(true)).unwrap();
    for window in windows {
        recording.write(window).unwrap();
    }
    crate::sink::Sink::finish(&mut recording).unwrap();
    full.get()
}

/// FILE and its numbered parts, newest first.
fn files(path: &Path) -> Vec<PathBuf> {
    let numbered = (1..).map(|n| PathBuf::from(format!("{}.{n}", path.display())));
    std::iter::once(path.to_owned())
        .chain(numbered)
        .take_while(|path| path.exists())
        .collect()
}

fn whole(windows: &[Window]) -> model::Recording {
    let mut recording = model::Recording::default();
    for window in windows {
        recording.apply(window);
    }
    recording
}

fn one(paths: &[PathBuf], span: Span) -> model::Recording {
    let mut all = load(paths, &span).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn parts_are_complete_and_together_they_are_the_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.vprec");
    let windows = recorder(100);
    assert!(!rotate(&path, 99, &windows));
    let mut parts = files(&path);
    assert!(parts.len() > 3, "{}", parts.len());
    for part in &parts {
        assert!(
            part.metadata().unwrap().len() <= SMALL,
            "{}",
            part.display()
        );
        let mut alone = Recording::open(part).unwrap();
        assert!(alone.completeness().unwrap().is_complete());
        assert_eq!(alone.session().host, "node7");
        assert!(!alone.totals().volumes.devices.is_empty());
        let report = report(&one(std::slice::from_ref(part), Span::default()));
        assert!(!report.completeness.truncated);
    }
    // In any order, and one of them given twice.
    parts.reverse();
    parts.push(parts[1].clone());
    let (read, written) = (one(&parts, Span::default()), whole(&windows));
    assert_eq!(counts(read.totals()), counts(written.totals()));
    assert_eq!(read.totals().windows, 100);
    assert_eq!(read.start_ns(), written.start_ns());
    let ids = |recording: &model::Recording| recording.events().map(|e| e.id).collect::<Vec<_>>();
    assert_eq!(ids(&read), ids(&written));
    let json = |recording| serde_json::to_value(report(recording)).unwrap();
    let mut expected = json(&written);
    expected["session"]["part"] = 0.into();
    assert_eq!(json(&read), expected);
}

/// What `live FILE FILE.1 …` is given.
fn replayed(paths: &[PathBuf]) -> model::Recording {
    let mut recording = model::Recording::default();
    for window in load::parts(paths).unwrap().remove(0).stream() {
        recording.apply(&window.unwrap());
    }
    recording
}

#[test]
fn replayed_they_tell_the_same_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.vprec");
    rotate(&path, 99, &recorder(100));
    let parts = files(&path);
    let read = one(&parts, Span::default());
    let mut replayed = replayed(&parts);
    replayed.set_reading(read.reading().clone());
    let json = |recording| serde_json::to_string(&report(recording)).unwrap();
    assert_eq!(json(&replayed), json(&read));
}

#[test]
fn replayed_a_part_that_is_not_given_is_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.vprec");
    rotate(&path, 99, &recorder(100));
    let mut parts = files(&path);
    let missing = Recording::open(&parts.remove(1)).unwrap();
    let replayed = replayed(&parts);
    let gaps: Vec<_> = replayed.gaps().filter(|gap| gap.probe.is_empty()).collect();
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].from_boot_ns, missing.session().start_boot_ns);
    assert_eq!(gaps[0].to_boot_ns, missing.totals().to_boot_ns);
}

#[test]
fn a_report_says_how_many_parts_lie_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.vprec");
    rotate(&path, 99, &recorder(100));
    let parts = files(&path);
    let part = |paths: &[PathBuf]| report(&one(paths, Span::default())).session.part;
    assert_eq!(part(&parts), Some(0));
    assert_eq!(part(&parts[..2]), Some(parts.len() as u32 - 2));
    let span = Span {
        from: Some("+90s".parse().unwrap()),
        ..Span::default()
    };
    assert_eq!(
        report(&one(&parts[..3], span)).session.part,
        Some(parts.len() as u32 - 3)
    );
    assert_eq!(report(&whole(&recorder(10))).session.part, None);
}

#[test]
fn the_oldest_part_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.vprec");
    rotate(&path, 3, &recorder(100));
    let parts = files(&path);
    assert_eq!(parts.len(), 3);
    let read = one(&parts, Span::default());
    assert_eq!(read.ended().unwrap().why, "signal");
    assert!(read.start_ns() > whole(&recorder(100)).start_ns());
    assert!(read.gaps().all(|gap| gap.why == "module unloaded"));
}

#[test]
fn a_part_that_is_not_given_is_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.vprec");
    rotate(&path, 99, &recorder(100));
    let mut parts = files(&path);
    let missing = Recording::open(&parts.remove(1)).unwrap();
    let read = one(&parts, Span::default());
    let gaps: Vec<_> = read.gaps().filter(|gap| gap.probe.is_empty()).collect();
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].from_boot_ns, missing.session().start_boot_ns);
    assert_eq!(gaps[0].to_boot_ns, missing.totals().to_boot_ns);
}

#[test]
fn a_single_file_that_is_full_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.vprec");
    assert!(rotate(&path, 1, &recorder(100)));
    assert_eq!(files(&path).len(), 1);
}

#[test]
fn files_of_another_recording_are_not_pushed_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.vprec");
    let other = dir.path().join("a.vprec.2");
    std::fs::write(&other, "precious").unwrap();
    let limits = Limits {
        max_size: SMALL,
        files: 4,
    };
    let options = WriterOptions::default();
    let refused = Rotating::create(&path, &options, limits.clone(), || {});
    assert!(matches!(refused, Err(WriteError::Exists(path)) if path == other));
    assert!(!path.exists());
    let force = WriterOptions {
        force: true,
        ..options
    };
    assert!(Rotating::create(&path, &force, limits, || {}).is_ok());
    assert!(!other.exists());
}

#[test]
fn a_span_holds_what_happened_within_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.vprec");
    let windows = recorder(100);
    rotate(&path, 99, &windows);
    let start = windows[0].from_boot_ns;
    let span = Span {
        from: Some("+20s".parse().unwrap()),
        to: Some("+50s".parse().unwrap()),
    };
    let read = one(&files(&path), span);
    let inside =
        |window: &&Window| (start + 21 * SECOND..=start + 50 * SECOND).contains(&window.to_boot_ns);
    let mut expected = model::Totals::default();
    for window in windows.iter().filter(inside) {
        expected.fold(window);
    }
    assert_eq!(read.totals().counts, expected.counts);
    assert_eq!(read.totals().processes, expected.processes);
    assert_eq!(read.totals().events, expected.events);
    assert_eq!(read.start_ns(), start + 20 * SECOND);
    assert_eq!(read.end_ns(), start + 50 * SECOND);
    assert!(!report(&read).completeness.truncated);
    assert!(!read.totals().volumes.devices.is_empty());
}
