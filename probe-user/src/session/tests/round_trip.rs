//! What is written is read.

use std::time::Duration;

use proptest::prelude::*;

use super::stream::{arbitrary, recorder, window};
use super::{open, read, record, writer};
use crate::model::Totals;
use crate::sample::{Record, Window};
use crate::session::{Completeness, WriterOptions};

fn options(seconds: u64) -> WriterOptions {
    WriterOptions {
        key_frame_every: Duration::from_secs(seconds),
        ..WriterOptions::default()
    }
}

/// The samples of a window in the order of a recording.
fn in_file_order(window: &Window) -> Vec<String> {
    let mut samples: Vec<String> = window.samples.iter().map(|s| format!("{s:?}")).collect();
    samples.sort();
    samples
}

fn fold(windows: &[Window]) -> Totals {
    let mut totals = Totals::default();
    for window in windows {
        totals.fold(window);
    }
    totals
}

#[test]
fn a_recording_is_read_back_whole() {
    let windows = recorder(40);
    let reading = read(open(record(&windows, &options(7))));
    assert_eq!(reading.windows.len(), windows.len());
    for (read, written) in reading.windows.iter().zip(&windows) {
        assert_eq!(
            (read.seq, read.from_boot_ns, read.to_boot_ns),
            (written.seq, written.from_boot_ns, written.to_boot_ns)
        );
        assert_eq!(in_file_order(read), in_file_order(written));
    }
    for completeness in &reading.completeness {
        let ended = completeness.ended.as_ref().unwrap();
        assert_eq!((ended.why.as_str(), ended.windows), ("signal", 40));
        assert!(completeness.is_complete(), "{completeness:?}");
        let expected = Completeness {
            ended: completeness.ended.clone(),
            last_boot_ns: windows[39].to_boot_ns,
            ..Completeness::default()
        };
        assert_eq!(*completeness, expected);
    }
}

#[test]
fn the_timeline_has_all_of_its_records_and_no_measurements() {
    let windows = recorder(40);
    let reading = read(open(record(&windows, &options(7))));
    let timeline = |windows: &[Window]| -> Vec<Record> {
        windows
            .iter()
            .flat_map(|w| w.samples.iter().filter_map(|s| s.record.clone()))
            .filter(Record::is_timeline)
            .collect()
    };
    assert_eq!(timeline(&reading.timeline), timeline(&windows));
    let others = reading
        .timeline
        .iter()
        .flat_map(|w| w.samples.iter().filter_map(|s| s.record.clone()))
        .filter(|record| !record.is_timeline());
    for record in others {
        assert!(matches!(record, Record::Anchor(_)), "{record:?}");
    }
}

#[test]
fn each_event_has_an_anchor_on_either_side() {
    let reading = read(open(record(&recorder(40), &options(60))));
    for window in &reading.timeline {
        let anchors: Vec<u64> = window
            .samples
            .iter()
            .filter_map(|s| match &s.record {
                Some(Record::Anchor(anchor)) => Some(anchor.boot_ns),
                _ => None,
            })
            .collect();
        // Before the first window there is none.
        let first = window.seq == 0;
        assert!(
            first || anchors.contains(&window.from_boot_ns),
            "{anchors:?}"
        );
        assert!(anchors.contains(&window.to_boot_ns), "{anchors:?}");
    }
}

#[test]
fn a_window_of_many_frames_is_one_window_again() {
    let mut windows = recorder(3);
    let more = recorder(20_000);
    let events = more.iter().flat_map(|w| w.samples.clone());
    windows[1].samples.extend(
        events.filter(|sample| !matches!(sample.record, Some(Record::Session(_) | Record::End(_)))),
    );
    let bytes = record(&windows, &options(60));
    let reading = read(open(bytes));
    assert_eq!(reading.windows.len(), 3);
    assert_eq!(
        in_file_order(&reading.windows[1]),
        in_file_order(&windows[1])
    );
    assert!(reading.timeline.len() > 3);
    assert!(reading.completeness[0].is_complete());
    assert_eq!(reading.completeness[0], reading.completeness[1]);
}

#[test]
fn totals_too_long_for_a_frame_are_read_back() {
    let many = |n: u64| {
        let records = (0..20_000u32).map(|i| super::stream::delta(i + 1, n + 1));
        window(n, records.collect())
    };
    let mut windows = recorder(2);
    windows.truncate(1);
    windows.extend((1..4).map(many));
    let mut writer = writer(&options(1));
    for window in &windows {
        writer.write(window).unwrap();
    }
    assert!(
        writer
            .totals()
            .to_key_frames(crate::session::parts::PART)
            .len()
            > 1
    );
    // As killed: the last key frame is all there is.
    let recording = open(writer.store().clone());
    assert!(recording.key_frame().is_some());
    assert_eq!(*recording.totals(), fold(&windows));
}

#[test]
fn a_killed_recording_has_all_that_was_flushed() {
    let windows = recorder(25);
    let mut writer = writer(&options(10));
    for window in &windows {
        writer.write(window).unwrap();
    }
    let reading = read(open(writer.store().clone()));
    assert_eq!(reading.totals, fold(&windows));
    for completeness in &reading.completeness {
        assert!(completeness.truncated());
        assert!(!completeness.is_complete());
        assert_eq!(completeness.last_boot_ns, windows[24].to_boot_ns);
        assert_eq!(completeness.gaps, []);
    }
}

#[test]
fn nothing_follows_the_end() {
    let mut writer = writer(&WriterOptions::default());
    writer.write(&recorder(1)[0]).unwrap();
    writer.end().unwrap();
    let length = writer.length();
    assert!(writer.write(&recorder(1)[0]).is_err());
    writer.end().unwrap();
    assert_eq!(writer.length(), length);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_way_of_reading_gives_the_same_totals(windows in arbitrary(), seconds in 1u64..20) {
        let expected = fold(&windows);
        let reading = read(open(record(&windows, &options(seconds))));
        prop_assert_eq!(&reading.totals, &expected);
        prop_assert_eq!(&reading.folded, &expected);
        let [by_windows, by_timeline] = &reading.completeness;
        prop_assert!(by_windows.is_complete());
        prop_assert_eq!(by_windows, by_timeline);
    }

    #[test]
    fn totals_survive_any_split_of_a_key_frame(windows in arbitrary(), limit in 100usize..4000) {
        let totals = fold(&windows);
        let parts = totals.to_key_frames(limit);
        prop_assert_eq!(Totals::from_key_frames(parts), totals);
    }
}
