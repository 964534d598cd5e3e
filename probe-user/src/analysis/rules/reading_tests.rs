//! Rules about reading and copying, where they must fire and where not.

use super::findings;
use crate::analysis::Finding;
use crate::model::testing::{GIB, MS, NAS, Story, VDB, disk, ext4, nfs};
use crate::sample::Dev;
use crate::sample::inventory::{Device, Mount};

/// What holds for this story among rules whose names begin so.
fn found(story: &Story, area: &str) -> Vec<Finding> {
    let mut all = findings(&story.recording());
    all.retain(|finding| finding.rule.starts_with(area));
    all
}

fn rules(story: &Story) -> Vec<&'static str> {
    let found = found(story, "readahead/");
    found.iter().map(|finding| finding.rule).collect()
}

/// `vdb` with this read-ahead, KiB.
fn disk_of(kb: u64) -> Story {
    let mut story = Story::new();
    let vdb = Device {
        read_ahead_kb: Some(kb),
        ..disk(VDB, "vdb", 20 * GIB)
    };
    story.inventory(vec![vdb], vec![ext4(VDB, "/data", 20 * GIB)], true);
    story
}

#[test]
fn small_windows_that_wait_are_found() {
    let mut story = disk_of(128);
    story.at(9000).reads(VDB, 600, 32, 10 * MS, 32).end(10_000);
    let found = found(&story, "readahead/");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].rule, "readahead/too-small");
    assert!(
        found[0].summary.contains("100 % of the pages"),
        "{}",
        found[0].summary
    );
    let advice = found[0].advice.as_deref().unwrap();
    assert!(
        advice.starts_with("echo 4096 > /sys/block/vdb/queue/read_ahead_kb"),
        "{advice}"
    );
}

#[test]
fn of_a_network_mount_the_backing_device_is_named() {
    let mut story = Story::new();
    let mount = Mount {
        read_ahead_kb: Some(128),
        ..nfs()
    };
    story.inventory(vec![], vec![mount], true);
    story.at(9000).reads(NAS, 600, 32, 10 * MS, 32).end(10_000);
    let advice = found(&story, "readahead/too-small")[0]
        .advice
        .clone()
        .unwrap();
    assert!(
        advice.starts_with("echo 15360 > /sys/class/bdi/0:52/read_ahead_kb"),
        "{advice}"
    );
}

#[test]
fn windows_that_do_not_wait_are_enough() {
    // Fast, large, below the cap, and hardly any.
    for (windows, pages, ns, cap) in [
        (600, 32, MS, 32),
        (600, 256, 10 * MS, 256),
        (600, 16, 10 * MS, 32),
        (100, 32, 10 * MS, 32),
    ] {
        let mut story = disk_of(cap * 4);
        story
            .at(9000)
            .reads(VDB, windows, pages, ns, cap)
            .end(10_000);
        assert_eq!(rules(&story), [""; 0], "{windows} {pages} {ns} {cap}");
    }
}

#[test]
fn windows_of_files_that_were_open_before_are_shrunk() {
    let mut story = disk_of(4096);
    story.at(9000).reads(VDB, 600, 32, 10 * MS, 32).end(10_000);
    // Small windows alone would be something else; this says why they are small.
    assert_eq!(rules(&story), ["readahead/window-shrunk"]);
    // `cp` asks for twice what is configured.
    let mut story = disk_of(128);
    story.at(9000).reads(VDB, 600, 64, MS, 64).end(10_000);
    assert_eq!(rules(&story), [""; 0]);
    // Small files: their windows are small, and below the cap.
    let mut story = disk_of(4096);
    story
        .at(9000)
        .reads(VDB, 600, 32, 10 * MS, 1024)
        .end(10_000);
    assert_eq!(rules(&story), [""; 0]);
    // Other files have larger ones.
    let mut story = disk_of(4096);
    story.at(8000).reads(VDB, 600, 32, 10 * MS, 32);
    story
        .at(9000)
        .reads(VDB, 10, 1024, 10 * MS, 1024)
        .end(10_000);
    assert_eq!(rules(&story), [""; 0]);
}

#[test]
fn cp_on_an_overlay_makes_no_short_copies() {
    // Each file is one call, counted beneath, and one that returns 0, which is not.
    const OVERLAY: Dev = Dev::new(0, 41);
    let mut story = Story::new();
    let overlay = Mount {
        fs: "overlay".to_owned(),
        ..ext4(OVERLAY, "/merged", 0)
    };
    let mounts = vec![ext4(VDB, "/data", 20 * GIB), overlay];
    story.inventory(vec![disk(VDB, "vdb", 20 * GIB)], mounts, true);
    story.at(1000).short_copies_via(VDB, VDB, "overlay", 40, 40);
    let cut_short = story.recording();
    story
        .at(2000)
        .copies_at_the_end(OVERLAY, OVERLAY, 40)
        .end(3000);
    assert_eq!(
        found(&story, "copy/").len(),
        0,
        "{:?}",
        found(&story, "copy/")
    );
    let rules = findings(&cut_short).into_iter().map(|finding| finding.rule);
    assert!(rules.into_iter().any(|rule| rule == "copy/short-copies"));
}

/// Copies of 1 MiB, of which `short` were asked for more, and `ends` calls that
/// returned 0.
fn pieces(calls: u64, short: u64, ends: u64) -> Story {
    let mut story = Story::new();
    story
        .at(1000)
        .short_copies_via(VDB, VDB, "syscall", calls, short);
    story.at(2000).copies_at_the_end(VDB, VDB, ends).end(3000);
    story
}

#[test]
fn copies_in_pieces_are_found() {
    let found = found(&pieces(100, 100, 2), "copy/");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].rule, "copy/short-copies");
    let summary = "98 of 100 copies from vdb to vdb ended before the file did, after 1 MiB each.";
    assert_eq!(found[0].summary, summary);
}

#[test]
fn the_end_of_a_file_is_no_short_copy() {
    // Each file in one call and one that returns 0; a few signals; whole chunks.
    for (calls, short, ends) in [(100, 100, 100), (12, 12, 1), (1000, 17, 0), (100, 0, 0)] {
        let found = found(&pieces(calls, short, ends), "copy/");
        assert!(found.is_empty(), "{calls} {short} {ends}: {found:?}");
    }
}
