//! How sure each verdict is, and what takes its certainty away.

use super::*;
use Confidence::{Likely, Possible, Proven};

fn sure(story: Story, records: &[Value]) -> (&'static str, Confidence) {
    let row = row(story, records);
    (row.verdict, row.confidence)
}

/// Of the disk, without a recording.
fn told_only(records: &[Value]) -> (&'static str, Confidence) {
    let rows = rows(&[], records);
    let own = rows.iter().find(|row| row.disk_id.as_deref() == Some(DISK));
    let own = own.expect("a row of the disk");
    (own.verdict, own.confidence)
}

/// As [`quiet`], but the probe that would have seen a growth was off.
fn unwatched() -> Story {
    let mut story = node();
    story.probe("capacity", State::Off, "");
    story.at(60_000);
    measure(&mut story, 20, 20);
    story.at(118_000);
    measure(&mut story, 20, 20);
    story.end(118_500);
    story
}

fn offline() -> Value {
    let parameters = json!({"requestParameters": {"DiskId": DISK, "NewSize": 40}});
    trail("ResizeDisk", "07:14:56", DISK, &parameters)
}

/// What external-resizer says of the claim.
fn event(reason: &str, message: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": reason, "message": message,
        "metadata": {"name": "data-mysql-0.17a"}, "source": {"component": "external-resizer"},
        "involvedObject": {"kind": "PersistentVolumeClaim", "namespace": "db", "name": "data-mysql-0"},
        "firstTimestamp": "2026-03-11T07:14:57Z", "lastTimestamp": "2026-03-11T07:14:57Z", "count": 1,
    })
}

#[test]
fn that_nobody_called_is_proven_by_the_trail_and_the_kernel_together() {
    let rule = "resize/no-api-call";
    let around = [asked(), pv(), until("07:10:00"), until("07:20:00")];
    assert_eq!(sure(quiet(), &around), (rule, Proven));
    assert_eq!(sure(unwatched(), &around), (rule, Likely));
    assert_eq!(told_only(&around), (rule, Likely));
    // A call may have come before the first record.
    let after = [asked(), pv(), until("07:15:00"), until("07:20:00")];
    let row = row(quiet(), &after);
    assert_eq!((row.verdict, row.confidence), (rule, Possible));
    assert!(
        row.missing.iter().any(|m| m.contains("trail begins")),
        "{:?}",
        row.missing
    );
    let from = row
        .finding
        .unwrap()
        .evidence
        .into_iter()
        .find_map(|e| match e {
            Evidence::Absence { from, probes, .. } if probes.is_empty() => from,
            _ => None,
        });
    assert_eq!(from.as_deref(), Some("2026-03-11T07:15:00Z"));
}

#[test]
fn that_it_waits_for_a_restart_is_proven_where_the_device_was_watched() {
    let rule = "resize/offline-needed";
    let records = [asked(), pv(), offline()];
    assert_eq!(sure(quiet(), &records), (rule, Proven));
    assert_eq!(sure(unwatched(), &records), (rule, Likely));
    assert_eq!(told_only(&records), (rule, Possible));
    let message = "Unable to expand db/data-mysql-0 because CSI driver disk.example only supports offline \
                   expansion and volume is currently in-use";
    let said = [asked(), pv(), event("VolumeResizeFailed", message)];
    assert_eq!(sure(quiet(), &said), (rule, Likely));
    // Without the node nobody knows whether it was restarted since.
    let rows = rows(&[], &records);
    assert!(
        !rows[0].summary.contains("has not grown"),
        "{}",
        rows[0].summary
    );
    assert!(
        rows[0]
            .missing
            .iter()
            .any(|m| m.contains("grown since is not known"))
    );
}

#[test]
fn that_the_device_never_grew_needs_the_clouds_word_and_the_kernels() {
    let rule = "resize/device-never-grew";
    assert_eq!(
        sure(quiet(), &[asked(), pv(), call("07:14:56")]),
        (rule, Proven)
    );
    assert_eq!(
        sure(unwatched(), &[asked(), pv(), call("07:14:56")]),
        (rule, Likely)
    );
    let done = event(
        "FileSystemResizeRequired",
        "Require file system resize of volume on node",
    );
    assert_eq!(sure(quiet(), &[asked(), pv(), done]), (rule, Likely));
}

#[test]
fn what_the_cloud_refused_its_own_record_proves() {
    let code = json!({"errorCode": "OperationDenied"});
    let refused = trail("ResizeDisk", "07:14:56", DISK, &code);
    assert_eq!(
        told_only(&[asked(), pv(), refused]),
        ("resize/api-error", Proven)
    );
    let message = "resize volume \"pv-1\" by resizer \"disk.example\" failed: no quota";
    let said = event("VolumeResizeFailed", message);
    assert_eq!(
        told_only(&[asked(), pv(), said]),
        ("resize/api-error", Likely)
    );
}

#[test]
fn a_call_for_another_disk_is_only_likely_as_long_as_no_kernel_saw_it() {
    let wrong = trail("ResizeDisk", "07:14:56", "d-other", &json!({}));
    let records = [asked(), pv(), wrong, until("07:20:00")];
    assert_eq!(told_only(&records), ("resize/wrong-device", Likely));
}

#[test]
fn a_refusal_is_the_last_word_only_as_far_as_was_watched() {
    let refused = |after: &dyn Fn(&mut Story), size: Option<u64>| {
        let mut story = Story::new();
        let mount = || crate::sample::inventory::Mount {
            fs_size_bytes: size,
            ..ext4(VDB, "/data", 0)
        };
        story.inventory(vec![cloud_disk(40)], vec![mount()], true);
        story.at(20_000).resize(VDB, 20, 40, "EPERM");
        story
            .at(21_000)
            .inventory(vec![cloud_disk(40)], vec![mount()], true);
        after(story.at(30_000));
        story
            .at(118_000)
            .inventory(vec![cloud_disk(40)], vec![mount()], true);
        story.end(118_500);
        sure(story, &[])
    };
    let rule = "resize/failed";
    let lossy = |story: &mut Story| _ = story.lose("ring/resize", 1);
    assert_eq!(refused(&|_| {}, None), (rule, Proven));
    assert_eq!(refused(&lossy, Some(20 * GIB)), (rule, Likely));
    assert_eq!(refused(&lossy, None), (rule, Possible));
}
