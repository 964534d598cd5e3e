//! Each rule where it must fire, and where it must not.

use super::{ALL, findings, of_rules};
use crate::analysis::finding::{Evidence, Finding};
use crate::model::testing::{
    GIB, MS, NAS, SECOND, Story, VDB, VDC, VDC1, disk, ext4, number, text, vdc1,
};
use crate::sample::event::Detail;
use crate::sample::inventory::{Device, Mount};
use crate::sample::probe_status::State;
use crate::sample::{Dev, FsResize, FsResizeBegin, MountChange, ReadAheadChange};

const EARLY: &str = "resize/no-op-before-capacity";
const RESIZE2FS: &[&str] = &["resize2fs", "/dev/vdb"];

/// Findings about volumes, as (rule, device, what it explains).
fn verdicts(story: &Story) -> Vec<(&'static str, String)> {
    let all = findings(&story.recording());
    let volumes = all.into_iter().filter(|f| f.rule.starts_with("resize/"));
    volumes
        .map(|f| (f.rule, f.device.unwrap_or_default()))
        .collect()
}

fn verdict(story: &Story) -> &'static str {
    match verdicts(story).as_slice() {
        [] => "none",
        [(rule, device)] if device == "vdb" => rule,
        more => panic!("{more:?}"),
    }
}

fn only(story: &Story) -> Finding {
    let mut all = findings(&story.recording());
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Runs of the tool with nothing to do, 3.2 s before the disk grows.
fn too_early() -> Story {
    let mut story = Story::new();
    story.at(57_900).measure(20, 20);
    story
        .at(57_941)
        .tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)])
        .measure(20, 20);
    story
        .at(61_141)
        .capacity(VDB, "vdb", 20, 40)
        .measure(40, 20);
    story
}

/// The disk grows, and nothing else happens.
fn only_the_disk_grew() -> Story {
    let mut story = Story::new();
    story
        .at(10_000)
        .capacity(VDB, "vdb", 20, 40)
        .measure(40, 20);
    story
}

/// The recording goes on to this time and ends.
fn end(mut story: Story, ms: u64, disk: u64, fs: u64) -> Story {
    story.at(ms).measure(disk, fs).end(ms);
    story
}

/// The tool resizes the file system with a call, now.
fn grow(story: &mut Story) {
    story
        .resize(VDB, 20, 40, "")
        .tool(RESIZE2FS, 0, 1, &[(VDB, 40 * GIB)])
        .measure(40, 40);
}

// ---- the incident

#[test]
fn too_early_is_found_with_its_evidence() {
    let found = only(&end(too_early(), 958_000, 40, 20));
    assert_eq!(found.rule, EARLY);
    assert_eq!(found.device.as_deref(), Some("vdb"));
    assert!(
        found
            .summary
            .starts_with("resize2fs ran 3.200 s before the disk had grown"),
        "{}",
        found.summary
    );
    assert_eq!(found.explains, ["resize/fs-not-grown", "resize/unknown"]);
    assert_eq!(
        found.evidence[..2],
        [Evidence::Event { id: 1 }, Evidence::Event { id: 2 }]
    );
    let Evidence::Absence {
        basis,
        from,
        to,
        probes,
        ..
    } = &found.evidence[2]
    else {
        panic!("{:?}", found.evidence);
    };
    assert_eq!(
        (*basis, probes.as_slice()),
        ("both", &["resize".to_owned()][..])
    );
    assert_eq!(from.as_deref(), Some("2026-03-11T07:15:01.141Z"));
    assert_eq!(to.as_deref(), Some("2026-03-11T07:29:58Z"));
    assert_eq!(
        found.advice.as_deref(),
        Some("resize2fs /dev/vdb   (online, safe while mounted)")
    );
}

#[test]
fn too_early_needs_no_size_where_the_events_are_whole() {
    let mut story = Story::new();
    let unread = Mount {
        fs_size_bytes: None,
        ..ext4(VDC, "/other", 0)
    };
    story.inventory(vec![disk(VDC, "vdc", 20 * GIB)], vec![unread], false);
    story
        .at(1000)
        .tool(&["resize2fs", "/dev/vdc"], 0, 0, &[(VDC, 20 * GIB)]);
    story.at(2000).capacity(VDC, "vdc", 20, 40).end(3000);
    assert_eq!(verdicts(&story), [(EARLY, "vdc".to_owned())]);
}

#[test]
fn too_early_survives_lost_events_by_state_alone() {
    let mut story = too_early();
    story.at(70_000).lose("ring/resize", 3);
    let found = only(&end(story, 958_000, 40, 20));
    let basis = found.evidence.iter().find_map(|e| match e {
        Evidence::Absence { basis, .. } => Some(*basis),
        _ => None,
    });
    assert_eq!((found.rule, basis), (EARLY, Some("state")));
}

#[test]
fn too_early_is_not_claimed_without_either_proof() {
    let mut story = Story::new();
    let unread = Mount {
        fs_size_bytes: None,
        ..ext4(VDC, "/other", 0)
    };
    story.inventory(vec![disk(VDC, "vdc", 20 * GIB)], vec![unread], false);
    story
        .at(1000)
        .tool(&["resize2fs", "/dev/vdc"], 0, 0, &[(VDC, 20 * GIB)]);
    story.at(2000).capacity(VDC, "vdc", 20, 40);
    story.at(3000).lose("ring/resize", 1).end(4000);
    assert_eq!(verdicts(&story), [("resize/unknown", "vdc".to_owned())]);
}

#[test]
fn too_early_needs_a_reliable_count_of_calls_at_the_run() {
    // The probe was not there yet, and the size was not read around the run.
    let mut story = Story::bare();
    story.inventory(
        vec![disk(VDB, "vdb", 20 * GIB)],
        vec![ext4(VDB, "/data", 20 * GIB)],
        true,
    );
    story.probe("resize", State::Waiting, "");
    story.at(1000).tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)]);
    story.at(2000).measure(20, 19);
    story.at(3000).capacity(VDB, "vdb", 20, 40).measure(40, 19);
    assert_ne!(verdict(&end(story, 4000, 40, 19)), EARLY);
}

// ---- near misses of it

#[test]
fn a_run_with_nothing_to_do_alone_is_no_finding() {
    let mut story = Story::new();
    story.at(5000).tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)]);
    assert_eq!(verdict(&end(story, 600_000, 20, 20)), "none");
}

#[test]
fn a_file_system_smaller_than_its_device_from_the_start_is_no_finding() {
    let mut story = Story::bare();
    story.inventory(
        vec![disk(VDB, "vdb", 40 * GIB)],
        vec![ext4(VDB, "/data", 20 * GIB)],
        true,
    );
    story.probe("resize", State::Attached, "passed");
    story.at(5000).tool(RESIZE2FS, 0, 0, &[(VDB, 40 * GIB)]);
    assert_eq!(verdict(&end(story, 600_000, 40, 20)), "none");
}

#[test]
fn a_retry_that_succeeds_is_late_but_fine() {
    let mut story = too_early();
    grow(story.at(70_000));
    let found = only(&end(story, 958_000, 40, 40));
    assert_eq!(
        (found.rule, found.explains.as_slice()),
        ("resize/late", &["resize/ok"][..])
    );
}

#[test]
fn a_slow_resize_is_fine() {
    let mut story = only_the_disk_grew();
    grow(story.at(65_000));
    assert_eq!(verdict(&end(story, 958_000, 40, 40)), "resize/ok");
}

#[test]
fn a_resize_after_more_than_a_minute_is_late() {
    let mut story = only_the_disk_grew();
    grow(story.at(80_000));
    assert_eq!(verdict(&end(story, 958_000, 40, 40)), "resize/late");
}

#[test]
fn another_volumes_growth_is_not_this_ones() {
    let mut story = Story::new();
    story.inventory(
        vec![disk(VDC, "vdc", 20 * GIB)],
        vec![ext4(VDC, "/other", 20 * GIB)],
        false,
    );
    story.at(1000).tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)]);
    story
        .at(2000)
        .capacity(VDC, "vdc", 20, 40)
        .resize(VDC, 20, 40, "");
    let (disks, mounts) = (
        vec![disk(VDC, "vdc", 40 * GIB)],
        vec![ext4(VDC, "/other", 40 * GIB)],
    );
    story.at(60_000).inventory(disks, mounts, false);
    assert_eq!(
        verdicts(&end(story, 60_000, 20, 20)),
        [("resize/ok", "vdc".to_owned())]
    );
}

#[test]
fn two_disks_that_grow_at_once_are_told_apart() {
    let mut story = too_early();
    story.inventory(
        vec![disk(VDC, "vdc", 20 * GIB)],
        vec![ext4(VDC, "/other", 20 * GIB)],
        false,
    );
    story.capacity(VDC, "vdc", 20, 40).resize(VDC, 20, 40, "");
    let (disks, mounts) = (
        vec![disk(VDC, "vdc", 40 * GIB)],
        vec![ext4(VDC, "/other", 40 * GIB)],
    );
    story.at(900_000).inventory(disks, mounts, false);
    let expected = [(EARLY, "vdb".to_owned()), ("resize/ok", "vdc".to_owned())];
    assert_eq!(verdicts(&end(story, 900_000, 40, 20)), expected);
}

#[test]
fn queries_are_no_attempts() {
    for argv in [
        &["resize2fs", "-P", "/dev/vdb"][..],
        &["xfs_growfs", "-n", "/data"],
        &["/sbin/resize2fs", "-fP", "/dev/vdb"],
    ] {
        let mut story = Story::new();
        story.at(1000).tool(argv, 0, 0, &[(VDB, 20 * GIB)]);
        story.at(2000).capacity(VDB, "vdb", 20, 40).measure(40, 20);
        assert_eq!(
            verdict(&end(story, 60_000, 40, 20)),
            "resize/fs-not-grown",
            "{argv:?}"
        );
    }
}

#[test]
fn offline_a_run_without_a_call_may_have_grown_it() {
    let offline = |mounted: bool| {
        let mut story = Story::new();
        if !mounted {
            story.inventory(vec![disk(VDB, "vdb", 20 * GIB)], vec![], true);
        }
        story.at(1000).tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)]);
        story.at(2000).capacity(VDB, "vdb", 20, 40).measure(40, 20);
        end(story, 10_000, 40, 20)
    };
    assert_eq!(verdict(&offline(true)), EARLY);
    assert_ne!(verdict(&offline(false)), EARLY);
}

#[test]
fn a_mount_seen_as_an_event_counts() {
    let mut story = Story::new();
    story.inventory(vec![disk(VDB, "vdb", 20 * GIB)], vec![], true);
    let change = MountChange {
        op: "add".to_owned(),
        dev: VDB.0,
        mount_point: "/data".to_owned(),
        fs: "ext4".to_owned(),
        error: String::new(),
    };
    story.at(500).event(1, "mount", Detail::Mount(change));
    story.at(1000).tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)]);
    story.at(2000).capacity(VDB, "vdb", 20, 40).measure(40, 20);
    assert_eq!(verdict(&end(story, 10_000, 40, 20)), EARLY);
}

#[test]
fn a_run_long_before_has_nothing_to_do_with_it() {
    let mut story = Story::new();
    story.at(1000).tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)]);
    story
        .at(602_000)
        .capacity(VDB, "vdb", 20, 40)
        .measure(40, 20);
    assert_eq!(verdict(&end(story, 700_000, 40, 20)), "resize/fs-not-grown");
}

#[test]
fn a_run_that_failed_is_not_a_run_with_nothing_to_do() {
    let mut story = Story::new();
    story.at(1000).tool(RESIZE2FS, 1, 0, &[(VDB, 20 * GIB)]);
    story.at(2000).capacity(VDB, "vdb", 20, 40).measure(40, 20);
    assert_eq!(verdict(&end(story, 60_000, 40, 20)), "resize/failed");
}

#[test]
fn a_capacity_change_that_made_it_smaller_is_no_growth() {
    let mut story = Story::new();
    story.at(1000).tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)]);
    story.at(2000).capacity(VDB, "vdb", 20, 10);
    assert_eq!(verdict(&end(story, 60_000, 10, 20)), "none");
}

// ---- the device grew, the file system did not

#[test]
fn not_grown_is_found_after_half_a_minute() {
    assert_eq!(
        verdict(&end(only_the_disk_grew(), 41_000, 40, 20)),
        "resize/fs-not-grown"
    );
    let short = only(&end(only_the_disk_grew(), 30_000, 40, 20));
    assert_eq!(short.rule, "resize/unknown");
    assert!(
        short.summary.contains("ended 20 s after the growth"),
        "{}",
        short.summary
    );
}

#[test]
fn not_grown_is_found_where_no_event_told_of_the_growth() {
    let mut story = Story::new();
    story.at(10_000).measure(40, 20);
    assert_eq!(verdict(&end(story, 60_000, 40, 20)), "resize/fs-not-grown");
}

#[test]
fn a_resize_that_is_still_running_is_not_missing() {
    let mut story = only_the_disk_grew();
    let begin = FsResizeBegin {
        fs: "ext4".to_owned(),
        dev: VDB.0,
        command: "RESIZE_FS".to_owned(),
    };
    story
        .at(20_000)
        .event(4712, "resize2fs", Detail::FsResizeBegin(begin));
    let found = only(&end(story, 600_000, 40, 20));
    assert_eq!(found.rule, "resize/unknown");
    assert!(
        found.summary.contains("had not returned"),
        "{}",
        found.summary
    );
}

#[test]
fn a_resize_whose_return_was_lost_is_judged_by_the_sizes() {
    let lost = |fs_gib: u64| {
        let mut story = only_the_disk_grew();
        let resize = FsResize {
            fs: "ext4".to_owned(),
            dev: VDB.0,
            command: "RESIZE_FS".to_owned(),
            requested_bytes: Some(40 * GIB),
            error: FsResize::LOST_RETURN.to_owned(),
            ..FsResize::default()
        };
        story
            .at(20_000)
            .event(4712, "resize2fs", Detail::FsResize(resize));
        story.measure(40, fs_gib);
        end(story, 600_000, 40, fs_gib)
    };
    assert_eq!(verdict(&lost(40)), "resize/ok");
    let found = only(&lost(20));
    assert_eq!(found.rule, "resize/fs-not-grown");
    let by_state = |e: &Evidence| matches!(e, Evidence::Absence { basis: "state", .. });
    assert!(found.evidence.iter().any(by_state), "{found:?}");
}

#[test]
fn growth_that_was_asked_for_in_part_is_not_missing() {
    let mut story = only_the_disk_grew();
    story.at(20_000).resize(VDB, 20, 30, "").measure(40, 30);
    assert_ne!(verdict(&end(story, 600_000, 40, 30)), "resize/fs-not-grown");
}

#[test]
fn what_a_file_system_leaves_at_the_end_is_not_missing() {
    let mut story = Story::new();
    let mount = ext4(VDB, "/data", 40 * GIB - (4 << 20));
    story
        .at(10_000)
        .capacity(VDB, "vdb", 20, 40)
        .resize(VDB, 20, 40, "");
    story
        .at(50_000)
        .inventory(vec![disk(VDB, "vdb", 40 * GIB)], vec![mount], false)
        .end(50_000);
    assert_eq!(verdict(&story), "resize/ok");
}

// ---- partitions

fn partitioned(disk_gib: u64, part_gib: u64, fs_gib: u64, story: &mut Story) {
    let devices = vec![disk(VDC, "vdc", disk_gib * GIB), vdc1(part_gib * GIB)];
    story.inventory(devices, vec![ext4(VDC1, "/part", fs_gib * GIB)], false);
}

fn on_vdc1(story: &mut Story, disk: u64, part: u64, fs: u64) -> String {
    story.at(600_000);
    partitioned(disk, part, fs, story);
    story.end(600_000);
    verdicts(story)
        .into_iter()
        .map(|(rule, device)| format!("{device} {rule}"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[test]
fn a_partition_that_did_not_grow_is_found() {
    let mut story = Story::new();
    partitioned(20, 20, 20, &mut story);
    story.at(1000).capacity(VDC, "vdc", 20, 40);
    story.at(2000).partition("resize", 20, 40, "EBUSY");
    assert_eq!(
        on_vdc1(&mut story, 40, 20, 20),
        "vdc1 resize/partition-not-grown"
    );
    let found = only(&story);
    assert!(
        found.evidence.contains(&Evidence::Event { id: 2 }),
        "{:?}",
        found.evidence
    );
    assert!(
        found
            .advice
            .unwrap()
            .starts_with("growpart /dev/vdc 1, then resize2fs /dev/vdc1")
    );
}

#[test]
fn a_tool_that_could_do_nothing_on_a_partition_that_did_not_grow() {
    // The disk was larger already: the tool did not run too early, the
    // partition was not grown.
    let mut story = Story::new();
    partitioned(20, 20, 20, &mut story);
    story.at(1000).capacity(VDC, "vdc", 20, 40);
    story
        .at(2000)
        .tool(&["resize2fs", "/dev/vdc1"], 0, 0, &[(VDC1, 20 * GIB)]);
    assert_eq!(
        on_vdc1(&mut story, 40, 20, 20),
        "vdc1 resize/partition-not-grown"
    );
}

#[test]
fn a_tool_before_the_disk_grew_is_the_better_reason() {
    let mut story = Story::new();
    partitioned(20, 20, 20, &mut story);
    story
        .at(1000)
        .tool(&["resize2fs", "/dev/vdc1"], 0, 0, &[(VDC1, 20 * GIB)]);
    story.at(2000).capacity(VDC, "vdc", 20, 40);
    assert_eq!(
        on_vdc1(&mut story, 40, 20, 20),
        "vdc1 resize/no-op-before-capacity"
    );
}

#[test]
fn a_partition_that_grew_is_fine() {
    let mut story = Story::new();
    partitioned(20, 20, 20, &mut story);
    story.at(1000).capacity(VDC, "vdc", 20, 40);
    story.at(2000).partition("resize", 20, 40, "");
    story.at(3000).resize(VDC1, 20, 40, "");
    assert_eq!(on_vdc1(&mut story, 40, 40, 40), "vdc1 resize/ok");
}

#[test]
fn a_partition_that_grew_under_a_file_system_that_did_not() {
    let mut story = Story::new();
    partitioned(20, 20, 20, &mut story);
    story.at(1000).capacity(VDC, "vdc", 20, 40);
    story.at(2000).partition("resize", 20, 40, "");
    assert_eq!(on_vdc1(&mut story, 40, 40, 20), "vdc1 resize/fs-not-grown");
}

// ---- mappings

fn encrypted(story: &mut Story, disk_gib: u64, mapping_gib: u64, fs_gib: u64, uuid: &str) {
    let dm = Dev::new(253, 0);
    let mapping = Device {
        dm_name: Some("data".to_owned()),
        dm_uuid: Some(uuid.to_owned()),
        slaves: vec![VDC.0],
        ..disk(dm, "dm-0", mapping_gib * GIB)
    };
    let devices = vec![disk(VDC, "vdc", disk_gib * GIB), mapping];
    story.inventory(devices, vec![ext4(dm, "/data", fs_gib * GIB)], false);
}

#[test]
fn a_mapping_that_did_not_grow_is_found() {
    for (uuid, expected) in [
        ("CRYPT-LUKS2-1", Some("resize/mapping-not-grown")),
        ("LVM-1", None),
    ] {
        let mut story = Story::new();
        encrypted(&mut story, 20, 20, 20, uuid);
        story.at(1000).capacity(VDC, "vdc", 20, 40);
        story.at(600_000);
        encrypted(&mut story, 40, 20, 20, uuid);
        story.end(600_000);
        let found = verdicts(&story);
        assert_eq!(found.first().map(|(rule, _)| *rule), expected, "{uuid}");
    }
}

#[test]
fn a_mapping_that_grew_under_a_file_system_that_did_not() {
    let mut story = Story::new();
    encrypted(&mut story, 20, 20, 20, "CRYPT-LUKS2-1");
    story.at(1000).capacity(VDC, "vdc", 20, 40);
    story.at(2000).capacity(Dev::new(253, 0), "dm-0", 20, 40);
    story.at(600_000);
    encrypted(&mut story, 40, 40, 20, "CRYPT-LUKS2-1");
    story.end(600_000);
    assert_eq!(
        verdicts(&story),
        [("resize/fs-not-grown", "dm-0".to_owned())]
    );
    let advice = only(&story).advice.unwrap();
    assert!(advice.starts_with("resize2fs /dev/mapper/data"), "{advice}");
}

// ---- refused

#[test]
fn a_refused_resize_is_found() {
    let mut story = only_the_disk_grew();
    story
        .at(20_000)
        .resize(VDB, 20, 40, "EPERM")
        .tool(RESIZE2FS, 1, 1, &[(VDB, 40 * GIB)]);
    let found = only(&end(story, 600_000, 40, 20));
    assert_eq!(found.rule, "resize/failed");
    assert_eq!(
        found.summary,
        "the kernel refused the resize: EPERM; resize2fs exited 1."
    );
    assert_eq!(found.explains, ["resize/fs-not-grown", "resize/unknown"]);
    assert!(found.advice.unwrap().contains("CAP_SYS_RESOURCE"));
}

#[test]
fn a_refused_resize_that_succeeded_later_is_fine() {
    let mut story = only_the_disk_grew();
    story
        .at(20_000)
        .resize(VDB, 20, 40, "EBUSY")
        .tool(RESIZE2FS, 1, 1, &[(VDB, 40 * GIB)]);
    grow(story.at(30_000));
    assert_eq!(verdict(&end(story, 600_000, 40, 40)), "resize/ok");
}

#[test]
fn a_tool_that_complains_about_a_full_file_system_prevents_nothing() {
    let mut story = Story::new();
    story.at(1000).tool(RESIZE2FS, 1, 0, &[(VDB, 20 * GIB)]);
    assert_eq!(verdict(&end(story, 60_000, 20, 20)), "none");
}

#[test]
fn a_read_only_file_system_is_named() {
    let mut story = only_the_disk_grew();
    story
        .at(20_000)
        .resize(VDB, 20, 40, "EROFS")
        .tool(RESIZE2FS, 1, 1, &[(VDB, 40 * GIB)]);
    assert_eq!(verdict(&end(story, 600_000, 40, 20)), "resize/read-only-fs");
}

#[test]
fn a_refused_shrink_is_named() {
    let mut story = Story::new();
    story
        .at(1000)
        .resize(VDB, 20, 10, "EINVAL")
        .tool(RESIZE2FS, 1, 1, &[(VDB, 20 * GIB)]);
    assert_eq!(
        verdict(&end(story, 60_000, 20, 20)),
        "resize/shrink-refused"
    );
}

// ---- copies and the clock

fn others(story: &Story) -> Vec<String> {
    let all = findings(&story.recording());
    all.iter()
        .map(|f| format!("{} {}", f.rule, f.summary))
        .collect()
}

#[test]
fn refused_copies_are_a_fallback_and_no_errors() {
    let mut story = Story::new();
    story.failed_copies(NAS, VDB, "syscall", &[("EXDEV", 12)]);
    story.count(
        "readahead",
        vec![number(NAS.0.into()), text("async"), number(0)],
        &[1, 32, 32, 1, 1, 0, 0, 0],
        &[1],
        &[],
    );
    story.end(1000);
    let name = "0:52";
    assert_eq!(
        others(&story),
        [format!(
            "copy/fallback the kernel would not copy from {name} to vdb: EXDEV 12 × (another device or file system); 32 pages were then read ahead from {name}."
        )]
    );
}

#[test]
fn real_errors_are_errors() {
    let mut story = Story::new();
    story.failed_copies(
        VDB,
        VDB,
        "syscall",
        &[("EIO", 1), ("ENOSPC", 2), ("ERESTARTSYS", 9), ("EXDEV", 1)],
    );
    story.end(1000);
    let found = others(&story);
    assert_eq!(
        found[0],
        "copy/errors copies from vdb to vdb failed: EIO 1 ×, ENOSPC 2 ×."
    );
    assert!(found[1].starts_with("copy/fallback"));
}

#[test]
fn a_refused_clone_is_neither() {
    let mut story = Story::new();
    story
        .failed_copies(VDB, VDB, "ioctl", &[("EOPNOTSUPP", 5), ("EINVAL", 1)])
        .end(1000);
    assert_eq!(others(&story), Vec::<String>::new());
}

#[test]
fn an_unsynchronised_clock_is_information() {
    let mut story = Story::new().unsynchronised();
    story.end(1000);
    let found = only(&story);
    assert_eq!(found.rule, "clock/unsynchronised");
    assert_eq!(found.severity, super::Severity::Info);
}

// ---- read-ahead

fn read_ahead(story: &mut Story, pid: u32, comm: &str, from: u64, to: u64) {
    let change = ReadAheadChange {
        dev: VDB.0,
        bdi: "254:16".to_owned(),
        from_kb: Some(from),
        to_kb: Some(to),
        error: String::new(),
        via: "poll".to_owned(),
    };
    story.event(pid, comm, Detail::ReadAhead(change));
}

fn of_read_ahead(story: &Story) -> Vec<String> {
    let all = findings(&story.recording()).into_iter();
    let ours = all.filter(|f| f.rule.starts_with("readahead/"));
    ours.map(|f| format!("{} {}", f.rule, f.summary)).collect()
}

#[test]
fn read_ahead_that_a_resize_reset_is_found() {
    let mut story = only_the_disk_grew();
    read_ahead(story.at(10_900), 0, "", 4096, 128);
    let found = "readahead/reset-by-resize read_ahead_kb went from 4096 to 128 when the device grew; \
                 nobody wrote it.";
    assert_eq!(of_read_ahead(&end(story, 60_000, 40, 20)), [found]);
}

#[test]
fn read_ahead_that_someone_wrote_is_no_reset() {
    let mut story = only_the_disk_grew();
    read_ahead(story.at(10_900), 77, "tuned", 4096, 128);
    read_ahead(story.at(20_000), 78, "sh", 128, 256);
    let found = "readahead/changed-during-recording read_ahead_kb changed: 4096 → 128 → 256; last by sh [78].";
    assert_eq!(of_read_ahead(&end(story, 60_000, 40, 20)), [found]);
}

#[test]
fn read_ahead_that_was_written_and_stayed_is_no_change() {
    let mut story = Story::new();
    read_ahead(story.at(1_000), 77, "udevd", 128, 128);
    let refused = ReadAheadChange {
        dev: VDB.0,
        from_kb: Some(128),
        to_kb: Some(4096),
        error: "EINVAL".to_owned(),
        via: "sysfs-queue".to_owned(),
        ..ReadAheadChange::default()
    };
    story.event(78, "sh", Detail::ReadAhead(refused));
    story.end(2_000);
    assert_eq!(of_read_ahead(&story), [""; 0]);
}

#[test]
fn read_ahead_that_changed_long_after_a_growth_or_before_it_is_no_reset() {
    for at in [9_000, 16_000] {
        let mut story = Story::new();
        if at < 10_000 {
            read_ahead(story.at(at), 0, "", 4096, 128);
        }
        story.at(10_000).capacity(VDB, "vdb", 20, 40);
        if at > 10_000 {
            read_ahead(story.at(at), 0, "", 4096, 128);
        }
        let found = of_read_ahead(&end(story, 60_000, 40, 20));
        assert!(
            found[0].starts_with("readahead/changed-during-recording"),
            "{found:?}"
        );
    }
}

// ---- all of them

#[test]
fn the_order_of_the_rules_does_not_matter() {
    let mut backwards = ALL.to_vec();
    backwards.reverse();
    let mut failed = only_the_disk_grew();
    failed.at(20_000).resize(VDB, 20, 40, "EPERM");
    for story in [
        end(too_early(), 958_000, 40, 20),
        end(failed, 600_000, 40, 20),
    ] {
        let recording = story.recording();
        assert_eq!(of_rules(ALL, &recording), of_rules(&backwards, &recording));
    }
}

#[test]
fn every_rule_is_documented() {
    for rule in ALL {
        let texts = [
            rule.name,
            rule.headline,
            rule.looks_for,
            rule.rests_on,
            rule.confirm,
        ];
        assert!(texts.iter().all(|text| !text.is_empty()), "{}", rule.name);
        assert!(rule.name.contains('/') && rule.version > 0);
    }
}

#[test]
fn events_of_the_same_moment_have_no_order_to_rely_on() {
    // The tool ends in the same ns in which the disk grows: not before it.
    let mut story = Story::new();
    story
        .at(1000)
        .capacity(VDB, "vdb", 20, 40)
        .tool(RESIZE2FS, 0, 0, &[(VDB, 40 * GIB)]);
    story.measure(40, 20);
    assert_ne!(verdict(&end(story, 10_000, 40, 20)), EARLY);
    assert_eq!(SECOND, 1000 * MS);
}
