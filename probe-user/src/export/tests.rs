//! Exports of made-up nodes, read back: by this crate's own readers here, and
//! by other implementations in Python under `cargo xtask test`.

use super::{ExportError, Format, export};
use crate::analysis::{Report, report};
use crate::model::testing::{GIB, MS, Story, VDB, VDC, disk, ext4};
use crate::probe::schema;
use crate::sample::{ProbeSchema, Record, Session, probe_schema, series::KeyValue};
use crate::session::{Span, Writer, WriterOptions, load};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A node of a fleet, by its number: every 25th has another read-ahead than the
/// rest, every 10th a volume whose file system is smaller than its device, and
/// every 40th lost something.
fn node(number: u64) -> Story {
    let mut story = Story::new();
    for window in &mut story.windows {
        for sample in &mut window.samples {
            if let Some(Record::Session(session)) = &mut sample.record {
                session.host = format!("node-{number:03}");
                session.boot_id = format!("boot-{number}");
            }
        }
    }
    let read_ahead_kb = Some(if number % 25 == 7 { 4096 } else { 128 });
    let vdb = crate::sample::inventory::Device {
        read_ahead_kb,
        ..disk(VDB, "vdb", 20 * GIB)
    };
    let vdc = crate::sample::inventory::Device {
        read_ahead_kb,
        ..disk(VDC, "vdc", 40 * GIB)
    };
    let size = if number % 10 == 3 { 20 } else { 40 };
    let mounts = vec![ext4(VDB, "/data", 20 * GIB), ext4(VDC, "/more", size * GIB)];
    story.at(100).inventory(vec![vdb, vdc], mounts, true);
    for second in 1..5 {
        let latencies: Vec<u64> = (1..=second * 3).map(|n| n * MS + number).collect();
        story
            .at(second * 1000)
            .copies(VDB, VDC, "splice", "syscall", &latencies);
    }
    if number % 40 == 11 {
        story.at(5500).lose("ring/resize", 9);
    }
    story
        .at(6000)
        .tool(&["resize2fs", "/dev/vdb"], 0, 0, &[(VDB, 20 * GIB)]);
    story.at(7000).capacity(VDB, "vdb", 20, 40);
    story.at(8000).resize(VDB, 20, 40, "EPERM");
    story.at(9000).end(9000);
    story
}

fn save(dir: &Path, name: &str, story: &Story) -> PathBuf {
    let path = dir.join(format!("{name}.vprec"));
    let mut writer = Writer::create(&path, &WriterOptions::default()).unwrap();
    for window in &story.windows {
        writer.write(window).unwrap();
    }
    writer.end().unwrap();
    path
}

fn fleet(dir: &Path, nodes: u64) -> Vec<PathBuf> {
    (0..nodes)
        .map(|number| save(dir, &number.to_string(), &node(number)))
        .collect()
}

fn reports(files: &[PathBuf]) -> Vec<Report> {
    let recordings = load(files, &Span::default()).unwrap();
    recordings.iter().map(report).collect()
}

#[test]
fn nothing_is_replaced_unasked() {
    let dir = tempfile::tempdir().unwrap();
    let files = fleet(dir.path(), 1);
    let out = dir.path().join("out.jsonl");
    std::fs::write(&out, "precious").unwrap();
    let refused = export(&files, Format::Jsonl, &out, false);
    assert!(matches!(refused, Err(ExportError::Exists(path)) if path == out));
    export(&files, Format::Jsonl, &out, true).unwrap();
    assert_ne!(std::fs::read_to_string(&out).unwrap(), "precious");
}

#[test]
fn lines_are_all_samples() {
    let dir = tempfile::tempdir().unwrap();
    let files = fleet(dir.path(), 2);
    let out = dir.path().join("out.jsonl");
    export(&files, Format::Jsonl, &out, false).unwrap();
    let text = std::fs::read_to_string(&out).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let samples = |number| {
        node(number)
            .windows
            .iter()
            .map(|w| w.samples.len())
            .sum::<usize>()
    };
    assert_eq!(lines.len(), samples(0) + samples(1));
    let calls: u64 = lines
        .iter()
        .filter(|line| line["node"] == "node-001")
        .filter_map(|line| line["record"]["delta"]["sums"][0].as_u64())
        .sum();
    assert_eq!(calls, 30);
    let exit = lines
        .iter()
        .find(|line| !line["record"]["event"]["detail"]["exec_exit"].is_null());
    assert_eq!(
        exit.unwrap()["record"]["event"]["detail"]["exec_exit"]["argv"],
        json!(["resize2fs", "/dev/vdb"])
    );
}

#[test]
fn a_hostile_name_becomes_no_path_and_no_escape() {
    let dir = tempfile::tempdir().unwrap();
    let mut story = node(0);
    story.put(Record::from(Session {
        host: "../../\u{1b}[2Jx".to_owned(),
        ..Session::default()
    }));
    let files = [
        save(dir.path(), "a", &story),
        save(dir.path(), "b", &node(1)),
    ];
    let (folder, lines) = (dir.path().join("hlog"), dir.path().join("lines"));
    export(&files, Format::Hlog, &folder, false).unwrap();
    for file in std::fs::read_dir(&folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(
            !name.contains(['/', '\u{1b}']) && !name.contains(".."),
            "{name}"
        );
    }
    export(&files, Format::Jsonl, &lines, false).unwrap();
    assert!(!std::fs::read(&lines).unwrap().contains(&0x1b));
}

/// Runs a Python program on an export, with what it should find as JSON.
fn python(program: &str, out: &Path, expected: &Value) {
    let python = std::env::var_os("VOLPROBE_TEST_PYTHON").expect("set by cargo xtask test");
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/exports")
        .join(program);
    let done = Command::new(python)
        .arg(script)
        .arg(out)
        .arg(expected.to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{program}: {said}");
}

#[cfg(feature = "parquet")]
#[test]
#[ignore = "needs Python with packages: cargo xtask test"]
fn tables_of_a_fleet_answer_questions() {
    let dir = tempfile::tempdir().unwrap();
    let files = fleet(dir.path(), 120);
    let out = dir.path().join("tables");
    export(&files, Format::Parquet, &out, false).unwrap();
    let reports = reports(&files);
    let calls: u64 = reports
        .iter()
        .flat_map(|r| &r.copy)
        .map(|row| row.calls)
        .sum();
    let events: usize = reports.iter().map(|r| r.timeline.len()).sum();
    let findings: usize = reports.iter().map(|r| r.findings.len()).sum();
    let names = |wanted: fn(u64) -> bool| -> Vec<String> {
        let numbers = (0..120).filter(|&number| wanted(number));
        numbers.map(|number| format!("node-{number:03}")).collect()
    };
    let queries = include_str!("../../../docs/fleet.md");
    python(
        "parquet.py",
        &out,
        &json!({
            "nodes": 120,
            "calls": calls,
            "events": events,
            "findings": findings,
            "p50": reports[5].copy[0].latency_ns.p50,
            "queries": queries,
            "other_read_ahead": names(|number| number % 25 == 7),
            "smaller_fs": names(|number| number % 10 == 3),
            "lost": names(|number| number % 40 == 11),
        }),
    );
}

/// A probe that this program has never heard of is in every table that it can
/// be in.
#[cfg(feature = "parquet")]
#[test]
#[ignore = "needs Python with packages: cargo xtask test"]
fn a_probe_of_somebody_elses_is_in_the_tables() {
    let dir = tempfile::tempdir().unwrap();
    let mut story = node(0);
    story.put(Record::Schema(ProbeSchema {
        probe: "fsync".to_owned(),
        keys: vec![probe_schema::Key {
            name: "mode".to_owned(),
            ..probe_schema::Key::default()
        }],
        sums: vec![probe_schema::Sum {
            name: "calls".to_owned(),
            unit: "1".to_owned(),
        }],
        ..ProbeSchema::default()
    }));
    let mode = KeyValue {
        value: Some(crate::sample::series::key_value::Value::Text(
            "data".to_owned(),
        )),
    };
    story.count("fsync", vec![mode], &[42], &[], &[]);
    let files = [save(dir.path(), "a", &story)];
    let out = dir.path().join("tables");
    export(&files, Format::Parquet, &out, false).unwrap();
    python(
        "series.py",
        &out,
        &json!({"probe": "fsync", "keys": {"mode": "data"}, "calls": 42}),
    );
}

#[test]
#[ignore = "needs Python with packages: cargo xtask test"]
fn logs_are_read_by_another_hdrhistogram() {
    let dir = tempfile::tempdir().unwrap();
    let files = fleet(dir.path(), 1);
    let out = dir.path().join("logs");
    export(&files, Format::Hlog, &out, false).unwrap();
    let report = &reports(&files)[0];
    let latency = &report.copy[0].latency_ns;
    assert_eq!(schema::COPY.histograms[0].0, "latency_ns");
    python(
        "hlog.py",
        &out,
        &json!({"count": latency.count, "p50": latency.p50, "max": latency.max}),
    );
}

#[test]
#[ignore = "needs Python with packages: cargo xtask test"]
fn a_trace_follows_the_published_schema() {
    let dir = tempfile::tempdir().unwrap();
    let files = fleet(dir.path(), 1);
    let out = dir.path().join("trace.perfetto");
    export(&files, Format::Perfetto, &out, false).unwrap();
    let report = &reports(&files)[0];
    let mut rules: BTreeMap<&str, u64> = BTreeMap::new();
    for finding in &report.findings {
        *rules.entry(finding.rule).or_default() += 1;
    }
    python(
        "perfetto.py",
        &out,
        &json!({
            "calls": report.copy[0].calls,
            "findings": rules,
            "tool": "resize2fs /dev/vdb",
            "capacity": [20 * GIB, 40 * GIB],
        }),
    );
}
