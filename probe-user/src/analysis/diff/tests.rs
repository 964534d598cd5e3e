//! Pairs of recordings with a known answer.

use super::*;
use crate::analysis::ConfigRow;
use crate::model::testing::{GIB, MS, NAS, Story, VDB, VDC, disk, ext4, nfs};
use crate::render::{Style, diff_json, diff_text, diffs_text};
use crate::sample::event::Detail;
use crate::sample::inventory::{Device, Mount};
use crate::sample::{ReadAheadChange, Record, Session};

const SECONDS: u64 = 30;

/// Small differences from one second to the next, the same in every recording.
fn jitter(second: u64, salt: u64) -> u64 {
    (second * 7919 + salt * 104_729) % 11
}

/// A node with this read-ahead of `vdb`, KiB, and of the network mount.
fn node(kernel: &str, disk_kb: u64, nas_kb: u64) -> Story {
    let mut story = Story::new();
    story.put(Record::from(Session {
        version: "0.1.0".to_owned(),
        host: "node7".to_owned(),
        kernel: kernel.to_owned(),
        flush_ns: 1000 * MS,
        ..Session::default()
    }));
    let vdb = Device {
        read_ahead_kb: Some(disk_kb),
        ..disk(VDB, "vdb", 20 * GIB)
    };
    let nas = Mount {
        read_ahead_kb: Some(nas_kb),
        ..nfs()
    };
    let mounts = vec![ext4(VDB, "/data", 20 * GIB), ext4(VDC, "/other", GIB), nas];
    story.inventory(vec![vdb, disk(VDC, "vdc", GIB)], mounts, true);
    story
}

/// Every second, `what` happens.
fn play(mut story: Story, mut what: impl FnMut(&mut Story, u64)) -> Story {
    for second in 1..=SECONDS {
        story.at(second * 1000);
        what(&mut story, second);
    }
    story.end((SECONDS + 1) * 1000);
    story
}

/// A sequential reader of `vdb`: windows of `pages` pages, each taking
/// `ms` ms and a little more or less.
fn reader(story: Story, pages: u64, ms: u64, salt: u64) -> Story {
    play(story, |story, second| {
        let ns = ms * MS + jitter(second, salt) * ms * MS / 100;
        story.reads(VDB, 20, pages, ns, pages);
    })
}

/// Copies from `vdb` to `vdc` of 1 MiB and `ms` ms each.
fn copier(story: Story, ms: u64, salt: u64) -> Story {
    play(story, |story, second| {
        let ns = ms * MS + jitter(second, salt) * ms * MS / 100;
        story.copies(VDB, VDC, "splice", "syscall", &[ns; 10]);
    })
}

fn compare(a: &Story, b: &Story) -> Diff {
    named(a, b, None).unwrap()
}

fn named(a: &Story, b: &Story, volume: Option<&str>) -> Option<Diff> {
    let load = |story: &Story| {
        let mut paces = Paces::default();
        story.windows.iter().for_each(|window| paces.apply(window));
        (story.recording(), paces)
    };
    let (a, b) = (load(a), load(b));
    let options = Options {
        threshold: 1.1,
        volume,
    };
    let side = |file, (recording, paces)| Side {
        file,
        recording,
        paces,
    };
    diff(
        &side("before.vprec", (&a.0, &a.1)),
        &side("after.vprec", (&b.0, &b.1)),
        &options,
    )
}

fn read_ahead(diff: &Diff) -> &ConfigRow {
    let mut rows = diff.config.iter().filter(|row| row.what == "read_ahead_kb");
    rows.next().unwrap()
}

fn text(diff: &Diff) -> String {
    let mut out = Vec::new();
    diff_text(diff, Style::plain(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The incident: after a kernel upgrade, an application that copies from a
/// network mount is slow; the copies themselves only say EXDEV.
fn incident() -> (Story, Story) {
    let node = |kernel, kb, pages: u64, ms, salt| {
        play(node(kernel, 128, kb), |story, second| {
            story.failed_copies(NAS, VDB, "syscall", &[("EXDEV", 1)]);
            let ns = ms * MS + jitter(second, salt) * ms * MS / 100;
            story.reads(NAS, 10, pages, ns, pages);
        })
    };
    (
        node("5.3.18", 15360, 3840, 360, 1),
        node("5.10.262", 128, 32, 14, 2),
    )
}

#[test]
fn the_incident_is_found() {
    let (before, after) = incident();
    let diff = compare(&before, &after);
    assert_eq!(diff.verdict, Verdict::Regressed);
    let cause = diff.cause.as_ref().unwrap();
    let of = (cause.what, cause.device.as_deref());
    assert_eq!(of, ("read_ahead_kb", Some("nfs4:/mnt/nas")));
    assert_eq!((&cause.a, &cause.b), (&15360.into(), &128.into()));
    insta::assert_snapshot!(text(&diff));
    let mut json = Vec::new();
    diff_json(&diff, &mut json).unwrap();
    insta::assert_snapshot!("json", String::from_utf8(json).unwrap());
}

#[test]
fn and_the_other_way_round() {
    let (before, after) = incident();
    let diff = compare(&after, &before);
    assert_eq!(diff.verdict, Verdict::Improved);
    assert_eq!(diff.cause.unwrap().what, "read_ahead_kb");
    assert_eq!(diff.advice, None);
}

#[test]
fn the_same_twice_is_the_same() {
    let run = |salt| copier(node("6.12", 128, 128), 5, salt);
    let diff = compare(&run(1), &run(2));
    assert_eq!(diff.verdict, Verdict::Same, "{}", diff.summary);
    assert!(diff.config.is_empty() && diff.cause.is_none());
}

#[test]
fn a_slower_disk_is_not_blamed_on_read_ahead() {
    let run = |ms, salt| reader(node("6.12", 128, 128), 32, ms, salt);
    let diff = compare(&run(2, 1), &run(5, 2));
    assert_eq!(diff.verdict, Verdict::Regressed);
    assert_eq!((diff.cause.is_none(), diff.config.len()), (true, 0));
}

#[test]
fn a_cut_without_effect_is_listed_and_not_blamed() {
    // Cached: windows do not occur, and copies are as fast as before.
    let cached = |kb, salt| copier(node("6.12", kb, 128), 5, salt);
    let diff = compare(&cached(4096, 1), &cached(128, 2));
    assert_eq!(diff.verdict, Verdict::Same);
    assert_eq!(read_ahead(&diff).effect, Effect::NoneSeen);
    assert!(diff.cause.is_none());
    // Random: single pages, which no cap holds back.
    let random = |kb, salt| {
        play(node("6.12", kb, 128), |story, second| {
            let ns = 5 * MS + jitter(second, salt) * MS / 20;
            story.random_reads(VDB, 200, 1);
            story.copies(VDB, VDC, "splice", "syscall", &[ns; 10]);
        })
    };
    let diff = compare(&random(4096, 1), &random(128, 2));
    assert_eq!(diff.verdict, Verdict::Same, "{}", diff.summary);
    assert_eq!(read_ahead(&diff).effect, Effect::NoneSeen);
}

/// So often a second a file is copied that is cached, from a file system to another:
/// the kernel refuses, and the program reads.
fn cached_copies(kb: u64, each_second: u64) -> Story {
    play(node("6.12", kb, 128), |story, _| {
        story.failed_copies(VDB, VDC, "syscall", &[("EXDEV", each_second)]);
    })
}

fn random_reads(kb: u64, each_second: u64, salt: u64) -> Story {
    play(node("6.12", kb, 128), |story, second| {
        story.random_reads(VDB, each_second + jitter(second, salt) / 4, 1);
    })
}

#[test]
fn what_has_no_pace_is_the_same_where_it_was_done_as_often() {
    for (a, b) in [
        (cached_copies(4096, 3), cached_copies(128, 3)),
        (random_reads(4096, 50, 1), random_reads(128, 50, 2)),
    ] {
        let diff = compare(&a, &b);
        assert_eq!(diff.verdict, Verdict::Same, "{}", diff.summary);
        assert_eq!(read_ahead(&diff).effect, Effect::NoneSeen);
        assert!(diff.cause.is_none());
    }
}

#[test]
fn another_rate_is_neither_slower_nor_faster() {
    // Fewer reads may be slower reads, or fewer that were asked for.
    for (a, b) in [
        (cached_copies(128, 6), cached_copies(128, 3)),
        (random_reads(128, 50, 1), random_reads(128, 100, 2)),
    ] {
        for diff in [compare(&a, &b), compare(&b, &a)] {
            assert_eq!(diff.verdict, Verdict::Unclear, "{}", diff.summary);
            assert!(diff.summary.contains("have no pace"), "{}", diff.summary);
        }
    }
}

#[test]
fn a_rate_has_no_say_beside_a_pace() {
    let run = |reads, salt| {
        play(node("6.12", 128, 128), |story, second| {
            let ns = 5 * MS + jitter(second, salt) * MS / 20;
            story.random_reads(VDB, reads, 1);
            story.copies(VDB, VDC, "splice", "syscall", &[ns; 10]);
        })
    };
    let diff = compare(&run(100, 1), &run(30, 2));
    assert_eq!(diff.verdict, Verdict::Same, "{}", diff.summary);
    let rate = &diff.readahead[0];
    assert!(rate.by_rate && rate.minor && rate.verdict == Verdict::Unclear);
}

#[test]
fn a_slower_disk_beside_a_cut_without_effect_is_not_blamed_on_the_cut() {
    // Small files: their windows stay below either cap.
    let small = |kb: u64, ms, salt| {
        play(node("6.12", kb, 128), |story, second| {
            let ns = ms * MS + jitter(second, salt) * ms * MS / 100;
            story.reads(VDB, 20, 16, ns, kb / 4);
        })
    };
    let diff = compare(&small(4096, 2, 1), &small(128, 5, 2));
    assert_eq!(diff.verdict, Verdict::Regressed);
    assert_eq!(read_ahead(&diff).effect, Effect::NoneSeen);
    assert!(diff.cause.is_none());
}

#[test]
fn a_cut_on_a_disk_that_became_slower_too_is_not_the_whole_cause() {
    // A window of 32 pages takes longer than one of 1024 did.
    let a = reader(node("6.12", 4096, 128), 1024, 20, 1);
    let b = reader(node("6.12", 128, 128), 32, 30, 2);
    let diff = compare(&a, &b);
    assert_eq!(diff.verdict, Verdict::Regressed);
    assert_eq!(read_ahead(&diff).effect, Effect::Unknown);
    assert!(read_ahead(&diff).why.contains("slower too"));
    assert!(diff.cause.is_none());
}

#[test]
fn a_cut_whose_windows_changed_but_not_the_pace_is_no_cause() {
    let a = reader(node("6.12", 4096, 128), 1024, 64, 1);
    let b = reader(node("6.12", 128, 128), 32, 2, 2);
    let diff = compare(&a, &b);
    assert_eq!(diff.verdict, Verdict::Same);
    assert_eq!(read_ahead(&diff).effect, Effect::NoneSeen);
}

#[test]
fn what_changed_while_recording_is_no_cause() {
    let a = reader(node("6.12", 4096, 128), 1024, 20, 1);
    let mut story = node("6.12", 128, 128);
    let change = ReadAheadChange {
        dev: VDB.0,
        from_kb: Some(4096),
        to_kb: Some(128),
        via: "sysfs-queue".to_owned(),
        ..ReadAheadChange::default()
    };
    story.event(77, "tuned", Detail::ReadAhead(change));
    let diff = compare(&a, &reader(story, 32, 3, 2));
    assert_eq!(read_ahead(&diff).effect, Effect::Unknown);
    assert_eq!(read_ahead(&diff).why, "it changed during a recording");
    assert!(diff.cause.is_none());
    let only_b: Vec<_> = diff.findings.only_b.iter().map(|f| f.rule).collect();
    assert!(
        only_b.contains(&"readahead/changed-during-recording"),
        "{only_b:?}"
    );
}

#[test]
fn another_volumes_cut_is_not_the_cause() {
    // vdb was cut and is as fast as before; vdc became slower.
    let run = |kb, ms, salt| {
        play(node("6.12", kb, 128), |story, second| {
            let ns = ms * MS + jitter(second, salt) * ms * MS / 100;
            story.reads(VDC, 20, 32, ns, 32);
            story.reads(VDB, 20, 8, 2 * MS + jitter(second, salt), kb / 4);
        })
    };
    let diff = compare(&run(4096, 2, 1), &run(128, 5, 2));
    assert_eq!(diff.verdict, Verdict::Regressed);
    assert!(diff.summary.contains("vdc"), "{}", diff.summary);
    assert!(diff.cause.is_none());
}

#[test]
fn one_volume_only() {
    let run = |ms, salt| {
        play(node("6.12", 128, 128), |story, second| {
            let ns = ms * MS + jitter(second, salt) * ms * MS / 100;
            story.reads(VDC, 20, 32, ns, 32);
            story.reads(VDB, 20, 32, 2 * MS, 32);
        })
    };
    let (a, b) = (run(2, 1), run(5, 2));
    let verdict = |name| named(&a, &b, Some(name)).map(|diff| diff.verdict);
    assert_eq!(verdict("/other"), Some(Verdict::Regressed));
    assert_eq!(verdict("vdb"), Some(Verdict::Same));
    assert_eq!(verdict("bp1examplevdc"), Some(Verdict::Regressed));
    assert_eq!(verdict("nothing"), None);
}

#[test]
fn copies_that_are_slower_are_a_finding() {
    let run = |ms, salt| copier(node("6.12", 128, 128), ms, salt);
    let diff = compare(&run(5, 1), &run(9, 2));
    let found = &diff.findings.only_b;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].rule, "copy/regressed");
    assert!(compare(&run(5, 1), &run(5, 2)).findings.only_b.is_empty());
    assert!(compare(&run(9, 1), &run(5, 2)).findings.only_b.is_empty());
}

#[test]
fn another_route_is_compared_and_said() {
    let run = |route: &'static str, ns| {
        play(node("6.12", 128, 128), move |story, second| {
            let ns = ns + jitter(second, ns) * ns / 100;
            story.copies(VDB, VDB, route, "syscall", &[ns; 4]);
        })
    };
    let diff = compare(&run("clone", MS), &run("splice", 5 * MS));
    assert_eq!(diff.verdict, Verdict::Regressed);
    let note = diff.copy[0].note.as_deref();
    assert_eq!(note, Some("went by clone before, by splice after"));
}

#[test]
fn a_node_at_rest_and_a_saved_inventory_are_unclear() {
    let busy = copier(node("6.12", 128, 128), 5, 1);
    let mut saved = Story::bare();
    let vdb = Device {
        read_ahead_kb: Some(4096),
        ..disk(VDB, "vdb", 20 * GIB)
    };
    saved.inventory(vec![vdb], vec![ext4(VDB, "/data", 20 * GIB)], true);
    let diff = compare(&busy, &saved);
    assert_eq!(diff.verdict, Verdict::Unclear);
    assert_eq!(read_ahead(&diff).effect, Effect::NoneSeen);
    assert_eq!(
        diff.summary,
        "unclear: nothing was copied or read on in both recordings"
    );
    assert!(
        diff.notes[0].contains("B holds the node's state only"),
        "{:?}",
        diff.notes
    );
}

#[test]
fn many_volumes_that_differ_alike_are_one_line() {
    let run = |kb| {
        let mut story = node("6.12", 128, 128);
        let vd = |minor: u32, name: &str| Device {
            read_ahead_kb: Some(kb),
            ..disk(Dev::new(254, minor), name, GIB)
        };
        let idle = [(48, "vdd"), (64, "vde"), (80, "vdf")];
        let idle = idle.map(|(minor, name)| vd(minor, name)).to_vec();
        story.inventory(idle, Vec::new(), false);
        copier(story, 5, kb)
    };
    let text = text(&compare(&run(128), &run(8192)));
    assert!(text.contains(" vdd and 2 more  read_ahead_kb"), "{text}");
}

#[test]
fn several_are_told_one_after_the_other() {
    let run = |ms, salt| copier(node("6.12", 128, 128), ms, salt);
    let a = run(5, 1);
    let diffs = [compare(&a, &run(5, 2)), compare(&a, &run(9, 3))];
    let mut out = Vec::new();
    diffs_text(&diffs, Style::plain(), &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap());
}

#[test]
fn what_a_recording_lacks_is_said() {
    let (whole, mut lossy) = (Story::new(), Story::new());
    lossy.at(2000).lose("ring/resize", 2);
    lossy.at(3000).lose("ring/resize", 3);
    lossy.lose("series/copy", 7);
    lossy.gap("xfs", 4000, 5000, "the module was not loaded");
    let notes = compare(&lossy, &whole).notes;
    assert_eq!(
        notes,
        [
            "A lost 5 ring/resize: volprobe could not keep up",
            "A has a gap: the module was not loaded",
            "7 calls of A are in no row of their own: there were too many",
        ]
    );
    assert_eq!(compare(&whole, &whole).notes, [] as [&str; 0]);
}
