//! What a hole in the evidence leaves of a layer: its state alone, or nothing.

use super::*;
use crate::sample::ModuleChange;
use crate::sample::event::Detail as Seen;

/// The device grew and nobody resized; `change` is what went wrong with the
/// recording at second 70. The file system's size is read where `read` says so.
fn layers_after(read: bool, change: Hole) -> Correlation {
    let mut story = Story::watched();
    let measure = |story: &mut Story, gib: u64| {
        let mount = crate::sample::inventory::Mount {
            fs_size_bytes: read.then_some(20 * GIB),
            ..ext4(VDB, "/data", 0)
        };
        story.inventory(vec![cloud_disk(gib)], vec![mount], true);
    };
    measure(&mut story, 20);
    story.at(61_000).capacity(VDB, "vdb", 20, 40);
    measure(&mut story, 40);
    change(story.at(70_000));
    story.at(118_000);
    measure(&mut story, 40);
    story.end(118_500);
    row(story, &[asked(), pv(), call("07:14:56")])
}

/// What goes wrong with a recording.
type Hole<'a> = &'a dyn Fn(&mut Story);

fn unload(story: &mut Story) {
    let (name, loaded) = ("ext4".to_owned(), false);
    story.event(1, "rmmod", Seen::Module(ModuleChange { name, loaded }));
}

fn basis(row: &Correlation) -> Option<&'static str> {
    let finding = row.finding.as_ref()?;
    finding.evidence.iter().find_map(|e| match e {
        Evidence::Absence { basis, .. } => Some(*basis),
        _ => None,
    })
}

#[test]
fn each_hole_leaves_the_state_or_nothing() {
    let whole = layers_after(true, &|_| {});
    assert_eq!(
        (whole.verdict, basis(&whole)),
        ("resize/fs-not-grown", Some("both"))
    );
    assert_eq!(whole.layers[6].what, "nobody resized it");
    let holes: [(Hole, &str); 5] = [
        (
            &|story| _ = story.lose("ring/resize", 3),
            "3 ring/resize lost",
        ),
        (&|story| _ = story.miss("resize", Some(2)), "skipped runs"),
        (
            &|story| _ = story.gap("resize", 69_000, 70_000, "the module was away"),
            "the module was away",
        ),
        (
            &|story| _ = story.probe("resize", State::Failed, "passed"),
            "probe resize was failed",
        ),
        (&unload, "module ext4 was unloaded"),
    ];
    for (hole, why) in holes {
        let by_state = layers_after(true, hole);
        assert_eq!(
            (by_state.verdict, basis(&by_state)),
            ("resize/fs-not-grown", Some("state")),
            "{why}"
        );
        assert_eq!(by_state.confidence, Confidence::Likely, "{why}");
        let layer = &by_state.layers[6];
        assert_eq!(
            (layer.state, layer.what.as_str()),
            (LayerState::Missing, "it has not grown since its device did")
        );

        let nothing = layers_after(false, hole);
        assert_eq!(nothing.verdict, "resize/unknown", "{why}");
        assert_eq!(nothing.layers[6].state, LayerState::Unknown, "{why}");
        assert!(nothing.summary.contains(why), "{}", nothing.summary);
    }
}

#[test]
fn a_kernel_that_counts_no_missed_runs_proves_all_the_same() {
    let none = layers_after(true, &|story| _ = story.miss("resize", None));
    assert_eq!(
        (basis(&none), none.confidence),
        (Some("both"), Confidence::Proven)
    );
}

#[test]
fn a_hole_in_the_capacity_probe_leaves_that_layer_to_the_sizes() {
    let capacity = |size: Option<u64>, hole: bool| {
        let mut story = Story::new();
        let read = |story: &mut Story| {
            let device = Device {
                size_bytes: size,
                ..cloud_disk(20)
            };
            story.inventory(vec![device], vec![], true);
        };
        read(&mut story);
        if hole {
            story.at(70_000).lose("ring/capacity", 1);
        }
        story.at(118_000);
        read(&mut story);
        story.end(118_500);
        row(story, &[asked(), pv(), call("07:14:56")]).layers[3].clone()
    };
    let basis = |layer: &LayerRow| match layer.evidence.as_slice() {
        [Evidence::Absence { basis, .. }] => Some(*basis),
        _ => None,
    };
    let whole = capacity(Some(20 * GIB), false);
    assert_eq!(
        (whole.state, basis(&whole)),
        (LayerState::Missing, Some("both"))
    );
    let by_state = capacity(Some(20 * GIB), true);
    assert_eq!(
        (by_state.state, basis(&by_state)),
        (LayerState::Missing, Some("state"))
    );
    let nothing = capacity(None, true);
    assert_eq!(nothing.state, LayerState::Unknown);
    assert!(nothing.what.contains("ring/capacity"), "{}", nothing.what);
}

/// A run before the growth of which nobody saw what it did.
#[test]
fn a_run_that_nobody_watched_is_no_run_with_nothing_to_do() {
    let mut story = Story::watched();
    let read = |story: &mut Story, gib: u64, fs_size_bytes: Option<u64>| {
        let mount = crate::sample::inventory::Mount {
            fs_size_bytes,
            ..ext4(VDB, "/data", 0)
        };
        story.inventory(vec![cloud_disk(gib)], vec![mount], true);
    };
    read(&mut story, 20, None);
    story.probe("resize", State::Off, "");
    story.at(57_941).tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)]);
    story.at(61_141).capacity(VDB, "vdb", 20, 40);
    story.at(118_000);
    read(&mut story, 40, Some(20 * GIB));
    story.end(118_500);
    let row = row(story, &[asked(), pv(), call("07:14:56")]);
    assert_eq!(row.verdict, "resize/unknown");
    assert!(
        !row.layers[3].what.contains("too late"),
        "{}",
        row.layers[3].what
    );
    assert_eq!(row.layers[6].state, LayerState::Missing);
    assert!(
        row.layers[6].what.contains("not seen"),
        "{}",
        row.layers[6].what
    );
}

#[test]
fn a_clock_that_is_set_during_the_recording_widens_only_the_times_around_it() {
    let stepped = |at_ms: u64| {
        let mut story = too_early();
        for window in &mut story.windows {
            let later = window.to_boot_ns > at_ms * crate::model::testing::MS;
            for sample in &mut window.samples {
                if let Some(crate::sample::Record::Anchor(anchor)) = &mut sample.record
                    && later
                {
                    anchor.real_ns += 5_000_000_000;
                }
            }
        }
        row(story, &[asked(), pv(), call("07:14:56")])
    };
    let width = |row: &Correlation, layer: usize| row.layers[layer].error_ns.unwrap();
    // Between the run and the growth: their order is the kernel's, and stays.
    let between = stepped(58_000);
    assert_eq!(between.verdict, "resize/no-op-before-capacity");
    assert_eq!(between.confidence, Confidence::Proven);
    assert!(
        between.summary.contains("3.200 s before"),
        "{}",
        between.summary
    );
    // Long before: nothing changes but where the times lie.
    let before = stepped(1_000);
    assert!(width(&before, 6) < 100_000_000, "{}", width(&before, 6));
    assert_eq!(
        before.layers[3].time.as_deref(),
        Some("2026-03-11T07:15:06.139Z")
    );
    assert_eq!(
        between.layers[3].time.as_deref(),
        Some("2026-03-11T07:15:06.139Z")
    );
}
