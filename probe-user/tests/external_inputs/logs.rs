//! Every form of a log line.

use super::read_with;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::path::PathBuf;
use volprobe::cloud::{Detail, External, InputReport, Interval, Options};

const KLOG: &str = "I0311 07:14:57.963218    1427 node_expander.go:196] \"expand\"";

fn read(bytes: &[u8], options: &Options) -> (InputReport, Vec<External>) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let (mut reports, intake) = read_with(&[PathBuf::from(file.path())], options);
    (reports.remove(0), intake.events)
}

fn in_2026() -> Options {
    Options {
        log_year: Some(2026),
        ..Options::default()
    }
}

fn rfc3339(at: i64) -> String {
    Timestamp::from_nanosecond(at.into()).unwrap().to_string()
}

fn said(event: &External) -> (&str, &str) {
    match &event.detail {
        Detail::LogLine { component, message } => (component, message),
        other => panic!("{other:?}"),
    }
}

/// Format, time, width in ns, component, and message of one line.
type Expected<'a> = (&'a str, &'a str, i64, &'a str, &'a str);

const US: i64 = 1000;
const S: i64 = 1_000_000_000;

const KLOG_AT: &str = "2026-03-11T07:14:57.963218Z";

/// Lines, and what they are.
const FORMS: &[(&str, Expected)] = &[
    (KLOG, ("klog", KLOG_AT, US, "kubelet", "\"expand\"")),
    (
        "E0311 07:14:57.963218       1 pkg/disk/node.go:7] expand",
        ("klog", KLOG_AT, US, "node.go", "expand"),
    ),
    (
        "time=\"2026-03-11T07:14:57Z\" level=info msg=\"expand it\"",
        ("logrus", "2026-03-11T07:14:57Z", S, "logrus", "expand it"),
    ),
    (
        "time=\"2026-03-11T15:14:57+08:00\" level=info msg=expand",
        ("logrus", "2026-03-11T07:14:57Z", S, "logrus", "expand"),
    ),
    // JSON: klog, zap, logrus and slog.
    (
        r#"{"ts":1773213297963.218,"caller":"volume/node_expander.go:196","msg":"expand","v":4,"PVC":{"name":"b","namespace":"a"},"n":1}"#,
        (
            "json-log",
            KLOG_AT,
            US,
            "kubelet",
            "\"expand\" PVC=\"a/b\" n=1",
        ),
    ),
    (
        r#"{"level":"info","ts":1773213297.963218,"msg":"expand"}"#,
        ("json-log", KLOG_AT, US, "json-log", "expand"),
    ),
    (
        r#"{"level":"error","msg":"expand","time":"2026-03-11T07:14:57+0000"}"#,
        ("json-log", "2026-03-11T07:14:57Z", S, "json-log", "expand"),
    ),
    (
        r#"{"time":"2026-03-11T07:14:57.5Z","level":"INFO","msg":"expand","err":"no"}"#,
        (
            "json-log",
            "2026-03-11T07:14:57.5Z",
            S / 10,
            "json-log",
            "\"expand\" err=\"no\"",
        ),
    ),
    // The journal.
    (
        "Mar 11 07:14:57 node kubelet[1427]: expand",
        ("syslog", "2026-03-11T07:14:57Z", S, "kubelet", "expand"),
    ),
    (
        "Mar  1 07:14:57.963218 node kubelet[1427]: expand",
        (
            "syslog",
            "2026-03-01T07:14:57.963218Z",
            US,
            "kubelet",
            "expand",
        ),
    ),
    (
        "2026-03-11T15:14:57+0800 node kubelet[1427]: expand",
        ("journal", "2026-03-11T07:14:57Z", S, "kubelet", "expand"),
    ),
    (
        "2026-03-11T07:14:57.963218+0000 node kubelet[1427]: expand",
        ("journal", KLOG_AT, US, "kubelet", "expand"),
    ),
    (
        "2026-03-11T07:14:57.963218+00:00 node kernel: vdb: detected capacity change from 1 to 2",
        (
            "journal",
            KLOG_AT,
            US,
            "kernel",
            "vdb: detected capacity change from 1 to 2",
        ),
    ),
    (
        "Wed 2026-03-11 07:14:57 UTC node kubelet[1427]: expand",
        ("journal", "2026-03-11T07:14:57Z", S, "kubelet", "expand"),
    ),
    (
        "1773213297.963218 node kubelet[1427]: expand",
        ("journal", KLOG_AT, US, "kubelet", "expand"),
    ),
    (
        r#"{"__REALTIME_TIMESTAMP":"1773213297963218","SYSLOG_IDENTIFIER":"kubelet","MESSAGE":"expand"}"#,
        ("journal", KLOG_AT, US, "kubelet", "expand"),
    ),
    (
        r#"{"__REALTIME_TIMESTAMP":"1773213297963218","_TRANSPORT":"kernel","MESSAGE":[101,120,112,97,110,100]}"#,
        ("journal", KLOG_AT, US, "kernel", "expand"),
    ),
    (
        r#"{"__REALTIME_TIMESTAMP":"1773213297999999","_COMM":"kubelet","MESSAGE":"I0311 15:14:57.963218    1427 resizefs_linux.go:77] expand"}"#,
        ("klog", KLOG_AT, US, "kubelet (mount-utils)", "expand"),
    ),
    // The kernel's log: good to 5 s.
    (
        "2026-03-11T07:15:01,141208+00:00 vdb: new size: 1",
        (
            "dmesg",
            "2026-03-11T07:14:56.141208Z",
            10 * S + US,
            "kernel",
            "vdb: new size: 1",
        ),
    ),
    (
        "[Wed Mar 11 07:15:01 2026] vdb: new size: 1",
        (
            "dmesg",
            "2026-03-11T07:14:56Z",
            11 * S,
            "kernel",
            "vdb: new size: 1",
        ),
    ),
    (
        "kern  :info  : [Wed Mar  4 07:15:01 2026] vdb: new size: 1",
        (
            "dmesg",
            "2026-03-04T07:14:56Z",
            11 * S,
            "kernel",
            "vdb: new size: 1",
        ),
    ),
    // What a runtime, kubectl and stern put before it.
    (
        "2026-03-11T07:14:57.963Z stderr F expand",
        (
            "container",
            "2026-03-11T07:14:57.963Z",
            S / 1000,
            "container",
            "expand",
        ),
    ),
    (
        "2026-03-11T07:14:57.963218123Z expand it",
        (
            "container",
            "2026-03-11T07:14:57.963218123Z",
            1,
            "container",
            "expand it",
        ),
    ),
    (
        "{\"log\":\"expand\\n\",\"stream\":\"stderr\",\"time\":\"2026-03-11T07:14:57.5Z\"}",
        (
            "container",
            "2026-03-11T07:14:57.5Z",
            S / 10,
            "container",
            "expand",
        ),
    ),
    (
        "[pod/csi-0/csi-plugin] 2026-03-11T07:14:57.963Z expand",
        (
            "container",
            "2026-03-11T07:14:57.963Z",
            S / 1000,
            "csi-0/csi-plugin",
            "expand",
        ),
    ),
    (
        "csi-0 csi-plugin {\"ts\":1773213297963.218,\"msg\":\"expand\"}",
        ("json-log", KLOG_AT, US, "csi-0/csi-plugin", "expand"),
    ),
];

#[test]
fn each_form_of_a_line_is_understood() {
    for (line, expected) in FORMS {
        let (report, events) = read(format!("{line}\r\n").as_bytes(), &in_2026());
        let (format, at, width, component, message) = expected;
        assert_eq!(report.format.as_deref(), Some(*format), "{line}");
        assert_eq!((report.records, report.rejected_total), (1, 0), "{line}");
        let [event] = &events[..] else {
            panic!("{line}: {events:?}");
        };
        assert_eq!(rfc3339(event.at.start_ns), *at, "{line}");
        assert_eq!(event.at.end_ns - event.at.start_ns + 1, *width, "{line}");
        assert_eq!(said(event), (*component, *message), "{line}");
    }
}

#[test]
fn any_prefix_may_stand_before_a_line_and_gives_it_its_zone() {
    // The container is in another zone than the node and the runtime.
    let klog = "I0311 15:14:57.963218       1 expand_and_recover.go:199] \"Update capacity of PV succeeded\"";
    for (prefix, component) in [
        ("2026-03-11T07:14:57.970Z stderr F ", "external-resizer"),
        ("2026-03-11T07:14:57.970123456Z ", "external-resizer"),
        ("2026-03-11T12:44:57.97+05:30 ", "external-resizer"),
        (
            "[pod/csi-0/csi-resizer] 2026-03-11T07:14:57.970123456Z ",
            "csi-0/csi-resizer",
        ),
        (
            "[pod/csi-0/csi-plugin] 2026-03-11T07:14:57.970123456Z ",
            "csi-0/csi-plugin (external-resizer)",
        ),
        (
            "[csi-0 csi-resizer] 2026-03-11T07:14:57.970123456Z ",
            "csi-0/csi-resizer",
        ),
        (
            "csi-0 csi-resizer 2026-03-11T07:14:57.970123456Z ",
            "csi-0/csi-resizer",
        ),
        (
            "2026-03-11T07:14:57+0000 node csi[7]: ",
            "csi (external-resizer)",
        ),
    ] {
        let (report, events) = read(format!("{prefix}{klog}\n").as_bytes(), &Options::default());
        assert_eq!(report.assumed, None, "{prefix}");
        assert_eq!(
            rfc3339(events[0].at.start_ns),
            "2026-03-11T07:14:57.963218Z",
            "{prefix}"
        );
        assert_eq!(said(&events[0]).0, component, "{prefix}");
    }
}

#[test]
fn parts_of_a_line_are_joined_by_stream() {
    let text = "2026-03-11T07:14:57.1Z stderr P resize of \n\
                2026-03-11T07:14:57.2Z stdout F expand\n\
                2026-03-11T07:14:57.3Z stderr P device \n\
                2026-03-11T07:14:57.4Z stderr F failed\n\
                2026-03-11T07:14:57.5Z stderr P resize without end\n";
    let (report, events) = read(text.as_bytes(), &Options::default());
    let lines: Vec<_> = events
        .iter()
        .map(|event| (event.line, said(event).1))
        .collect();
    assert_eq!(
        lines,
        [
            (1, "resize of device failed"),
            (2, "expand"),
            (5, "resize without end")
        ]
    );
    assert_eq!((report.records, report.rejected_total), (3, 0));
}

#[test]
fn what_follows_a_line_belongs_to_it_and_the_rest_is_said() {
    let text = format!(
        "rubbish\n-- Boot 1f3b --\n{KLOG}: resize2fs output: resize2fs 1.47.0\n\
         resize2fs: Permission denied\n\n\
         I0311 07:14:58.000000       1 x.go:1] of no interest\n\
         goroutine 1\n"
    );
    let (report, events) = read(text.as_bytes(), &in_2026());
    assert_eq!(
        said(&events[0]).1,
        "\"expand\": resize2fs output: resize2fs 1.47.0\nresize2fs: Permission denied"
    );
    let lines: Vec<u64> = report
        .rejected
        .iter()
        .map(|rejected| rejected.line)
        .collect();
    assert_eq!((lines, report.records), (vec![1, 7], 2));
}

#[test]
fn the_boot_of_the_recorded_node_places_times_since_boot() {
    let text = "[    0.000000] Linux version 6.12.0\n\
                [ 1000.500000] vdb: detected capacity change from 1 to 2\n\
                [ 1000.600000] node kernel: vdb: new size: 2\n\
                <6>[ 1000.7] sd 0:0:0:1: Capacity data has changed\n";
    let (report, events) = read(text.as_bytes(), &Options::default());
    assert_eq!(events, []);
    let reasons: Vec<_> = report
        .rejected
        .iter()
        .map(|one| (one.line, &one.reason[..]))
        .collect();
    assert_eq!((report.records, reasons.len()), (4, 3));
    assert!(
        reasons[0].0 == 2 && reasons[0].1.contains("boot"),
        "{reasons:?}"
    );
    let options = Options {
        booted: Some(Interval {
            start_ns: 100 * S,
            end_ns: 100 * S + US,
        }),
        ..Options::default()
    };
    let (report, events) = read(text.as_bytes(), &options);
    // A ten-thousandth of the 1000.5 s, to either side.
    assert_eq!(events[0].at.start_ns, 1_100_500_000_000 - 100_050_000);
    assert_eq!(
        events[0].at.end_ns,
        1_100_500_000_000 + 100_050_000 + US + 999
    );
    assert_eq!(said(&events[1]).1, "vdb: new size: 2");
    assert_eq!(
        report.assumed.as_deref(),
        Some("the boot that was recorded")
    );
}

#[test]
fn a_bare_time_is_of_the_zone_that_is_known() {
    let zone = |name| TimeZone::get(name).ok();
    for (tz, node, start, assumed) in [
        (
            None,
            None,
            "2026-03-11T07:14:57.963218Z",
            "time zone UTC (--log-tz)",
        ),
        (
            None,
            zone("Asia/Kolkata"),
            "2026-03-11T01:44:57.963218Z",
            "the node's time zone Asia/Kolkata (--log-tz)",
        ),
        (
            zone("America/New_York"),
            zone("Asia/Kolkata"),
            "2026-03-11T11:14:57.963218Z",
            "",
        ),
    ] {
        let options = Options {
            log_tz: tz,
            node_tz: node,
            ..in_2026()
        };
        let (report, events) = read(KLOG.as_bytes(), &options);
        assert_eq!(rfc3339(events[0].at.start_ns), start);
        assert_eq!(report.assumed.unwrap_or_default(), assumed);
    }
}

#[test]
fn clocks_that_are_set_forward_and_back() {
    let options = Options {
        log_tz: TimeZone::get("Europe/Berlin").ok(),
        ..in_2026()
    };
    let line = |at: &str| format!("I{at}       1 x.go:1] \"Resize PVC finished\"\n");
    let text = line("0328 12:00:00.000000")
        + &line("0329 02:30:00.000000")
        + &line("0329 03:30:00.000000")
        + &line("1025 02:30:00.000000");
    let (report, events) = read(text.as_bytes(), &options);
    let times: Vec<_> = events
        .iter()
        .map(|event| rfc3339(event.at.start_ns))
        .collect();
    assert_eq!(
        times,
        [
            "2026-03-28T11:00:00Z",
            "2026-03-29T01:30:00Z",
            "2026-10-25T00:30:00Z"
        ]
    );
    // Which of the two it was, nobody can tell.
    let last = &events[2].at;
    assert_eq!(rfc3339(last.end_ns), "2026-10-25T01:30:00.000000999Z");
    assert_eq!(report.rejected[0].line, 2);
    assert!(
        report.rejected[0].reason.contains("set forward"),
        "{report:?}"
    );
}

#[test]
fn a_leap_day_is_of_a_leap_year() {
    let text = "I0229 12:00:00.000000       1 x.go:1] \"Resize PVC finished\"\n";
    let of = |options: &Options| read(text.as_bytes(), options);
    let around = Options {
        around_ns: Some(1_773_213_297_000_000_000),
        ..Options::default()
    };
    assert_eq!(
        rfc3339(of(&around).1[0].at.start_ns),
        "2028-02-29T12:00:00Z"
    );
    let (report, events) = of(&in_2026());
    assert!(
        events.is_empty() && report.rejected[0].reason.contains("2026-02-29"),
        "{report:?}"
    );
}

#[test]
fn a_new_year_is_noticed_once_however_logs_are_mixed() {
    let line = |at: &str, what: &str| format!("I{at}:00.000000       1 x.go:1] resize {what}\n");
    let (old, new) = ("1231 23:59", "0101 00:00");
    for (order, years) in [
        (vec![old, new], vec![2025, 2026]),
        // Two sidecars, one a little behind; then two files, one after the other.
        (
            vec![old, new, old, new, new],
            vec![2025, 2026, 2025, 2026, 2026],
        ),
        (vec![old, new, old, new], vec![2025, 2026, 2025, 2026]),
        (vec!["1130 10:00", "0203 10:00"], vec![2025, 2026]),
        (vec!["0301 10:00", "1001 10:00"], vec![2026, 2026]),
    ] {
        let lines = order
            .iter()
            .enumerate()
            .map(|(i, at)| line(at, &i.to_string()));
        let (_, events) = read(lines.collect::<String>().as_bytes(), &in_2026());
        let mut events: Vec<_> = events.iter().map(|event| (event.line, event.at)).collect();
        events.sort();
        let got: Vec<i32> = events
            .iter()
            .map(|(_, at)| rfc3339(at.start_ns)[..4].parse().unwrap())
            .collect();
        assert_eq!(got, years, "{order:?}");
    }
}

#[test]
fn sidecars_of_one_file_are_one_timeline_with_their_sources() {
    let text = "\
[pod/csi-0/csi-resizer] I0311 07:14:56.000000 1 controller.go:338] \"Started PVC processing for resize controller\" key=\"a/b\"
[pod/csi-0/csi-plugin] I0311 07:14:55.500000 1 controllerserver.go:1] ControllerExpandVolume:: Starting expand disk with: d-1
[pod/csi-0/csi-plugin] I0311 07:14:57.000000 1 resizefs_linux.go:77] Device /dev/vdb resized successfully
[pod/csi-0/csi-attacher] I0311 07:14:57.000000 1 controller.go:1] \"Attached\"
I0311 07:14:56.500000 9 expand_and_recover.go:277] \"Resize volume succeeded, start to update PV's capacity\" PV=\"d-1\"
I0311 07:14:56.600000 9 resizefs_linux.go:77] Device /dev/vdb resized successfully
time=\"2026-03-11T07:14:58Z\" level=info msg=\"NodeExpandVolume:: resizefs successful volumeId: d-1\"
";
    let (report, events) = read(text.as_bytes(), &in_2026());
    let sources: Vec<_> = events
        .iter()
        .map(|event| (event.line, said(event).0))
        .collect();
    assert_eq!(
        sources,
        [
            (2, "csi-0/csi-plugin"),
            (1, "csi-0/csi-resizer"),
            (5, "external-resizer"),
            (6, "mount-utils"),
            (3, "csi-0/csi-plugin (mount-utils)"),
            (7, "logrus"),
        ]
    );
    assert_eq!(report.records, 7);
}

#[test]
fn every_form_in_one_file_is_one_timeline() {
    let options = Options {
        booted: Some(Interval {
            start_ns: 1_773_213_178_000_000_000,
            end_ns: 1_773_213_178_000_000_000,
        }),
        ..in_2026()
    };
    let (reports, intake) = read_with(&[super::samples().join("mixed.log")], &options);
    assert_eq!(reports[0].rejected, []);
    insta::assert_snapshot!(super::show(&intake.events));
}

/// What each component says about a resize (sources: `log/topics.rs`).
const OF_INTEREST: &str = include_str!("lines.txt");

#[test]
fn every_line_about_a_resize_is_kept() {
    for message in OF_INTEREST.lines().filter(|line| !line.starts_with('#')) {
        let line = format!("I0311 07:14:57.963218       1 x.go:1] {message}\n");
        let (_, events) = read(line.as_bytes(), &in_2026());
        assert_eq!(events.len(), 1, "{message}");
        let prefix = r#"{"ts":1773213297963.218,"msg":"#;
        let line = format!("{prefix}{}}}\n", serde_json::Value::from(message));
        assert_eq!(read(line.as_bytes(), &in_2026()).1.len(), 1, "{message}");
    }
}

#[test]
fn other_lines_are_only_counted() {
    let others = [
        "\"SyncLoop (PLEG): event for pod\" pod=\"db/mysql-0\"",
        "GRPC call: /csi.v1.Node/NodeGetVolumeStats",
        "GRPC response: {\"usage\":[{\"total\":1}]}",
        "GRPC error: <nil>",
        "EXT4-fs (vdb): mounted filesystem r/w with ordered data mode",
        "Attaching volume d-1 to node",
    ];
    let text: String = others
        .iter()
        .map(|message| format!("I0311 07:14:57.963218       1 x.go:1] {message}\n"))
        .collect();
    let (report, events) = read(text.as_bytes(), &in_2026());
    assert_eq!(events, []);
    assert_eq!((report.records, report.rejected_total), (6, 0));
}
