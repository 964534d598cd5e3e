//! What nodes and others tell, joined. Each verdict where it must be given, and
//! where it must not. The stories are of 2026-03-11 07:14 UTC, as those of the
//! samples.

use super::*;
use crate::analysis::Evidence;
use crate::cloud::{self, Options};
use crate::model::testing::{GIB, Story, VDB, VDC, disk, ext4};
use crate::sample::Dev;
use crate::sample::inventory::Device;
use crate::sample::probe_status::State;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[path = "confidence_tests.rs"]
mod confidence;
#[path = "holes_tests.rs"]
mod holes;
#[path = "several_nodes_tests.rs"]
mod several_nodes;

const SERIAL: &str = "bp1example0volprobe1";
const DISK: &str = "d-bp1example0volprobe1";
const RESIZE2FS: &[&str] = &["resize2fs", "/dev/vdb"];

/// A device that says which disk it is.
fn cloud_disk(gib: u64) -> Device {
    Device {
        serial: Some(SERIAL.to_owned()),
        ..disk(VDB, "vdb", gib * GIB)
    }
}

/// A node with the disk `vdb`, as large as its file system.
fn node() -> Story {
    let mut story = Story::new();
    measure(&mut story, 20, 20);
    story
}

fn measure(story: &mut Story, disk_gib: u64, fs_gib: u64) {
    let mounts = vec![ext4(VDB, "/data", fs_gib * GIB)];
    story.inventory(vec![cloud_disk(disk_gib)], mounts, false);
}

/// The tool runs 3.2 s before the disk grows; recorded for two minutes.
fn too_early() -> Story {
    let mut story = node();
    runs_too_early(&mut story);
    story
}

fn runs_too_early(story: &mut Story) {
    story.at(57_900);
    measure(story, 20, 20);
    story.at(57_941).tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)]);
    measure(story, 20, 20);
    story.at(61_141).capacity(VDB, "vdb", 20, 40);
    measure(story, 40, 20);
    story.at(118_000);
    measure(story, 40, 20);
    story.end(118_500);
}

/// Nothing happens on the node for two minutes.
fn quiet() -> Story {
    let mut story = node();
    story.at(60_000);
    measure(&mut story, 20, 20);
    story.at(118_000);
    measure(&mut story, 20, 20);
    story.end(118_500);
    story
}

/// Everything goes well.
fn well() -> Story {
    let mut story = node();
    story.at(56_900).capacity(VDB, "vdb", 20, 40);
    measure(&mut story, 40, 20);
    story.at(57_941).resize(VDB, 20, 40, "");
    measure(&mut story, 40, 40);
    story.at(118_000);
    measure(&mut story, 40, 40);
    story.end(118_500);
    story
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/samples")
        .join(name)
}

/// The claim is asked for 40 GiB at 07:14:55.112, and belongs to the disk.
fn asked() -> Value {
    json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "a1", "stage": "ResponseComplete",
        "verb": "patch", "user": {"username": "user@example.com"},
        "objectRef": {"resource": "persistentvolumeclaims", "namespace": "db", "name": "data-mysql-0"},
        "responseStatus": {"code": 200},
        "requestObject": {"spec": {"resources": {"requests": {"storage": "40Gi"}}}},
        "responseObject": {"spec": {"volumeName": "pv-1"}, "status": {"capacity": {"storage": "20Gi"}}},
        "requestReceivedTimestamp": "2026-03-11T07:14:55.112034Z",
        "stageTimestamp": "2026-03-11T07:14:55.121154Z",
    })
}

fn pv() -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv-1"},
        "spec": {"capacity": {"storage": "20Gi"}, "csi": {"driver": "disk.example", "volumeHandle": DISK},
                 "claimRef": {"namespace": "db", "name": "data-mysql-0"}},
    })
}

fn trail(name: &str, at: &str, disk: &str, more: &Value) -> Value {
    let mut event = json!({
        "eventId": format!("{name}-{at}-{disk}"), "eventName": name, "eventRW": "Write", "serviceName": "Ecs",
        "acsRegion": "cn-hangzhou", "eventTime": format!("2026-03-11T{at}Z"),
        "requestId": format!("{name}-{at}-{disk}"), "userIdentity": {"userName": "csi"},
        "requestParameters": {"DiskId": disk, "NewSize": 40, "Type": "online"},
    });
    if let (Some(event), Some(more)) = (event.as_object_mut(), more.as_object()) {
        event.extend(more.clone());
    }
    event
}

fn call(at: &str) -> Value {
    trail("ResizeDisk", at, DISK, &json!({}))
}

/// A call that has nothing to do with sizes: the trail goes on until then.
fn until(at: &str) -> Value {
    trail("DescribeDisks", at, DISK, &json!({}))
}

fn read(paths: &[PathBuf]) -> (Intake, Vec<InputReport>) {
    let mut intake = Intake::default();
    let options = Options {
        log_year: Some(2026),
        ..Options::default()
    };
    let inputs = cloud::read(paths, &options, &mut intake).unwrap();
    (intake, inputs)
}

fn told(records: &[Value]) -> Intake {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = records
        .iter()
        .enumerate()
        .map(|(index, record)| {
            let path = folder.path().join(format!("{index}.json"));
            std::fs::write(&path, record.to_string()).unwrap();
            path
        })
        .collect();
    read(&paths).0
}

fn rows(stories: &[Story], records: &[Value]) -> Vec<Correlation> {
    let recordings: Vec<Recording> = stories.iter().map(Story::recording).collect();
    correlate(&recordings, &told(records), Vec::new(), &[]).correlation
}

fn row(story: Story, records: &[Value]) -> Correlation {
    let rows = rows(&[story], records);
    let mut own = rows
        .into_iter()
        .filter(|row| row.disk_id.as_deref() == Some(DISK));
    let row = own.next().expect("a row of the disk");
    assert!(own.next().is_none(), "two rows of one disk");
    row
}

fn verdict(story: Story, records: &[Value]) -> &'static str {
    row(story, records).verdict
}

fn states(row: &Correlation) -> Vec<String> {
    row.layers
        .iter()
        .map(|layer| {
            let name = |value: Value| value.as_str().unwrap_or_default().to_owned();
            let state = name(json!(layer.state));
            format!("{} {state}", name(json!(layer.layer)))
        })
        .collect()
}

#[test]
fn the_volume_that_did_not_grow() {
    let samples = [
        "actiontrail.json",
        "pvc-pv-va.json",
        "k8s-audit.jsonl",
        "k8s-events.json",
        "kubelet.log",
        "external-resizer.log",
        "alibaba-csi-node.log",
    ];
    let (intake, mut inputs) = read(&samples.map(sample));
    for input in &mut inputs {
        input.path = input.path.rsplit('/').next().unwrap_or_default().to_owned();
    }
    let correlated = correlate(&[too_early().recording()], &intake, inputs, &[]);
    assert_eq!(correlated.correlation.len(), 1);
    let row = &correlated.correlation[0];
    assert_eq!(row.verdict, "resize/no-op-before-capacity");
    assert_eq!(row.confidence, Confidence::Proven);
    assert_eq!(row.pvc.as_deref(), Some("db/data-mysql-0"));
    assert_eq!(
        states(row),
        [
            "request done",
            "api done",
            "cloud done",
            "capacity done",
            "partition not-applicable",
            "mapping not-applicable",
            "filesystem no-op",
            "kubernetes done"
        ]
    );
    let mut text = Vec::new();
    crate::render::correlate_text(&correlated, crate::render::Style::plain(), &mut text).unwrap();
    insta::assert_snapshot!(String::from_utf8(text).unwrap());
    // Whatever is evidence is in the timeline, and what it is there is right.
    let timeline = &correlated.report.timeline;
    let kinds = row
        .finding
        .as_ref()
        .unwrap()
        .evidence
        .iter()
        .filter_map(|e| match e {
            Evidence::Event { id } => timeline
                .iter()
                .find(|row| row.id == *id)
                .map(|row| row.kind),
            _ => None,
        });
    assert_eq!(kinds.collect::<Vec<_>>(), ["exec.exit", "device.capacity"]);
    let api = timeline
        .iter()
        .find(|row| row.kind == "api.resize")
        .unwrap();
    assert_eq!(api.device.as_deref(), Some("vdb"));
    assert!(timeline.windows(2).all(|pair| pair[0].t_ns <= pair[1].t_ns));
}

#[test]
fn without_a_recording_the_kernels_layers_are_unknown() {
    let rows = rows(&[], &[asked(), pv(), call("07:14:56")]);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].verdict, "resize/unknown");
    assert_eq!(rows[0].confidence, Confidence::Possible);
    assert!(states(&rows[0]).contains(&"capacity unknown".to_owned()));
    assert!(
        rows[0]
            .missing
            .contains(&"no recording of its node".to_owned())
    );
}

#[test]
fn a_request_without_a_call_is_only_said_where_a_trail_goes_on() {
    let rule = "resize/no-api-call";
    assert_eq!(verdict(quiet(), &[asked(), pv(), until("07:20:00")]), rule);
    let blind: [&[Value]; 2] = [&[asked(), pv()], &[asked(), pv(), until("07:14:00")]];
    for records in blind {
        assert_eq!(verdict(quiet(), records), "resize/unknown", "{records:?}");
    }
    assert_ne!(verdict(well(), &[asked(), pv(), until("07:20:00")]), rule);
    assert_ne!(verdict(quiet(), &[asked(), pv(), call("07:14:56")]), rule);
    // One from long before is another.
    let before = [asked(), pv(), call("06:00:00"), until("07:20:00")];
    assert_eq!(verdict(quiet(), &before), rule);
}

#[test]
fn a_call_that_was_refused_is_the_verdict_unless_a_later_one_was_not() {
    let refused = trail(
        "ResizeDisk",
        "07:14:56",
        DISK,
        &json!({"errorCode": "LastOrderProcessing"}),
    );
    let row = row(quiet(), &[asked(), pv(), refused.clone()]);
    assert_eq!(row.verdict, "resize/api-error");
    assert_eq!(row.confidence, Confidence::Proven);
    assert!(row.summary.contains("LastOrderProcessing"));
    assert_eq!(
        verdict(well(), &[refused.clone(), call("07:14:56")]),
        "resize/ok"
    );
    assert_eq!(
        verdict(quiet(), &[refused, call("07:14:59")]),
        "resize/device-never-grew"
    );
}

#[test]
fn smaller_than_before_is_no_ordinary_error() {
    let code = json!({"errorCode": "InvalidDiskSize.TooSmall"});
    let refused = trail("ResizeDisk", "07:14:56", DISK, &code);
    assert_eq!(verdict(quiet(), &[refused]), "resize/shrink-refused");
}

#[test]
fn a_device_that_never_grew_is_only_said_after_half_a_minute() {
    let rule = "resize/device-never-grew";
    let row = row(quiet(), &[asked(), pv(), call("07:14:56")]);
    assert_eq!((row.verdict, row.confidence), (rule, Confidence::Proven));
    assert_eq!(states(&row)[3], "capacity missing");
    assert_eq!(verdict(quiet(), &[call("07:15:40")]), "resize/unknown");
    assert_eq!(verdict(quiet(), &[call("07:20:00")]), "resize/unknown");
    // Somebody hid it: the probe lost events, and the size is not known.
    let mut lossy = Story::new();
    lossy.inventory(
        vec![Device {
            size_bytes: None,
            ..cloud_disk(20)
        }],
        vec![],
        false,
    );
    lossy.at(80_000).lose("ring/capacity", 3).end(118_500);
    assert_eq!(verdict(lossy, &[call("07:14:56")]), "resize/unknown");
}

#[test]
fn an_offline_call_waits_for_a_restart() {
    let offline = json!({"requestParameters": {"DiskId": DISK, "NewSize": 40}});
    let call = trail("ResizeDisk", "07:14:56", DISK, &offline);
    assert_eq!(
        verdict(quiet(), std::slice::from_ref(&call)),
        "resize/offline-needed"
    );
    assert_eq!(verdict(well(), &[call]), "resize/ok");
}

#[test]
fn another_disk_was_enlarged() {
    let wrong = trail("ResizeDisk", "07:14:56", "d-other", &json!({}));
    let records = [asked(), pv(), wrong.clone(), until("07:20:00")];
    assert_eq!(verdict(quiet(), &records), "resize/wrong-device");
    // Of another size, or long before: somebody else's business.
    let other_size =
        json!({"requestParameters": {"DiskId": "d-other", "NewSize": 80, "Type": "online"}});
    let others = [
        trail("ResizeDisk", "07:14:56", "d-other", &other_size),
        trail("ResizeDisk", "06:00:00", "d-other", &json!({})),
    ];
    for other in others {
        let records = [asked(), pv(), other, until("07:20:00")];
        assert_eq!(verdict(quiet(), &records), "resize/no-api-call");
    }
    // It is what another claim asked for.
    let mut claimed = asked();
    claimed["auditID"] = json!("a2");
    claimed["objectRef"]["name"] = json!("other");
    claimed["responseObject"]["spec"]["volumeName"] = json!("pv-2");
    let mut volume = pv();
    volume["metadata"]["name"] = json!("pv-2");
    volume["spec"]["csi"]["volumeHandle"] = json!("d-other");
    volume["spec"]["claimRef"]["name"] = json!("other");
    let records = [asked(), pv(), claimed, volume, wrong, until("07:20:00")];
    assert_eq!(verdict(quiet(), &records), "resize/no-api-call");
}

#[test]
fn the_tool_ran_on_another_disk_than_grew() {
    let mut story = node();
    let other = Device {
        serial: Some("abcdefghij0123456789".to_owned()),
        ..disk(VDC, "vdc", 20 * GIB)
    };
    story.inventory(vec![other], vec![], false);
    story.at(57_000).capacity(VDC, "vdc", 20, 40);
    story.at(58_000).tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)]);
    story.at(118_000);
    measure(&mut story, 20, 20);
    story.end(118_500);
    let wrong = trail(
        "ResizeDisk",
        "07:14:55",
        "d-abcdefghij0123456789",
        &json!({}),
    );
    let rows = rows(&[story], &[wrong]);
    let of = |id: &str| {
        rows.iter()
            .find(|row| row.disk_id.as_deref() == Some(id))
            .unwrap()
    };
    assert_eq!(of(DISK).verdict, "resize/wrong-device");
    assert!(of(DISK).summary.contains("vdc grew"));
}

#[test]
fn a_run_from_before_the_request_explains_nothing() {
    let rule = "resize/no-op-before-capacity";
    let mut story = node();
    // A pod starts, and its volume is checked.
    story.at(20_000).tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)]);
    measure(&mut story, 20, 20);
    story.at(61_141).capacity(VDB, "vdb", 20, 40);
    measure(&mut story, 40, 20);
    story.at(118_000);
    measure(&mut story, 40, 20);
    story.end(118_500);
    let recorded = story.recording();
    let alone = correlate(&[recorded], &told(&[]), Vec::new(), &[]).correlation;
    assert_eq!(alone[0].verdict, rule, "nobody is known to have asked");
    assert_eq!(
        verdict(story, &[asked(), pv(), call("07:14:56")]),
        "resize/fs-not-grown"
    );
}

#[test]
fn where_the_clock_decides_the_clock_is_the_verdict() {
    // The tool runs within a second of the call, by a clock that is off by a second.
    let unsynchronised = || {
        let mut story = node().unsynchronised();
        measure(&mut story, 20, 20);
        story.at(56_300).tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)]);
        measure(&mut story, 20, 20);
        story.at(61_141).capacity(VDB, "vdb", 20, 40);
        measure(&mut story, 40, 20);
        story.at(118_000);
        measure(&mut story, 40, 20);
        story.end(118_500);
        story
    };
    let row_of = |at: &str| row(unsynchronised(), &[call(at)]);
    let unsure = row_of("07:14:56");
    assert_eq!(unsure.verdict, "clock/unsynchronised");
    assert_eq!(unsure.confidence, Confidence::Possible);
    let clear = row_of("07:14:50");
    assert_eq!(clear.verdict, "resize/no-op-before-capacity");
}

#[test]
fn someone_who_comes_late_still_sees_the_sizes() {
    let mut story = Story::bare();
    measure(&mut story, 40, 20);
    story.at(10_000);
    measure(&mut story, 40, 20);
    story.end(10_500);
    let row = row(story, &[asked(), pv(), call("07:13:00")]);
    assert_eq!(row.verdict, "resize/fs-not-grown");
    assert_eq!(row.confidence, Confidence::Likely);
    assert_eq!(states(&row)[3], "capacity done");
    assert_eq!(states(&row)[6], "filesystem missing");
}

#[test]
fn the_sizes_alone_say_that_it_did_not_grow() {
    let mut story = Story::bare();
    measure(&mut story, 40, 20);
    let row = row(story, &[]);
    assert_eq!(
        (row.verdict, row.confidence),
        ("resize/fs-not-grown", Confidence::Likely)
    );
    let mut story = Story::bare();
    measure(&mut story, 40, 40);
    let quiet = self::row(story, &[]);
    assert_eq!((quiet.verdict, quiet.finding), ("resize/ok", None));
}

#[test]
fn all_went_well() {
    let row = row(well(), &[asked(), pv(), call("07:14:56")]);
    assert_eq!(row.verdict, "resize/ok");
    assert_eq!(states(&row)[6], "filesystem done");
}

#[test]
fn a_raw_device_has_no_file_system_to_grow() {
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": "db", "name": "data-mysql-0"},
        "spec": {"volumeName": "pv-1", "volumeMode": "Block",
                 "resources": {"requests": {"storage": "40Gi"}}},
        "status": {"capacity": {"storage": "40Gi"}},
    });
    let mut story = Story::bare();
    story.inventory(vec![cloud_disk(20)], vec![], false);
    story.at(57_000).capacity(VDB, "vdb", 20, 40);
    story
        .inventory(vec![cloud_disk(40)], vec![], false)
        .end(118_000);
    let row = row(story, &[asked(), pv(), claim, call("07:14:56")]);
    assert_eq!(states(&row)[6], "filesystem not-applicable");
    assert_eq!(row.verdict, "resize/ok");
}

#[test]
fn a_restored_snapshot_that_is_grown_when_it_is_mounted_is_well() {
    let mut story = Story::bare();
    measure(&mut story, 40, 20);
    story.at(20_000).resize(VDB, 20, 40, "");
    story.tool(RESIZE2FS, 0, 1, &[(VDB, 40 * GIB)]);
    measure(&mut story, 40, 40);
    story.end(118_000);
    assert_eq!(verdict(story, &[pv()]), "resize/ok");
}

#[test]
fn what_others_say_of_their_success_is_no_size() {
    // kubelet's success, and a status of 40 GiB, with a file system of 20.
    let (intake, _) = read(&[sample("k8s-audit.jsonl"), sample("kubelet.log")]);
    let recording = too_early().recording();
    let row = &correlate(&[recording], &intake, Vec::new(), &[]).correlation[0];
    assert_eq!(row.verdict, "resize/no-op-before-capacity");
    assert!(
        row.layers[7].what.contains("nobody measured"),
        "{}",
        row.layers[7].what
    );
}

#[test]
fn a_volume_that_moved_is_where_it_was_last() {
    let gone = {
        let mut story = quiet();
        story
            .at(119_000)
            .inventory(vec![], vec![], true)
            .end(119_100);
        story
    };
    let mut there = Story::new();
    there.at(200_000);
    measure(&mut there, 40, 20);
    there.at(201_000).resize(VDB, 20, 40, "");
    measure(&mut there, 40, 40);
    there.end(260_000);
    let recordings = [gone.recording(), there.recording()];
    let correlated = correlate(&recordings, &told(&[call("07:14:56")]), Vec::new(), &[]);
    let rows: Vec<_> = correlated
        .correlation
        .iter()
        .filter(|row| row.finding.is_some())
        .collect();
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(rows[0].verdict, "resize/late");
    assert_eq!(correlated.report.sessions.len(), 2);
    let mut ids: Vec<u64> = correlated
        .report
        .timeline
        .iter()
        .map(|row| row.id)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), correlated.report.timeline.len());
}

#[test]
fn an_ambiguous_disk_is_shown_and_can_be_named() {
    let twins = || {
        let mut story = Story::new();
        let twin = Device {
            serial: Some(SERIAL.to_owned()),
            ..disk(VDC, "vdc", 20 * GIB)
        };
        story.inventory(
            vec![cloud_disk(20), twin],
            vec![ext4(VDC, "/other", 20 * GIB)],
            false,
        );
        story.at(118_000);
        measure(&mut story, 20, 20);
        story.end(118_500);
        story
    };
    let row = row(twins(), &[call("07:14:56")]);
    assert_eq!((row.device, row.verdict), (None, "resize/unknown"));
    assert!(row.missing[0].contains("vdb or vdc"), "{:?}", row.missing);
    let said = Named {
        disk_id: DISK.to_owned(),
        device: "vdc".to_owned(),
    };
    let recordings = [twins().recording()];
    let named = correlate(&recordings, &told(&[call("07:14:56")]), Vec::new(), &[said]);
    let own = named
        .correlation
        .iter()
        .find(|row| row.finding.is_some())
        .unwrap();
    assert_eq!(own.device.as_deref(), Some("vdc"));
}

/// A disk as a cloud's guest shows it, what the API calls it, and the records that
/// tell: the disk never grows.
fn matched(device: &Device, records: &[Value]) -> Correlation {
    let mut story = Story::new();
    story.inventory(
        vec![device.clone()],
        vec![ext4(VDB, "/data", 20 * GIB)],
        true,
    );
    for ms in [60_000, 118_000] {
        story.at(ms).inventory(
            vec![device.clone()],
            vec![ext4(VDB, "/data", 20 * GIB)],
            true,
        );
    }
    story.end(118_500);
    let rows = rows(&[story], records);
    assert_eq!(rows.len(), 1, "{rows:#?}");
    rows.into_iter().next().unwrap()
}

#[test]
fn a_disk_of_aws_is_known_by_its_nvme_serial() {
    let device = Device {
        model: Some("Amazon Elastic Block Store".to_owned()),
        serial: Some("vol0123456789abcdef0".to_owned()),
        ..disk(VDB, "nvme1n1", 20 * GIB)
    };
    let call = json!({
        "eventSource": "ec2.amazonaws.com", "eventName": "ModifyVolume", "awsRegion": "eu-central-1",
        "eventTime": "2026-03-11T07:14:56Z", "requestID": "r1", "eventID": "e1",
        "requestParameters": {"ModifyVolumeRequest": {"VolumeId": "vol-0123456789abcdef0", "Size": "40"}},
    });
    let modification = json!({"VolumesModifications": [{
        "VolumeId": "vol-0123456789abcdef0", "ModificationState": "optimizing", "OriginalSize": 20,
        "TargetSize": 40, "StartTime": "2026-03-11T07:14:56.000Z",
    }]});
    let row = matched(&device, &[call, modification]);
    assert_eq!(row.device.as_deref(), Some("nvme1n1"));
    assert_eq!(row.verdict, "resize/device-never-grew");
    assert!(row.finding.unwrap().advice.unwrap().contains("ns-rescan"));
}

#[test]
fn a_disk_of_google_is_known_by_its_name_and_the_claims_path() {
    let device = Device {
        wwid: Some("Google  PersistentDisk  pvc-77".to_owned()),
        ..disk(VDB, "sdb", 20 * GIB)
    };
    let entry = |first: bool, at: &str| {
        json!({
            "timestamp": at, "insertId": at,
            "operation": {"id": "op1", "first": first, "last": !first},
            "protoPayload": {"methodName": "v1.compute.disks.resize", "request": {"sizeGb": "40"},
                "resourceName": "projects/p/zones/z/disks/pvc-77"},
        })
    };
    let mut volume = pv();
    volume["spec"]["csi"]["volumeHandle"] = json!("projects/p/zones/z/disks/pvc-77");
    let records = [
        volume,
        entry(true, "2026-03-11T07:14:56.1Z"),
        entry(false, "2026-03-11T07:15:00.8Z"),
    ];
    let row = matched(&device, &records);
    assert_eq!(
        row.disk_id.as_deref(),
        Some("projects/p/zones/z/disks/pvc-77")
    );
    assert_eq!(row.device.as_deref(), Some("sdb"));
    assert_eq!(row.pvc.as_deref(), Some("db/data-mysql-0"));
    assert_eq!(row.verdict, "resize/device-never-grew");
    assert_eq!(states(&row)[2], "cloud done");
    assert!(row.finding.unwrap().advice.unwrap().contains("rescan"));
}

#[test]
fn a_disk_of_azure_is_known_by_the_number_it_was_attached_at() {
    let device = Device {
        vendor: Some("Msft".to_owned()),
        model: Some("Virtual Disk".to_owned()),
        hctl: Some("5:0:0:3".to_owned()),
        ..disk(VDB, "sdc", 20 * GIB)
    };
    let path = "/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/disks/pvc-77";
    let mut volume = pv();
    volume["spec"]["csi"]["volumeHandle"] = json!(path);
    let attachment = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": "csi-1"},
        "spec": {"attacher": "disk.csi.azure.com", "nodeName": "n", "source": {"persistentVolumeName": "pv-1"}},
        "status": {"attached": true, "attachmentMetadata": {"LUN": "3"}},
    });
    let event = |status: &str, at: &str| {
        json!({
            "eventTimestamp": at, "eventDataId": at, "correlationId": "c1",
            "operationName": {"value": "Microsoft.Compute/disks/write"}, "status": {"value": status},
            "resourceId": path.to_uppercase(),
            "properties": {"requestbody": "{\"properties\":{\"diskSizeGB\":40}}"},
        })
    };
    let records = [
        volume,
        attachment,
        event("Started", "2026-03-11T07:14:55.6Z"),
        event("Succeeded", "2026-03-11T07:14:58.1Z"),
    ];
    let row = matched(&device, &records);
    assert_eq!(row.device.as_deref(), Some("sdc"));
    assert_eq!(row.verdict, "resize/device-never-grew");
}

const DM: Dev = Dev::new(253, 0);

/// What lies on the disk is a mapping.
fn mapped(story: &mut Story, uuid: &str, disk_gib: u64, mapping_gib: u64) {
    let mapping = Device {
        dm_name: Some("data".to_owned()),
        dm_uuid: Some(uuid.to_owned()),
        slaves: vec![VDC.0],
        ..disk(DM, "dm-0", mapping_gib * GIB)
    };
    let mounts = vec![ext4(DM, "/data", mapping_gib * GIB)];
    let below = Device {
        serial: Some(SERIAL.to_owned()),
        ..disk(VDC, "vdc", disk_gib * GIB)
    };
    story.inventory(vec![below, mapping], mounts, false);
}

#[test]
fn a_logical_volume_that_was_asked_for_and_did_not_grow() {
    let records = [asked(), pv(), call("07:14:56")];
    for uuid in ["LVM-abc", "CRYPT-LUKS2-abc"] {
        let mut story = Story::new();
        mapped(&mut story, uuid, 20, 20);
        story.at(61_141).capacity(VDC, "vdc", 20, 40);
        mapped(&mut story, uuid, 40, 20);
        story.at(118_000);
        mapped(&mut story, uuid, 40, 20);
        story.end(118_500);
        let row = row(story, &records);
        assert_eq!(row.verdict, "resize/mapping-not-grown", "{uuid}");
        assert_eq!(states(&row)[5], "mapping missing");
    }
    // One that grew as far as it was asked to is well.
    let mut story = Story::new();
    mapped(&mut story, "LVM-abc", 20, 20);
    story.at(61_141).capacity(VDC, "vdc", 20, 40);
    story.at(62_000).capacity(DM, "dm-0", 20, 40);
    mapped(&mut story, "LVM-abc", 40, 40);
    story.end(118_500);
    assert_eq!(verdict(story, &records), "resize/ok");
}

#[test]
fn who_comes_late_sees_that_a_mapping_or_partition_is_small() {
    let records = [asked(), pv(), call("07:13:00")];
    for uuid in ["LVM-abc", "CRYPT-LUKS2-abc"] {
        let mut story = Story::new();
        mapped(&mut story, uuid, 40, 20);
        story.at(10_000);
        mapped(&mut story, uuid, 40, 20);
        story.end(10_500);
        let row = row(story, &records);
        assert_eq!(row.verdict, "resize/mapping-not-grown", "{uuid}");
        assert_eq!(row.confidence, Confidence::Likely);
    }
    let part = Dev::new(254, 33);
    let part = |gib: u64| {
        let device = Device {
            partition: Some(1),
            parent_dev: Some(VDC.0),
            start_bytes: Some(1 << 20),
            ..disk(part, "vdc1", gib * GIB)
        };
        (device, ext4(part, "/data", gib * GIB))
    };
    for (gib, expected) in [(20, "resize/partition-not-grown"), (40, "resize/ok")] {
        let mut story = Story::new();
        let (device, mount) = part(gib);
        let below = Device {
            serial: Some(SERIAL.to_owned()),
            ..disk(VDC, "vdc", 40 * GIB)
        };
        story.inventory(vec![below, device], vec![mount], false);
        story.end(10_500);
        assert_eq!(verdict(story, &records), expected);
    }
}

#[test]
fn nobody_is_only_said_of_whom_the_probes_would_have_seen() {
    let what = |story: Story| {
        let row = row(story, &[asked(), pv(), call("07:13:00")]);
        let layer = row.layers[6].clone();
        assert_eq!(layer.state, LayerState::Missing);
        layer.what
    };
    let grows = |change: &dyn Fn(&mut Story)| {
        let mut story = node();
        change(&mut story);
        story.at(61_141).capacity(VDB, "vdb", 20, 40);
        measure(&mut story, 40, 20);
        story.at(118_000);
        measure(&mut story, 40, 20);
        story.end(118_500);
        what(story)
    };
    assert_eq!(grows(&|_| {}), "nobody resized it");
    let blind = |story: &mut Story| _ = story.probe("resize", State::Off, "passed");
    assert_eq!(grows(&blind), "it has not grown since its device did");
    // Who came late cannot know who was there before.
    let mut late = Story::bare();
    measure(&mut late, 40, 20);
    late.at(10_000);
    measure(&mut late, 40, 20);
    late.end(10_500);
    assert_eq!(what(late), "it kept its size");
    assert_eq!(what(quiet()), "it kept its size");
}

#[test]
fn without_the_probe_no_call_is_no_evidence() {
    let mut story = node();
    story.probe("resize", State::Off, "passed");
    runs_too_early(&mut story);
    let records = [asked(), pv(), call("07:14:56")];
    let row = self::row(story, &records);
    assert_eq!(row.verdict, "resize/no-op-before-capacity");
    assert_eq!(row.confidence, Confidence::Likely);
    let summary = row.summary.clone();
    assert!(summary.contains("it has not grown since"), "{summary}");
    let layer = &row.layers[6].what;
    assert!(!layer.contains("call"), "{layer}");
}

#[test]
fn a_recording_too_short_for_a_verdict_says_so() {
    let mut story = node();
    story.at(57_000);
    measure(&mut story, 20, 20);
    story.end(58_000);
    let row = row(story, &[asked(), pv(), call("07:14:56")]);
    assert_eq!(row.verdict, "resize/unknown");
    let summary = row.summary.clone();
    assert!(summary.contains("still has 20 GiB"), "{summary}");
}

#[test]
fn what_was_lost_around_a_growth_that_was_only_noticed_is_not_absent() {
    let mut story = node();
    story.at(50_000);
    measure(&mut story, 20, 20);
    story.at(60_000).lose("ring/resize", 5);
    measure(&mut story, 40, 20);
    story.at(118_000);
    measure(&mut story, 40, 20);
    story.end(118_500);
    let row = row(story, &[asked(), pv(), call("07:14:06")]);
    assert_eq!(row.verdict, "resize/fs-not-grown");
    assert_eq!(row.confidence, Confidence::Likely);
    assert_eq!(row.layers[6].what, "it has not grown since its device did");
}
