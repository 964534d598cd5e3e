//! What reports and live views look like.

use super::{Style, report_json, report_text, tick_lines};
use crate::analysis::{report, tick};
use crate::model::Recording;
use crate::model::testing::{
    GIB, MS, NAS, SECOND, Story, VDB, VDC, VDC1, disk, ext4, nfs, number, text, vdc1,
};
use crate::sample::probe_status::State;
use crate::sample::{ProbeSchema, Record, probe_schema};
use crate::session;
use crate::sink::Sink;
use serde_json::Value;

fn plain(recording: &Recording) -> String {
    let mut out = Vec::new();
    report_text(&report(recording), Style::plain(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn json(recording: &Recording) -> Value {
    let mut out = Vec::new();
    report_json(&report(recording), &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

/// The incident this tool was made for.
fn did_not_grow() -> Story {
    let mut story = Story::new();
    story
        .at(57_941)
        .tool(&["resize2fs", "/dev/vdb"], 0, 0, &[(VDB, 20 * GIB)])
        .measure(20, 20);
    story
        .at(61_141)
        .capacity(VDB, "vdb", 20, 40)
        .measure(40, 20);
    story.at(958_000).measure(40, 20).end(958_000);
    story
}

#[test]
fn an_empty_recording_says_so() {
    insta::assert_snapshot!(plain(&Recording::default()));
    insta::assert_json_snapshot!(json(&Recording::default()));
}

#[test]
fn the_volume_that_did_not_grow() {
    let recording = did_not_grow().recording();
    insta::assert_snapshot!(plain(&recording));
    insta::assert_json_snapshot!(json(&recording));
}

#[test]
fn copies_and_readahead() {
    let mut story = Story::new();
    story.inventory(
        vec![disk(VDC, "vdc", 8 * GIB), vdc1(8 * GIB)],
        vec![ext4(VDC1, "/backup", 8 * GIB), nfs()],
        false,
    );
    story.at(1000).copies(
        VDB,
        VDC1,
        "splice",
        "syscall",
        &[MS, 2 * MS, 3 * MS, 40 * MS],
    );
    story.failed_copies(NAS, VDB, "syscall", &[("EXDEV", 12)]);
    story.failed_copies(VDB, VDB, "ioctl", &[("EOPNOTSUPP", 3)]);
    let keys = vec![number(NAS.0.into()), text("async"), number(0)];
    story.count(
        "readahead",
        keys,
        &[10, 320, 320, 10 * 4000, 1, 288, SECOND, 320],
        &[4000; 10],
        &[],
    );
    story.miss("copy", Some(7)).end(2000);
    let recording = story.recording();
    insta::assert_snapshot!(plain(&recording));
    let json = json(&recording);
    insta::assert_json_snapshot!(serde_json::json!({
        "copy": json["copy"], "readahead": json["readahead"], "devices": json["devices"], "findings": json["findings"],
    }));
}

#[test]
fn a_probe_nobody_heard_of_is_reported() {
    let mut story = Story::new();
    let key = |name: &str, kind: probe_schema::key::Kind| probe_schema::Key {
        name: name.to_owned(),
        kind: kind.into(),
    };
    story.put(Record::Schema(ProbeSchema {
        probe: "fsync".to_owned(),
        keys: vec![
            key("device", probe_schema::key::Kind::Device),
            key("mode", probe_schema::key::Kind::Text),
        ],
        sums: vec![probe_schema::Sum {
            name: "bytes_flushed".to_owned(),
            unit: "bytes".to_owned(),
        }],
        histograms: vec![probe_schema::Histogram {
            name: "latency_ns".to_owned(),
            unit: "ns".to_owned(),
            buckets: 640,
        }],
        pace: None,
    }));
    story.probe("fsync", State::Attached, "passed");
    story.at(1000).count(
        "fsync",
        vec![number(VDB.0.into()), text("data")],
        &[3 << 20],
        &[MS, 9 * MS],
        &[("EIO", 1)],
    );
    story.end(2000);
    let recording = story.recording();
    let text = plain(&recording);
    let lines: Vec<_> = text
        .lines()
        .skip_while(|line| *line != "fsync")
        .take(3)
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
    insta::assert_json_snapshot!(json(&recording)["series"]);
    let lines: Vec<String> = story
        .windows
        .iter()
        .scan(Recording::default(), |seen, window| {
            seen.apply(window);
            Some(tick_lines(&tick(seen, window, Vec::new()), Style::plain()))
        })
        .collect();
    insta::assert_snapshot!(
        lines
            .concat()
            .lines()
            .filter(|line| line.contains("fsync "))
            .collect::<Vec<_>>()
            .join("\n")
    );
}

#[test]
fn what_was_lost_is_said() {
    let mut story = Story::new();
    story
        .at(2000)
        .lose("ring/resize", 3)
        .at(3000)
        .lose("ring/resize", 4)
        .lose("series/copy", 9);
    story.miss("copy", Some(5)).miss("resize", None);
    story.gap("resize", 4000, 5000, "module xfs was unloaded");
    story.at(6000).probe("readahead", State::Failed, "");
    story.at(7000).copies(VDB, VDB, "splice", "syscall", &[MS]);
    let recording = story.recording();
    insta::assert_snapshot!(plain(&recording));
    let json = json(&recording);
    insta::assert_json_snapshot!(serde_json::json!({
        "completeness": json["completeness"], "probes": json["session"]["probes"],
    }));
}

#[test]
fn an_unsynchronised_clock_is_said() {
    let mut story = Story::new().unsynchronised();
    story.at(1000).capacity(VDB, "vdb", 20, 40).end(2000);
    let json = json(&story.recording());
    assert_eq!(json["clock"]["synchronised"], false);
    assert_eq!(json["clock"]["max_error_ns"], 16 * SECOND);
    assert_eq!(json["timeline"][0]["error_ns"], SECOND);
    assert_eq!(json["timeline"][0]["time"], "2026-03-11T07:14:01Z");
    assert_eq!(json["completeness"]["complete"], true);
    assert!(plain(&story.recording()).contains("not synchronised"));
}

#[test]
fn the_self_test_is_in_nothing() {
    let mut story = Story::new();
    story
        .at(100)
        .tool(&["resize2fs", "/dev/vdb"], 0, 0, &[(VDB, 20 * GIB)])
        .end(200);
    for window in &mut story.windows {
        for sample in &mut window.samples {
            if let Some(Record::Event(event)) = &mut sample.record {
                event.self_test = true;
            }
        }
    }
    assert_eq!(json(&story.recording())["timeline"], Value::Array(vec![]));
    let recording = story.recording();
    assert!(
        story
            .windows
            .iter()
            .all(|window| tick(&recording, window, Vec::new()).timeline.is_empty())
    );
}

#[test]
fn names_cannot_drive_the_terminal() {
    let mut story = Story::new();
    story
        .at(100)
        .tool(&["resize2fs\x1b[2J", "/dev/vdb"], 1, 0, &[(VDB, 20 * GIB)])
        .end(200);
    let text = plain(&story.recording());
    assert!(
        !text.contains('\x1b') && text.contains("resize2fs\\u{1b}[2J"),
        "{text}"
    );
}

#[test]
fn colours_are_the_callers_choice() {
    let mut out = Vec::new();
    let style = Style {
        color: true,
        width: 100,
    };
    report_text(&report(&did_not_grow().recording()), style, &mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("\x1b[1mnode7"));
}

#[test]
fn no_line_is_wider_than_the_page() {
    let mut story = did_not_grow();
    let long = format!("/mnt/{}", "long/".repeat(40));
    story.inventory(vec![], vec![ext4(VDC1, &long, GIB)], false);
    story.copies(VDC1, VDC1, "splice", "syscall", &[MS]);
    for line in plain(&story.recording()).lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn a_file_with_totals_reads_as_the_live_stream_does() {
    let story = did_not_grow();
    let live = story.recording();
    let mut read = Recording::default();
    for window in &story.windows {
        read.apply_history(window.clone());
    }
    read.add_totals(live.totals());
    assert_eq!(json(&read), json(&live));
}

#[test]
fn windows_that_a_program_set_for_its_file_are_said_to_be() {
    // `cp` asks for twice what is configured.
    let of = |pages| {
        let mut story = Story::new();
        story.at(1000).reads(VDB, 20, pages, MS, pages).end(2000);
        plain(&story.recording())
    };
    let note = "windows of up to 256 KiB, where 128 are configured";
    assert!(of(64).contains(note), "{}", of(64));
    assert!(!of(32).contains("are configured"), "{}", of(32));
}

#[test]
fn copies_that_were_cut_short_are_said_to_be() {
    let mut story = Story::new();
    story.at(1000).short_copies_via(VDB, VDB, "syscall", 10, 10);
    story.at(2000).copies_at_the_end(VDB, VDB, 2).end(3000);
    let text = plain(&story.recording());
    let note = "8 ended before the file did: 20 MiB asked";
    assert!(text.contains(note), "{text}");
}

#[test]
fn a_tick_has_what_its_window_brought() {
    let mut story = Story::new();
    story.at(1000).copies(VDB, VDB, "splice", "syscall", &[MS]);
    story
        .at(2000)
        .copies(VDB, VDB, "splice", "syscall", &[2 * MS, 2 * MS]);
    let recording = story.recording();
    let tick = tick(&recording, story.windows.last().unwrap(), Vec::new());
    assert_eq!(tick.copy[0].calls, 2);
    assert_eq!(tick.interval_ns, SECOND);
    insta::assert_snapshot!(tick_lines(&tick, Style::plain()), @"07:14:02.000  copy      vdb → vdb splice  2/s  2 MiB/s  p50 2 ms p99 2 ms max 2 ms  25 % on CPU  512 pages read ahead in 16 windows  (ext4 shares no blocks)  pod db/mysql-0");
}

#[test]
fn a_recording_on_disk_reads_as_the_live_stream_does() {
    let story = did_not_grow();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.vprec");
    let mut writer = session::Writer::create(&path, &session::WriterOptions::default()).unwrap();
    for window in &story.windows {
        writer.window(window).unwrap();
    }
    writer.finish().unwrap();

    let mut file = session::Recording::open(&path).unwrap();
    let mut read = Recording::default();
    for window in file.timeline() {
        read.apply_history(window.unwrap());
    }
    read.add_totals(file.totals());
    assert_eq!(json(&read), json(&story.recording()));
}
