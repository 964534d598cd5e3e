//! Another implementation, in Python, written from `docs/format.md`, reads the
//! same totals. `cargo xtask test` runs this with a Python that has the
//! packages of `tests/second_reader/requirements.txt`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::stream::{delta, recorder, window};
use crate::model::Totals;
use crate::model::totals::SeriesTotal;
use crate::session::{Recording, Writer, WriterOptions};

/// Names the Python interpreter.
const PYTHON: &str = "VOLPROBE_TEST_PYTHON";

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn python() -> Command {
    let python = std::env::var_os(PYTHON).unwrap_or_else(|| panic!("{PYTHON} is not set"));
    Command::new(python)
}

/// What the other reader says of this file.
fn read_by_python(folder: &Path, file: &Path) -> Value {
    let compiled = python()
        .args(["-m", "grpc_tools.protoc"])
        .arg(format!("--proto_path={}", here("proto").display()))
        .arg(format!("--python_out={}", folder.display()))
        .arg("volprobe.proto")
        .status()
        .unwrap();
    assert!(compiled.success());
    let output = python()
        .arg(here("tests/second_reader/read.py"))
        .arg(folder)
        .arg(file)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Counts that are not 0, by their place.
fn by_place<'a>(counts: impl IntoIterator<Item = &'a u64>) -> Value {
    let counts = counts.into_iter().enumerate();
    let nonzero = counts.filter(|(_, count)| **count != 0);
    nonzero
        .map(|(at, count)| (at.to_string(), json!(count)))
        .collect()
}

fn series(total: &SeriesTotal) -> Value {
    let buckets: BTreeMap<String, Value> = (total.histograms.iter().enumerate())
        .map(|(at, histogram)| {
            let buckets = histogram.buckets.iter();
            let buckets = buckets.map(|(index, count)| (index.to_string(), json!(count)));
            (at.to_string(), buckets.collect())
        })
        .collect();
    let errors = total.errors.iter().filter(|(_, count)| **count != 0);
    json!({
        "sums": by_place(&total.sums),
        "max": by_place(total.histograms.iter().map(|histogram| &histogram.max)),
        "buckets": buckets,
        "errors": errors.collect::<BTreeMap<_, _>>(),
    })
}

fn as_json(totals: &Totals) -> Value {
    let missed = totals.missed.iter();
    let devices = totals.volumes.devices.iter();
    let processes = totals.processes.iter();
    let losses = totals.losses.iter();
    json!({
        "windows": totals.windows,
        "window_seq": totals.window_seq,
        "events": totals.events,
        "anchors": totals.clock.anchors,
        "losses": losses.map(|(kind, loss)| (kind, loss.count)).collect::<BTreeMap<_, _>>(),
        "missed": missed
            .map(|((probe, hook), count)| (format!("{probe}/{hook}"), *count))
            .collect::<BTreeMap<_, _>>(),
        "devices": devices
            .map(|(dev, d)| (dev.to_string(), json!([d.name, d.size_bytes, d.removed])))
            .collect::<BTreeMap<_, _>>(),
        "processes": processes
            .map(|(key, total)| {
                let name = format!(
                    "{}/{}/{}/{}/{}",
                    key.pid, key.comm, key.cgroup, key.dev_in, key.dev_out
                );
                (name, json!([total.calls, total.bytes, total.time_ns]))
            })
            .collect::<BTreeMap<_, _>>(),
        "series": totals
            .counts
            .iter()
            .map(|(id, total)| (id.to_string(), series(total)))
            .collect::<BTreeMap<_, _>>(),
    })
}

/// Records into a file; ended or as if killed, and then also cut.
fn check(end: bool, cut: u64) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.vprec");
    let options = WriterOptions {
        key_frame_every: Duration::from_secs(20),
        ..WriterOptions::default()
    };
    let mut writer = Writer::create(&file, &options).unwrap();
    let mut windows = recorder(70);
    // One window and key frame too long for one frame each.
    let many = (0..20_000u32).map(|i| delta(i + 1, 1000 + u64::from(i)));
    windows[30] = window(30, many.collect());
    for window in &windows {
        writer.write(window).unwrap();
    }
    if end {
        writer.end().unwrap();
    } else {
        let whole = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
        whole.set_len(writer.length() - cut).unwrap();
    }
    let recording = Recording::open(&file).unwrap();
    let expected = as_json(recording.totals());
    let read = read_by_python(folder.path(), &file);
    assert_eq!(read["all_windows"], expected);
    assert_eq!(read["from_key_frame"], expected);
    let why = if end { json!("signal") } else { Value::Null };
    assert_eq!(read["end"], why);
}

#[test]
#[ignore = "needs Python with packages: cargo xtask test"]
fn an_ended_recording_reads_the_same_in_python() {
    check(true, 0);
}

#[test]
#[ignore = "needs Python with packages: cargo xtask test"]
fn a_killed_recording_reads_the_same_in_python() {
    check(false, 7);
}

/// Those that real recorders made on real kernels.
#[test]
#[ignore = "needs Python with packages: cargo xtask test"]
fn the_corpus_reads_the_same_in_python() {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(here("tests/corpus/format-1")).unwrap() {
        let file = entry.unwrap().path();
        let mut recording = Recording::open(&file).unwrap();
        let expected = as_json(recording.totals());
        let read = read_by_python(folder.path(), &file);
        let name = file.display();
        assert_eq!(read["all_windows"], expected, "{name}");
        assert_eq!(read["from_key_frame"], expected, "{name}");
        let ended = &recording.completeness().unwrap().ended;
        let why = ended.as_ref().map(|end| end.why.clone());
        assert_eq!(read["end"], json!(why), "{name}");
    }
}
