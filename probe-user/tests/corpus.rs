//! Recordings of every version are read by this one.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use volprobe::analysis::{Report, report};
use volprobe::export::{Format, export};
use volprobe::model;
use volprobe::render::report_json;
use volprobe::session::{Recording, Span, load, parts};

/// Moments at which each is cut, and bytes of each that are flipped.
const TRIES: usize = 120;

/// All recordings by name, each with its files: `a.vprec`, `a.vprec.1`, ….
fn corpus() -> BTreeMap<String, Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut all: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for folder in std::fs::read_dir(root).unwrap() {
        let folder = folder.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(&folder).unwrap() {
            let file = file.unwrap().path();
            let name = file.strip_prefix(folder.parent().unwrap()).unwrap();
            let (name, _) = name.to_str().unwrap().split_once(".vprec").unwrap();
            all.entry(name.to_owned()).or_default().push(file);
        }
    }
    assert!(all.len() > 1);
    all
}

fn files() -> Vec<PathBuf> {
    corpus().into_values().flatten().collect()
}

fn read(bytes: Vec<u8>) -> Option<Report> {
    let mut recording = Recording::new(Cursor::new(bytes)).ok()?;
    Some(report(&recording.fold().unwrap()))
}

fn one(files: &[PathBuf]) -> model::Recording {
    let mut all = load(files, &Span::default()).unwrap();
    assert_eq!(all.len(), 1, "{files:?}");
    all.remove(0)
}

/// What a report must say of a recording for ever. What versions add to it is
/// not in here.
fn gist(report: &Report) -> String {
    let (session, completeness) = (&report.session, &report.completeness);
    let mut gist = String::new();
    let mut line = |text: String| writeln!(gist, "{text}").unwrap();
    line(format!(
        "kernel {}, {} ns from {}, part {:?}",
        session.kernel.as_deref().unwrap_or("?"),
        session.duration_ns,
        session.start.as_deref().unwrap_or("?"),
        session.part
    ));
    line(format!(
        "complete {}, truncated {}, ended {:?}, damaged {}, unknown {}, gaps {}",
        completeness.complete,
        completeness.truncated,
        completeness.ended,
        completeness.damaged_frames,
        completeness.unknown.len(),
        completeness.gaps.len()
    ));
    for lost in &completeness.lost {
        line(format!("lost {} {}", lost.count, lost.kind));
    }
    for probe in &session.probes {
        line(format!(
            "probe {} {}, missed {:?}",
            probe.name, probe.state, probe.missed_runs
        ));
    }
    for device in report.devices.iter().filter(|d| d.fs.is_some()) {
        line(format!(
            "device {} of {:?}, {:?} of {:?}, read-ahead {:?}",
            device.name, device.size_bytes, device.fs, device.fs_size_bytes, device.read_ahead_kb
        ));
    }
    for row in &report.copy {
        line(format!(
            "copy {:?} to {:?} {:?}: {} calls, {} bytes, p50 {:?}, max {:?}",
            row.src,
            row.dst,
            row.route,
            row.calls,
            row.bytes_copied,
            row.latency_ns.p50,
            row.latency_ns.max
        ));
    }
    for row in &report.readahead {
        line(format!(
            "readahead {:?} {:?}: {} windows, {} pages, p50 {:?}",
            row.device, row.kind, row.calls, row.pages_submitted, row.window_pages.p50
        ));
    }
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &report.timeline {
        *kinds.entry(row.kind).or_default() += 1;
    }
    for (kind, count) in kinds {
        line(format!("timeline {count} {kind}"));
    }
    for finding in &report.findings {
        line(format!(
            "finding {} {:?} {:?}",
            finding.rule, finding.severity, finding.device
        ));
    }
    gist
}

#[test]
fn each_tells_what_it_always_told() {
    for (name, files) in corpus() {
        let gist = gist(&report(&one(&files)));
        insta::assert_snapshot!(name.replace(['/', '.'], "_"), gist);
    }
}

/// The files of a recording, replayed as one stream, give its report byte for byte.
#[test]
fn replayed_each_tells_the_same() {
    for (name, files) in corpus() {
        let read = one(&files);
        let mut replayed = model::Recording::default();
        let mut recordings = parts(&files).unwrap();
        for window in recordings.remove(0).stream() {
            replayed.apply(&window.unwrap());
        }
        replayed.set_reading(read.reading().clone());
        let json = |recording| {
            let mut out = Vec::new();
            report_json(&report(recording), &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(json(&replayed), json(&read), "{name}");
    }
}

/// Each can be exported in every form, and what was copied is in the export.
#[test]
fn exported_each_tells_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for (name, files) in corpus() {
        let out = |form: &str| folder.path().join(name.replace('/', "-") + form);
        export(&files, Format::Perfetto, &out("perfetto"), false).unwrap();
        export(&files, Format::Hlog, &out("hlog"), false).unwrap();
        #[cfg(feature = "parquet")]
        export(&files, Format::Parquet, &out("parquet"), false).unwrap();
        export(&files, Format::Jsonl, &out("jsonl"), false).unwrap();
        let lines = std::fs::read_to_string(out("jsonl")).unwrap();
        let records: Vec<serde_json::Value> = lines
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["record"].take())
            .collect();
        let copies: Vec<&serde_json::Value> = records
            .iter()
            .map(|record| &record["series"])
            .filter(|series| series["probe"] == "copy")
            .map(|series| &series["id"])
            .collect();
        let deltas = records.iter().map(|record| &record["delta"]);
        let calls: u64 = deltas
            .filter(|delta| copies.contains(&&delta["series"]))
            .filter_map(|delta| delta["sums"][0].as_u64())
            .sum();
        let reported: u64 = report(&one(&files)).copy.iter().map(|row| row.calls).sum();
        assert_eq!(calls, reported, "{name}");
    }
}

/// Cut off anywhere, a recording is not complete, and whatever it still has is
/// among what the whole one has.
#[test]
fn cut_anywhere_they_say_so() {
    for file in files() {
        let whole = std::fs::read(&file).unwrap();
        let all = read(whole.clone()).unwrap();
        for length in (0..whole.len()).step_by(whole.len() / TRIES) {
            let Some(part) = read(whole[..length].to_vec()) else {
                continue;
            };
            let what = format!("{} at {length}", file.display());
            assert!(!part.completeness.complete, "{what}");
            assert!(part.completeness.truncated, "{what}");
            assert!(part.timeline.len() <= all.timeline.len(), "{what}");
            let calls = |report: &Report| report.copy.iter().map(|row| row.calls).sum::<u64>();
            assert!(calls(&part) <= calls(&all), "{what}");
        }
    }
}

/// A flipped byte costs no more than it may, and is told: never another number
/// in a report that calls itself complete, nor in one without damage.
#[test]
fn flipped_bytes_are_told() {
    for file in files() {
        let whole = std::fs::read(&file).unwrap();
        for at in (0..whole.len()).step_by(whole.len() / TRIES) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x40;
            if let Some(report) = read(bytes) {
                let completeness = &report.completeness;
                assert!(!completeness.complete, "{} at {at}", file.display());
                assert!(
                    completeness.damaged_frames > 0 || completeness.truncated,
                    "{} at {at}: {completeness:?}",
                    file.display()
                );
            }
        }
    }
}
