//! A recording that is replayed tells the same as the file.

use proptest::prelude::*;

use super::stream::{arbitrary, recorder};
use super::{InMemory, open, record, writer};
use crate::analysis::report;
use crate::collect::{Replay, pump};
use crate::model;
use crate::render::report_json;
use crate::sample::{Record, Window};
use crate::session::WriterOptions;

fn json(recording: &model::Recording) -> String {
    let mut out = Vec::new();
    report_json(&report(recording), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// As `report FILE` does it: the timeline, and the totals of the end.
fn of_the_file(file: &mut InMemory) -> String {
    json(&file.fold().unwrap())
}

/// As `live FILE` does it: window after window.
fn of_the_replay(file: &mut InMemory) -> String {
    let mut recording = model::Recording::default();
    let mut source = Replay::new(file.windows(), None);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(pump(&mut source, &mut recording, std::future::pending()))
        .unwrap();
    recording.set_reading(file.completeness().unwrap().reading());
    json(&recording)
}

fn both_are_equal(bytes: Vec<u8>) {
    let mut file = open(bytes);
    let (by_file, by_replay) = (of_the_file(&mut file), of_the_replay(&mut file));
    assert_eq!(by_file, by_replay);
}

/// The clock drifts by fits and starts, so that no anchor is on the line
/// between two others.
fn unsteady(mut windows: Vec<Window>, jitter: &[i64]) -> Vec<Window> {
    let samples = windows.iter_mut().flat_map(|window| &mut window.samples);
    let anchors = samples.filter_map(|sample| match &mut sample.record {
        Some(Record::Anchor(anchor)) => Some(anchor),
        _ => None,
    });
    for (anchor, jitter) in anchors.zip(jitter.iter().cycle()) {
        anchor.real_ns += jitter;
    }
    windows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_report_is_the_same_byte_for_byte(
        length in 1u64..90,
        jitter in prop::collection::vec(-900_000i64..900_000, 1..50),
        killed: bool,
    ) {
        let windows = unsteady(recorder(length), &jitter);
        let options = WriterOptions {
            key_frame_every: std::time::Duration::from_secs(7),
            ..WriterOptions::default()
        };
        if killed {
            let mut writer = writer(&options);
            for window in &windows { writer.write(window).unwrap(); }
            both_are_equal(writer.store().clone());
        } else {
            both_are_equal(record(&windows, &options));
        }
    }

    #[test]
    fn of_any_stream_too(windows in arbitrary()) {
        both_are_equal(record(&windows, &WriterOptions::default()));
    }
}
