//! Files made to harm a reader.

use std::io::Cursor;

use proptest::prelude::*;

use super::stream::{recorder, window};
use super::{InMemory, open, read, record, writer};
use crate::sample::{Record, Series};
use crate::session::frame::{HEADER_LEN, Header, Kind, MAGIC, MAX_PAYLOAD, VERSION};
use crate::session::{ReadError, WriterOptions};

fn header(kind: Kind) -> Header {
    Header {
        version: VERSION,
        kind: kind as u8,
        flags: 0,
        length: 0,
        sequence: 0,
        key_frame: 0,
        recording: 1,
        payload_crc: crc32c::crc32c(&[]),
    }
}

fn try_open(bytes: Vec<u8>) -> Result<InMemory, ReadError> {
    InMemory::new(Cursor::new(bytes))
}

#[test]
fn other_files_are_no_recordings() {
    for bytes in [b"x".to_vec(), vec![0; 1 << 20], MAGIC.repeat(1000)] {
        assert!(matches!(try_open(bytes), Err(ReadError::NotARecording)));
    }
    assert!(matches!(try_open(vec![]), Err(ReadError::Empty)));
}

#[test]
fn a_newer_format_is_refused_by_its_number() {
    let newer = Header {
        version: VERSION + 1,
        ..header(Kind::Header)
    };
    let Err(error) = try_open(newer.encode().to_vec()) else {
        panic!("opened");
    };
    insta::assert_snapshot!(error, @"written by a newer version of volprobe: format 2, and this one reads up to 1");
}

#[test]
fn a_length_beyond_the_end_is_a_cut() {
    let mut bytes = record(&recorder(3), &WriterOptions::default());
    bytes.extend(
        Header {
            length: MAX_PAYLOAD,
            ..header(Kind::Window)
        }
        .encode(),
    );
    assert_eq!(
        read(open(bytes)).completeness[0].trailing_bytes,
        HEADER_LEN as u64
    );
}

#[test]
fn key_frame_places_that_lead_nowhere_or_in_circles_end() {
    let intact = record(&recorder(20), &WriterOptions::default());
    let first = Header::decode(&intact).unwrap();
    for place in [1, 47, first.frame_len(), intact.len() as u64, u64::MAX] {
        let mut out = Vec::new();
        let mut at = 0;
        while at < intact.len() {
            let mut header = Header::decode(&intact[at..]).unwrap();
            let end = at + header.frame_len() as usize;
            header.key_frame = place;
            out.extend_from_slice(&header.encode());
            out.extend_from_slice(&intact[at + HEADER_LEN..end]);
            at = end;
        }
        let reading = read(open(out));
        assert_eq!(reading.totals, reading.folded, "{place}");
    }
}

#[test]
fn more_series_than_any_kernel_has_are_bounded() {
    let mut writer = writer(&WriterOptions::default());
    writer.write(&recorder(1)[0]).unwrap();
    for n in 1..5 {
        let ids = n * 20_000..(n + 1) * 20_000;
        let records = ids.map(|id| {
            Record::Series(Series {
                id: id as u32,
                ..Series::default()
            })
        });
        writer.write(&window(n, records.collect())).unwrap();
    }
    let recording = open(writer.store().clone());
    assert!(recording.totals().series.len() < 70_000);
    assert!(recording.totals().not_kept > 10_000);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = try_open(bytes);
    }

    #[test]
    fn any_stretch_overwritten_is_survived(
        at in 0usize..4000, stretch in prop::collection::vec(any::<u8>(), 0..300)
    ) {
        let mut bytes = record(&recorder(12), &WriterOptions::default());
        let at = at.min(bytes.len());
        let end = (at + stretch.len()).min(bytes.len());
        bytes.splice(at..end, stretch);
        if let Ok(recording) = try_open(bytes) {
            let _ = read(recording);
        }
    }

    #[test]
    fn any_payload_in_a_good_frame_is_survived(payload: Vec<u8>, kind in 1u8..6, flags in 0u16..4) {
        let intact = record(&recorder(4), &WriterOptions::default());
        let first = Header::decode(&intact).unwrap();
        let payload = zstd::bulk::compress(&payload, 1).unwrap();
        let strange = Header {
            kind,
            flags,
            length: payload.len() as u32,
            payload_crc: crc32c::crc32c(&payload),
            sequence: 1,
            ..first
        };
        let at = first.frame_len() as usize;
        let bytes = [&intact[..at], &strange.encode()[..], &payload, &intact[at..]].concat();
        if let Ok(recording) = try_open(bytes) {
            let _ = read(recording);
        }
    }
}
