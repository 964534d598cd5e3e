//! Inputs that are damaged, strange, or not what they seem.

use super::{read_with, samples};
use proptest::prelude::*;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use volprobe::cloud::{self, InputError, InputReport, Intake, Options};

const KLOG: &str = "I0311 07:14:57.963218       1 x.go:1] \"Resize PVC finished\" PVC=\"a/b\"\n";
const CALL: &str = r#"{"time":"2026-03-11T07:14:56Z","action":"ResizeDisk","disk_id":"d-1"}"#;

fn read(bytes: &[u8]) -> Result<(InputReport, Intake), InputError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    let mut intake = Intake::default();
    let options = Options {
        log_year: Some(2026),
        ..Options::default()
    };
    let mut reports = cloud::read(&[file.path().to_owned()], &options, &mut intake)?;
    Ok((reports.remove(0), intake))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

/// Lines that are not understood, and the number of events.
fn outcome(bytes: &[u8]) -> (Vec<u64>, usize) {
    let (report, intake) = read(bytes).unwrap();
    let lines = report.rejected.iter().map(|rejected| rejected.line);
    (lines.collect(), intake.events.len())
}

#[test]
fn nothing_is_no_unknown_format() {
    for text in ["", "\n\n", "\u{feff}", " \t\r\n"] {
        let (report, intake) = read(text.as_bytes()).unwrap();
        assert_eq!(report.format.as_deref(), Some("empty"), "{text:?}");
        assert!(intake.events.is_empty());
    }
    assert_eq!(read(&gzip(b"")).unwrap().0.format.as_deref(), Some("empty"));
}

#[test]
fn marks_line_ends_and_letters_of_others_are_no_harm() {
    let csv = "time,action,disk_id\n2026-03-11T07:14:56Z,ResizeDisk,d-1\n";
    for text in [
        KLOG.to_owned(),
        format!("{CALL}\n{CALL}x\n"),
        format!("[{CALL}]"),
        csv.to_owned(),
    ] {
        let plain = outcome(text.as_bytes());
        assert_eq!(plain.1, 1, "{text}");
        assert_eq!(
            outcome(format!("\u{feff}{text}").as_bytes()),
            plain,
            "{text}"
        );
        assert_eq!(
            outcome(text.replace('\n', "\r\n").as_bytes()),
            plain,
            "{text}"
        );
        assert_eq!(outcome(&gzip(text.as_bytes())), plain, "{text}");
    }
    // Latin-1, and a NUL.
    let (_, intake) = read(b"I0311 07:14:57.963218       1 x.go:1] resize K\xf6ln\0\n").unwrap();
    let detail = format!("{:?}", intake.events[0].detail);
    assert!(detail.contains("K\u{fffd}ln"), "{detail}");
    let latin = CALL.replace("d-1", "K\u{1}ln").into_bytes();
    let latin: Vec<u8> = latin
        .iter()
        .map(|&b| if b == 1 { 0xf6 } else { b })
        .collect();
    let lines = [&latin[..], b"\n", CALL.as_bytes(), b"\n"].concat();
    assert_eq!(outcome(&lines), (vec![], 2));
    let csv = [
        csv.as_bytes(),
        b"2026-03-11T07:14:57Z,ResizeDisk,K\xf6ln\n",
        b"1773213296,ResizeDisk,d-2\n",
    ];
    assert_eq!(outcome(&csv.concat()), (vec![3], 2));
    let nul = format!("{CALL}\n\0\n{}\n", CALL.replace("d-1", "d-2"));
    assert_eq!(outcome(nul.as_bytes()), (vec![2], 2));
}

#[test]
fn gzip_that_ends_too_soon_is_read_to_there() {
    // Not compressed, so that half of it is half of the text.
    let lines: String = (0..5000)
        .map(|n| KLOG.replace("a/b", &format!("a/{n}")))
        .collect();
    let records: String = (0..5000)
        .map(|n| CALL.replace("d-1", &format!("d-{n}")) + "\n")
        .collect();
    let array = format!("[{}]", records.trim_end().replace('\n', ","));
    for text in [lines, records, array] {
        let packed = gzip(text.as_bytes());
        let (report, intake) = read(&packed[..packed.len() / 2]).unwrap();
        assert!(report.format.is_some());
        assert!(
            (100..5000).contains(&intake.events.len()),
            "{}",
            intake.events.len()
        );
        let last = report.rejected.last().unwrap();
        assert!(last.reason.contains("rest"), "{last:?}");
    }
    // Of the head alone, nothing.
    let packed = gzip(CALL.as_bytes());
    for length in [3, 12] {
        let error = read(&packed[..length]).unwrap_err();
        assert!(matches!(error, InputError::Unreadable { .. }), "{error}");
    }
}

#[test]
fn a_file_that_cannot_be_read_stops_no_other_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("a.gz"), &gzip(CALL.as_bytes())[..12]).unwrap();
    fs::write(at("b.png"), b"\x89PNG\r\n\x1a\n\0\0\0").unwrap();
    fs::create_dir(at("c")).unwrap();
    fs::write(at("c/log"), KLOG).unwrap();
    std::os::unix::fs::symlink(at("c/log"), at("d")).unwrap();
    std::os::unix::fs::symlink(folder.path(), at("e")).unwrap();
    std::os::unix::net::UnixListener::bind(at("f")).unwrap();
    let (reports, intake) = read_with(&[folder.path().to_owned()], &Options::default());
    let told: Vec<_> = reports
        .iter()
        .map(|report| {
            let name = report.path.rsplit('/').next().unwrap();
            (
                name,
                report.format.as_deref(),
                report.rejected.len(),
                report.duplicates,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("a.gz", None, 1, 0),
            ("b.png", None, 0, 0),
            ("log", Some("klog"), 0, 0),
            ("d", Some("klog"), 0, 1),
        ]
    );
    assert_eq!(intake.events.len(), 1);
}

#[test]
fn binary_is_of_no_known_format() {
    for bytes in [
        &b"\x7fELF\x02\x01\x01\0"[..],
        b"\0\0\0\0",
        b"PK\x03\x04",
        b"\xff\xfe{\0",
    ] {
        let error = read(bytes).unwrap_err();
        assert!(matches!(error, InputError::UnknownFormat { .. }), "{error}");
    }
}

#[test]
fn one_line_of_100_mb_stops_nothing() {
    let long = vec![b'x'; 100_000_000];
    let second = CALL.replace("d-1", "d-2");
    let json = [
        CALL.as_bytes(),
        b"\n{\"time\":\"",
        &long,
        b"\"}\n",
        second.as_bytes(),
        b"\n",
    ];
    assert_eq!(outcome(&json.concat()), (vec![2], 2));
    let last = KLOG.replace("a/b", "a/c");
    let cut = [
        KLOG.as_bytes(),
        b"I0311 07:14:57.963218       1 x.go:1] ",
        &long,
        b"\n",
        last.as_bytes(),
    ];
    assert_eq!(outcome(&cut.concat()), (vec![], 2));
}

#[test]
fn what_is_nested_without_end_is_refused() {
    let deep = "[".repeat(1 << 20);
    for text in [
        format!("{CALL}\n{{\"a\":{deep}\n{CALL}"),
        format!("{CALL}\n{{\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":{deep}\n"),
        format!("{CALL}\n{{\"eventName\":\"ResizeDisk\",\"event\":{deep}\n"),
    ] {
        assert_eq!(outcome(text.as_bytes()).0, [2]);
    }
    let event = format!(r#"{{"acsRegion":"r","eventName":"ResizeDisk","event":"{deep}"}}"#);
    assert_eq!(outcome(event.as_bytes()).0, [1]);
}

#[test]
fn numbers_of_any_size_are_no_harm() {
    for number in [
        "1e999",
        "-1e999",
        "1e308",
        "99999999999999999999",
        "-1",
        "1e-999",
        "0.1",
    ] {
        for text in [
            format!(r#"{{"time":{number},"action":"ResizeDisk","new_size":{number}}}"#),
            format!(
                r#"{{"time":1773213296,"action":"ResizeDisk","new_size":{number},"unit":"EiB"}}"#
            ),
            format!(r#"{{"ts":{number},"msg":"resize"}}"#),
            format!(r#"{{"__REALTIME_TIMESTAMP":"{number}","MESSAGE":"resize"}}"#),
            format!("[{number}] vdb: new size: 1"),
            format!("{number} node kernel: new size: 1"),
        ] {
            // Whatever it is taken for.
            let _ = read(text.as_bytes());
        }
    }
    let boot = "[9223372036.500000] vdb: new size: 1\n[9223372037.000000] vdb: new size: 1\n\
                [99999999999999999999.0] vdb: new size: 1\n";
    let (report, intake) = read(boot.as_bytes()).unwrap();
    assert_eq!((report.records, intake.events.len()), (1, 0));
}

fn volprobe(args: &[&str], stdin: &[u8]) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_volprobe"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn stdin_is_an_input_like_any_other() {
    let trail = fs::read(samples().join("actiontrail.json")).unwrap();
    for bytes in [trail.clone(), gzip(&trail)] {
        let (code, out, _) = volprobe(&["correlate", "--json", "--events", "-"], &bytes);
        let out: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(code, Some(0));
        assert_eq!(out["inputs"][0]["path"], "-");
        assert_eq!(out["inputs"][0]["format"], "actiontrail");
    }
}

#[test]
fn an_unknown_format_that_was_named_ends_with_2_and_the_known_ones() {
    let (code, _, err) = volprobe(&["correlate", "--events", "-"], b"hello\n");
    assert_eq!(code, Some(2));
    for name in cloud::format_names() {
        assert!(err.contains(name), "{name}: {err}");
    }
    let (code, _, err) = volprobe(&["correlate", "--events", "/nowhere"], b"");
    assert_eq!(code, Some(2));
    assert!(err.contains("/nowhere"), "{err}");
}

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes: Vec<u8>, start in prop::sample::select(vec![
        "", "{", "[", "[{", "I0311 07:14:57.963218       1 x.go:1] ", "time,action\n",
        "[pod/a/b] ", "2026-03-11T07:14:57Z ", "[Wed Mar 11 07:15:01 2026] ", "[ 12.3] ", "<6>", "\u{1f}",
    ])) {
        let _ = read(&[start.as_bytes(), &bytes].concat());
    }

    #[test]
    fn no_text_of_a_logs_letters_does_harm(text in "[-0-9TZIW:.,+ \\[\\]{}\"a-c\n/=<>]{0,200}") {
        let _ = read(text.as_bytes());
    }
}
