//! Every format of external inputs, read as a user names them.

#![allow(clippy::unwrap_used)]

mod hostile;
mod logs;
mod shapes;

use std::path::{Path, PathBuf};
use volprobe::cloud::{self, ApiState, Detail, External, InputError, InputReport, Intake, Options};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

fn read_with(paths: &[PathBuf], options: &Options) -> (Vec<InputReport>, Intake) {
    let mut intake = Intake::default();
    let reports = cloud::read(paths, options, &mut intake).unwrap();
    (reports, intake)
}

fn read_text(text: &str) -> (Vec<InputReport>, Intake) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    read_with(
        &[file.path().to_owned()],
        &Options {
            log_year: Some(2026),
            ..Options::default()
        },
    )
}

/// One line an event: seconds of the day, width, what.
fn show(events: &[External]) -> String {
    events
        .iter()
        .map(|event| {
            let of_day = event.at.start_ns.rem_euclid(86_400_000_000_000);
            let width = event.at.end_ns - event.at.start_ns + 1;
            format!(
                "{}:{} {of_day} ±{width} {:?}\n",
                event.source, event.line, event.detail
            )
        })
        .collect()
}

#[test]
fn actiontrail_tells_the_call() {
    let (reports, intake) = read_with(&[samples().join("actiontrail.json")], &Options::default());
    insta::assert_snapshot!(show(&intake.events));
    insta::assert_json_snapshot!(reports, { "[].path" => "[path]" });
}

#[test]
fn the_generic_forms_tell_the_same() {
    let (_, json) = read_with(&[samples().join("generic.jsonl")], &Options::default());
    let (_, csv) = read_with(&[samples().join("generic.csv")], &Options::default());
    insta::assert_snapshot!(show(&json.events) + &show(&csv.events));
}

#[test]
fn logs_of_several_components_keep_their_source() {
    let names = [
        "kubelet.log",
        "alibaba-csi-node.log",
        "external-resizer.log",
        "dmesg.log",
    ];
    let paths = names.map(|name| samples().join(name));
    let (reports, intake) = read_with(
        &paths,
        &Options {
            log_year: Some(2026),
            ..Options::default()
        },
    );
    insta::assert_snapshot!(show(&intake.events));
    insta::assert_json_snapshot!(reports, { "[].path" => "[path]" });
}

#[test]
fn claims_volumes_and_attachments_are_taken() {
    let (_, intake) = read_with(&[samples().join("pvc-pv-va.json")], &Options::default());
    insta::assert_debug_snapshot!(intake.objects);
}

#[test]
fn kubernetes_events_have_the_time_of_their_name() {
    let (_, intake) = read_with(&[samples().join("k8s-events.json")], &Options::default());
    insta::assert_snapshot!(show(&intake.events));
}

#[test]
fn every_cloud_tells_the_same_story() {
    let names = [
        "cloudtrail.json",
        "aws-volumes-modifications.json",
        "gcp-audit.json",
        "azure-activity.json",
    ];
    let (_, intake) = read_with(&names.map(|name| samples().join(name)), &Options::default());
    insta::assert_snapshot!(show(&intake.events));
}

#[test]
fn the_audit_log_tells_who_changed_what() {
    let (_, intake) = read_with(&[samples().join("k8s-audit.jsonl")], &Options::default());
    insta::assert_snapshot!(show(&intake.events));
}

#[test]
fn a_json_patch_is_a_change_and_a_refused_one_has_its_error() {
    let record = |code: u32, patch: &str| {
        format!(
            r#"{{"auditID":"{code}","apiVersion":"audit.k8s.io/v1","stage":"ResponseComplete",
            "verb":"patch","objectRef":{{"resource":"persistentvolumeclaims","namespace":"a",
            "name":"b"}},"responseStatus":{{"code":{code},"reason":"Forbidden"}},
            "requestObject":{patch},"requestReceivedTimestamp":"2026-03-11T07:14:55.1Z"}}"#
        )
    };
    let patch =
        r#"[{"op":"replace","path":"/spec/resources/requests","value":{"storage":"40Gi"}}]"#;
    let (_, intake) = read_text(&(record(403, patch) + &record(200, patch)));
    let errors: Vec<_> = intake
        .events
        .iter()
        .map(|event| match &event.detail {
            Detail::PvcSpec(change) => (change.to_bytes, change.error.as_deref()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        errors,
        [(Some(40 << 30), Some("Forbidden")), (Some(40 << 30), None)]
    );
}

#[test]
fn a_failed_call_is_no_resize() {
    let text = r#"{"eventName":"ResizeDisk","acsRegion":"r","eventTime":"2026-03-11T07:14:56Z",
        "errorCode":"IncorrectDiskStatus","requestParameters":{"DiskId":"d-1","NewSize":"40"}}"#;
    let (_, intake) = read_text(text);
    let Detail::ApiResize(call) = &intake.events[0].detail else {
        panic!("no call")
    };
    assert_eq!(call.state, ApiState::Failed);
    assert_eq!(call.error.as_deref(), Some("IncorrectDiskStatus"));
    assert_eq!(call.to_bytes, Some(40 << 30));
}

#[test]
fn one_record_delivered_twice_is_one_event() {
    let trail = std::fs::read_to_string(samples().join("actiontrail.json")).unwrap();
    let (reports, intake) = read_text(&format!("{trail}\n{trail}"));
    assert_eq!(intake.events.len(), 1);
    assert_eq!((reports[0].records, reports[0].duplicates), (2, 1));
}

#[test]
fn a_row_of_a_log_service_holds_the_event_as_text() {
    let trail = std::fs::read_to_string(samples().join("actiontrail.json")).unwrap();
    let event = serde_json::from_str::<serde_json::Value>(&trail).unwrap()[0].to_string();
    let row = serde_json::json!({ "__time__": 1, "event": event }).to_string();
    assert_eq!(read_text(&row).1.events.len(), 1);
}

#[test]
fn gzip_is_told_by_its_content() {
    use std::io::Write;
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut gz = flate2::write::GzEncoder::new(file.as_file(), flate2::Compression::fast());
    gz.write_all(&std::fs::read(samples().join("actiontrail.json")).unwrap())
        .unwrap();
    gz.finish().unwrap();
    let (_, intake) = read_with(&[file.path().to_owned()], &Options::default());
    assert_eq!(intake.events.len(), 1);
}

#[test]
fn a_named_file_of_no_known_format_is_an_error_that_names_the_known() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "hello\nworld\n").unwrap();
    let paths = [file.path().to_owned()];
    let error = cloud::read(&paths, &Options::default(), &mut Intake::default()).unwrap_err();
    assert!(
        matches!(&error, InputError::UnknownFormat { known, .. } if known.len() > 5),
        "{error}"
    );
}

#[test]
fn in_a_folder_a_strange_file_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "hello\n").unwrap();
    std::fs::copy(
        samples().join("actiontrail.json"),
        folder.path().join("b.json"),
    )
    .unwrap();
    let (reports, intake) = read_with(&[folder.path().to_owned()], &Options::default());
    let formats: Vec<_> = reports
        .iter()
        .map(|report| report.format.as_deref())
        .collect();
    assert_eq!(formats, [None, Some("actiontrail")]);
    assert_eq!(intake.events.len(), 1);
}

#[test]
fn what_cannot_be_parsed_is_said_with_its_line() {
    let good = r#"{"time":"2026-03-11T07:14:56Z","action":"ResizeDisk","disk_id":"d-1"}"#;
    let (reports, intake) = read_text(&format!(
        "{good}\n{{\"time\":\"soon\",\"action\":\"x\"}}\nnot json\n"
    ));
    assert_eq!(intake.events.len(), 1);
    let lines: Vec<u64> = reports[0]
        .rejected
        .iter()
        .map(|rejected| rejected.line)
        .collect();
    assert_eq!(lines, [2, 3]);
}

#[test]
fn the_year_of_a_log_turns_at_new_year() {
    let (reports, intake) = read_text(
        "I1231 23:59:59.000000       1 controller.go:1] \"Resize PVC finished\" PVC=\"a/b\"\n\
         I0101 00:00:01.000000       1 controller.go:1] \"Resize PVC finished\" PVC=\"a/b\"\n",
    );
    let gap = intake.events[1].at.start_ns - intake.events[0].at.start_ns;
    assert_eq!(gap, 2_000_000_000);
    assert_eq!(
        reports[0].assumed.as_deref(),
        Some("time zone UTC (--log-tz)")
    );
}

#[test]
fn prefixes_give_a_bare_time_its_zone() {
    let (_, intake) = read_text(
        "2026-03-11T07:14:57.912345678Z stderr F I0311 15:14:57.911000       1 node.go:9] \
         \"Expand filesystem start\"\n\
         [pod/csi-0/csi-resizer] I0311 07:14:57.911000       1 x.go:1] \"Resize PVC finished\"\n\
         2026-03-11T07:14:57+0000 node kubelet[1427]: I0311 07:14:57.911000    1427 x.go:1] expand\n\
         Mar 11 07:14:57 node kernel: [   12.345] vdb: detected capacity change from 1 to 2\n",
    );
    insta::assert_snapshot!(show(&intake.events));
}

#[test]
fn a_recording_is_no_external_input() {
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/samples/main.vprec");
    let mut intake = Intake::default();
    let error = cloud::read(&[recording], &Options::default(), &mut intake).unwrap_err();
    assert!(matches!(error, InputError::Recording { .. }), "{error}");
}

#[test]
fn a_list_without_records_is_no_unknown_format() {
    for text in [
        "[]",
        "{\"Events\": []}",
        "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[]}",
    ] {
        let (reports, intake) = read_text(text);
        assert!(intake.events.is_empty());
        assert_eq!(reports[0].rejected_total, 0, "{text}");
        assert!(reports[0].format.is_some(), "{text}");
    }
}

#[test]
fn a_log_without_a_year_is_of_the_year_nearest_the_other_inputs() {
    let line =
        "I1231 23:59:58.000000       1 controller.go:1] \"Resize PVC finished\" PVC=\"a/b\"\n";
    let call = r#"{"eventName":"ResizeDisk","acsRegion":"r","eventTime":"2027-01-01T00:00:05Z","requestId":"1",
        "requestParameters":{"DiskId":"d-1","NewSize":40}}"#;
    let folder = tempfile::tempdir().unwrap();
    // Whichever is read first.
    for (log, trail) in [("a", "b"), ("d", "c")] {
        let (log, trail) = (folder.path().join(log), folder.path().join(trail));
        std::fs::write(&log, line).unwrap();
        std::fs::write(&trail, call).unwrap();
        let (reports, intake) = read_with(&[log, trail], &Options::default());
        let gap = intake.events[1].at.start_ns - intake.events[0].at.start_ns;
        assert_eq!(gap, 7_000_000_000);
        let assumed = reports[0].assumed.as_deref().unwrap();
        assert!(assumed.contains("year 2026"), "{assumed}");
    }
}

#[test]
fn a_log_without_a_zone_is_of_the_nodes() {
    let options = Options {
        node_tz: jiff::tz::TimeZone::get("Asia/Shanghai").ok(),
        around_ns: Some(1_773_213_297_000_000_000),
        ..Options::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubelet.log");
    let line =
        "I0311 15:14:57.963218    1427 node_expander.go:196] \"NodeExpandVolume succeeded\"\n";
    std::fs::write(&path, line).unwrap();
    let (reports, intake) = read_with(&[path], &options);
    assert_eq!(intake.events[0].at.start_ns, 1_773_213_297_963_218_000);
    assert_eq!(
        reports[0].assumed.as_deref(),
        Some("the node's time zone Asia/Shanghai (--log-tz), year 2026 (--log-year)")
    );
}

/// `docs/inputs.md`.
fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/inputs.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn every_format_is_in_the_document() {
    let text = document();
    for name in cloud::format_names() {
        let shown = match name {
            "generic-csv" => "```csv",
            "generic-json" => "```json",
            other => &format!("`{other}`"),
        };
        assert!(text.contains(shown), "{name}");
    }
}

#[test]
fn the_examples_of_the_document_are_understood() {
    for (fence, format, events) in [
        ("```csv\n", "generic-csv", 2),
        ("```json\n", "generic-json", 1),
    ] {
        let text = document();
        let example = text.split(fence).nth(1).unwrap();
        let (reports, intake) = read_text(example.split("```").next().unwrap());
        assert_eq!(reports[0].format.as_deref(), Some(format));
        assert_eq!(reports[0].rejected, []);
        assert_eq!(intake.events.len(), events, "{format}");
    }
}
