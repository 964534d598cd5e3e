//! Recordings that were cut, or of which bytes changed.

use std::time::Duration;

use super::stream::{SECOND, recorder};
use super::{InMemory, Reading, counts, open, read, record};
use crate::model::Totals;
use crate::sample::{FileHeader, Window};
use crate::session::frame::{HEADER_LEN, Header, Kind, Packer};
use crate::session::{Check, ReadError, WriterOptions};

const WINDOWS: u64 = 14;

fn options() -> WriterOptions {
    WriterOptions {
        key_frame_every: Duration::from_secs(5),
        ..WriterOptions::default()
    }
}

fn recording() -> Vec<u8> {
    record(&recorder(WINDOWS), &options())
}

/// Place, header and length of each frame of an intact recording.
fn frames(bytes: &[u8]) -> Vec<(usize, Header)> {
    let mut all = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let header = Header::decode(&bytes[at..]).unwrap();
        all.push((at, header));
        at += header.frame_len() as usize;
    }
    all
}

fn place(bytes: &[u8], kind: Kind, number: usize) -> (usize, Header) {
    let of_kind = frames(bytes)
        .into_iter()
        .filter(|(_, header)| header.kind == kind as u8);
    of_kind.into_iter().nth(number).unwrap()
}

/// Both ways of reading must agree on totals and completeness.
fn assert_consistent(reading: &Reading, what: &str) {
    assert_eq!(counts(&reading.totals), counts(&reading.folded), "{what}");
    assert_eq!(reading.totals.volumes, reading.folded.volumes, "{what}");
    let [by_windows, by_timeline] = &reading.completeness;
    assert_eq!(by_windows, by_timeline, "{what}");
}

#[test]
fn cut_at_every_length_it_reads_up_to_there_and_says_so() {
    let whole = recording();
    let windows = recorder(WINDOWS);
    // Totals after each number of windows.
    let mut expected = vec![Totals::default()];
    for window in &windows {
        let mut next = expected[expected.len() - 1].clone();
        next.fold(window);
        expected.push(next);
    }
    let mut most = 0;
    for len in 0..whole.len() {
        let cut = whole[..len].to_vec();
        let recording = match InMemory::new(std::io::Cursor::new(cut)) {
            Ok(recording) => recording,
            Err(ReadError::Empty) if len == 0 => continue,
            Err(ReadError::NotARecording) if len < HEADER_LEN => continue,
            Err(ReadError::NoSession) if most == 0 => continue,
            Err(error) => panic!("{len}: {error}"),
        };
        let reading = read(recording);
        assert_consistent(&reading, &format!("cut at {len}"));
        let completeness = &reading.completeness[0];
        assert!(completeness.truncated(), "cut at {len}");
        assert!(!completeness.is_complete());
        assert_eq!(completeness.damaged_frames, 0, "cut at {len}");
        let whole_windows = windows
            .iter()
            .filter(|window| window.to_boot_ns <= completeness.last_boot_ns)
            .count();
        assert!(whole_windows >= most);
        most = whole_windows;
        // The last window may have lost its measurements, not its timeline.
        let totals = counts(&reading.totals);
        let next = expected.get(whole_windows + 1);
        assert!(
            totals == counts(&expected[whole_windows])
                || next.is_some_and(|next| reading.totals.windows == next.windows),
            "cut at {len}"
        );
    }
    assert_eq!(most, windows.len());
}

#[test]
fn any_changed_byte_is_told_and_makes_no_total_wrong() {
    let whole = recording();
    let intact = read(open(whole.clone()));
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        let reading = read(open(changed));
        let what = format!("byte {at}");
        assert_consistent(&reading, &what);
        let completeness = &reading.completeness[0];
        assert!(!completeness.is_complete(), "{what}");
        assert!(completeness.damaged_frames > 0, "{what}");
        // The last key frame, or all windows, have everything.
        assert_eq!(reading.totals, intact.totals, "{what}");
    }
}

/// A recording without its last key frame and end, as if killed.
fn killed() -> Vec<u8> {
    let mut whole = recording();
    let keys: Vec<usize> = frames(&whole)
        .iter()
        .filter(|(_, header)| header.kind == Kind::KeyFrame as u8)
        .map(|(at, _)| *at)
        .collect();
    whole.truncate(keys[keys.len() - 1]);
    whole
}

#[test]
fn damage_behind_the_last_key_frame_is_a_gap() {
    let whole = killed();
    let intact = read(open(whole.clone()));
    assert_eq!(intact.completeness[0].gaps, []);
    let mut wrong = 0;
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        let reading = read(open(changed));
        assert_consistent(&reading, &format!("byte {at}"));
        let completeness = &reading.completeness[0];
        assert!(completeness.damaged_frames > 0, "byte {at}");
        if counts(&reading.totals) != counts(&intact.totals) {
            assert!(!completeness.gaps.is_empty(), "byte {at}");
            wrong += 1;
        }
    }
    assert!(wrong > 0, "no damage reached the tail");
}

#[test]
fn a_lost_window_is_a_gap_of_its_time_and_its_counts_come_back() {
    let mut bytes = recording();
    let (at, _) = place(&bytes, Kind::Window, 3);
    bytes[at + HEADER_LEN + 5] ^= 1;
    let reading = read(open(bytes.clone()));
    let windows = recorder(WINDOWS);
    let [gap] = &reading.completeness[0].gaps[..] else {
        panic!("{:?}", reading.completeness[0]);
    };
    assert_eq!(
        (gap.from_boot_ns, gap.to_boot_ns),
        (windows[3].from_boot_ns, windows[3].to_boot_ns)
    );
    assert_eq!(
        gap.why,
        format!("frame at byte {at} checksum does not match")
    );
    assert_eq!(reading.totals, read(open(recording())).totals);
    // Window 3 came with its timeline only; the key frame after window 5 gave
    // the rest.
    let added: Vec<&Window> = reading
        .windows
        .iter()
        .filter(|w| w.to_boot_ns - w.from_boot_ns != SECOND || w.seq == 3)
        .collect();
    assert!(!added.is_empty());
    assert_consistent(&reading, "one lost window");
}

#[test]
fn bytes_behind_the_end_statement_are_told() {
    let mut bytes = recording();
    bytes.extend_from_slice(b"more");
    let reading = read(open(bytes));
    for completeness in &reading.completeness {
        assert_eq!(completeness.trailing_bytes, 4);
        assert!(!completeness.truncated());
        assert!(!completeness.is_complete());
    }
}

#[test]
fn zeros_where_the_last_blocks_were_never_written() {
    let mut bytes = killed();
    let intact = counts(&read(open(bytes.clone())).totals);
    bytes.extend([0; 5000]);
    let reading = read(open(bytes));
    assert_eq!(counts(&reading.totals), intact);
    assert_eq!(reading.completeness[0].cut_bytes, 5000);
    assert!(reading.completeness[0].truncated());
    assert_consistent(&reading, "zeros");
}

#[test]
fn a_hole_of_zeros_is_crossed() {
    let mut bytes = recording();
    let (from, _) = place(&bytes, Kind::Window, 2);
    let (to, _) = place(&bytes, Kind::Window, 4);
    bytes[from - 10..to + 10].fill(0);
    let reading = read(open(bytes));
    assert_consistent(&reading, "hole");
    assert_eq!(reading.totals, read(open(recording())).totals);
    assert_eq!(reading.completeness[0].gaps.len(), 1);
    assert!(reading.completeness[0].damaged_frames >= 3);
}

#[test]
fn frames_of_another_recording_are_not_taken_for_this_one() {
    let mut bytes = killed();
    let intact = counts(&read(open(bytes.clone())).totals);
    // Stale blocks of an earlier recording behind the end of this one.
    bytes.extend(recording());
    let reading = read(open(bytes));
    assert_eq!(counts(&reading.totals), intact);
    assert!(reading.completeness[0].truncated());
    assert_consistent(&reading, "another recording");
}

#[test]
fn an_unknown_kind_is_skipped_counted_and_named() {
    let bytes = recording();
    let intact = read(open(bytes.clone()));
    let all = frames(&bytes);
    let mut packer = Packer::new().unwrap();
    let mut out = Vec::new();
    let mut sequence = 0;
    for (at, header) in &all {
        let frame = &bytes[*at..*at + header.frame_len() as usize];
        let mut header = *header;
        if header.kind == Kind::Header as u8 {
            // A later writer, which has a kind of its own and says its name.
            let mut kinds = Kind::names();
            kinds.insert(77, "weather".into());
            let message = FileHeader {
                kinds,
                ..FileHeader::default()
            };
            packer.pack(&mut out, header, &message).unwrap();
        } else {
            header.sequence = sequence;
            header.key_frame = 0;
            out.extend_from_slice(&header.encode());
            out.extend_from_slice(&frame[HEADER_LEN..]);
        }
        sequence += 1;
        if header.kind == Kind::Window as u8 {
            for kind in [77, 78] {
                let strange = Header {
                    kind,
                    flags: 0,
                    sequence,
                    ..header
                };
                packer
                    .pack(&mut out, strange, &FileHeader::default())
                    .unwrap();
                sequence += 1;
            }
        }
    }
    let reading = read(open(out));
    assert_eq!(counts(&reading.totals), counts(&intact.totals));
    assert_eq!(reading.windows, intact.windows);
    let unknown = &reading.completeness[0].unknown_kinds;
    assert_eq!(unknown["weather (77)"], WINDOWS);
    assert_eq!(unknown["78"], WINDOWS);
    assert!(reading.completeness[0].is_complete());
    assert_consistent(&reading, "unknown kinds");
}

#[test]
fn what_is_passed_over_unchecked_is_said() {
    let mut bytes = recording();
    let (at, _) = place(&bytes, Kind::Window, 3);
    bytes[at + HEADER_LEN + 5] ^= 1;
    let mut recording = open(bytes);
    recording.set_check(Check::Used);
    let completeness = recording.completeness().unwrap();
    assert_eq!(completeness.damaged_frames, 0);
    assert!(completeness.unchecked_frames > 0);
    recording.set_check(Check::All);
    let completeness = recording.completeness().unwrap();
    assert_eq!(completeness.damaged_frames, 1);
    assert_eq!(completeness.unchecked_frames, 0);
}
