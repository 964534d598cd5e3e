//! External inputs are read as streams: however long one is, what is held of it is
//! bounded. The readers are fed through a pipe, and every allocation is counted.

#![allow(clippy::unwrap_used)]

mod counting;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::Mutex;
use volprobe::cloud::{self, InputReport, Intake, Options};

/// One at a time: the count is of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

const MIB: usize = 1 << 20;

/// Of each input, many times what may be held.
const LENGTH: usize = 24 * MIB;

/// Reads an input of [`LENGTH`]: `head`, then `part(0)`, `part(1)`, … to one that is
/// empty; what it gave, and the most bytes that were held meanwhile.
fn read(head: &[u8], part: impl Fn(usize) -> Vec<u8> + Send) -> (InputReport, Intake, usize) {
    let _alone = ALONE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let (reader, writer) = std::io::pipe().unwrap();
    let path = PathBuf::from(format!("/proc/self/fd/{}", reader.as_raw_fd()));
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut writer = BufWriter::new(File::from(std::os::fd::OwnedFd::from(writer)));
            let mut written = 0;
            // Its reader may have had enough.
            let mut write = |bytes: &[u8]| writer.write_all(bytes).is_ok();
            let mut goes_on = write(head);
            for number in 0.. {
                let part = part(number);
                written += part.len();
                goes_on = goes_on && write(&part);
                if !goes_on || part.is_empty() || written > LENGTH {
                    break;
                }
            }
        });
        let mut intake = Intake::default();
        let read = || cloud::read(&[path], &Options::default(), &mut intake);
        let (reports, most) = counting::most_held(read);
        let mut reports = reports.unwrap();
        drop(reader);
        (reports.remove(0), intake, most)
    })
}

fn klog(number: usize) -> Vec<u8> {
    let what = match number % 1000 {
        0 => "Resize PVC finished",
        _ => "SyncLoop",
    };
    let second = number / 1000 % 60;
    format!("I0311 07:14:{second:02}.{number:06}       1 x.go:1] \"{what}\" n={number}\n")
        .into_bytes()
}

fn record(number: usize) -> String {
    let action = if number.is_multiple_of(1000) {
        "ResizeDisk"
    } else {
        "DescribeDisks"
    };
    let padding = "x".repeat(500);
    format!(
        r#"{{"eventName":"{action}","acsRegion":"r","eventTime":"2026-03-11T07:14:56Z","eventId":"{number}",
        "requestParameters":{{"DiskId":"d-1","NewSize":40,"more":"{padding}"}}}}"#
    )
    .replace('\n', "")
}

#[test]
fn a_long_log_is_a_stream() {
    let (report, intake, most) = read(b"", klog);
    assert!(report.records > 200_000, "{report:?}");
    assert!(intake.events.len() as u64 >= report.records / 1000);
    assert!(most < 4 * MIB, "{most} bytes were held");
}

#[test]
fn long_json_is_a_stream() {
    for (head, separator) in [("", "\n"), ("[", ","), ("{\"Events\":[", ",\n")] {
        let (report, intake, most) = read(head.as_bytes(), |number| {
            format!("{}{separator}", record(number)).into_bytes()
        });
        assert!(report.records > 20_000, "{report:?}");
        assert!(intake.events.len() as u64 >= report.records / 1000);
        assert!(most < 4 * MIB, "{head}: {most} bytes were held");
    }
}

#[test]
fn no_part_without_an_end_is_held() {
    let call = r#"{"time":1773213296,"action":"ResizeDisk","disk_id":"d-1"}"#;
    let heads = [
        (
            "a line of a log",
            format!("{}x", String::from_utf8(klog(0)).unwrap()),
        ),
        (
            "a part of a runtime's line",
            "2026-03-11T07:14:57.1Z stderr P resize x".to_owned(),
        ),
        ("a line of JSON", format!("{call}\n{{\"a\":\"")),
        ("a text in an array", format!("[{call},{{\"a\":\"")),
        (
            "a member beside the records",
            format!("{{\"Events\":[{call}],\"a\":\""),
        ),
        (
            "a field of CSV",
            "time,action\n1773213296,ResizeDisk\n\"".to_owned(),
        ),
    ];
    for (what, head) in heads {
        let (report, intake, most) = read(head.as_bytes(), |_| vec![b'x'; 1000]);
        assert_eq!(intake.events.len(), 1, "{what}: {report:?}");
        // What may be held of a record, while its buffer doubles.
        assert!(most < 20 * MIB, "{what}: {most} bytes were held");
    }
}

#[test]
fn a_small_file_that_unpacks_to_much_is_a_stream() {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for number in 0..50_000 {
        gz.write_all(&klog(number)).unwrap();
    }
    let packed = gz.finish().unwrap();
    // Members of gzip follow each other: as often as it takes.
    let (report, _, most) = read(b"", |number| match number {
        0..6 => packed.clone(),
        _ => Vec::new(),
    });
    assert_eq!(report.records, 300_000, "{report:?}");
    assert!(most < 4 * MIB + packed.len(), "{most} bytes were held");
}

#[test]
fn what_is_not_understood_is_counted_not_held() {
    let (report, _, most) = read(&klog(0), |number| {
        format!("rubbish {number}\n").into_bytes()
    });
    assert!(report.rejected_total > 500_000);
    assert_eq!(report.rejected.len(), cloud::input::MAX_REJECTED);
    assert!(most < 4 * MIB, "{most} bytes were held");
}
