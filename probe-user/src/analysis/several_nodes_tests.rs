//! A volume that moves from one node to another, and is enlarged on the way.

use super::*;

/// On this node the tool runs too early, and the volume is taken away.
fn first() -> Story {
    let mut story = node();
    story.at(57_900);
    measure(&mut story, 20, 20);
    story.at(57_941).tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)]);
    measure(&mut story, 20, 20);
    story.at(70_000).inventory(vec![], vec![], true);
    story.end(90_000);
    story
}

/// On this one it arrives with 40 GiB, a minute and a half later.
fn second(grown: bool) -> Story {
    let mut story = Story::watched();
    for window in &mut story.windows {
        for sample in &mut window.samples {
            if let Some(crate::sample::Record::Session(session)) = &mut sample.record {
                session.host = "node8".to_owned();
                session.boot_id = "b008".to_owned();
            }
        }
    }
    story.inventory(vec![], vec![], true);
    story.at(100_000);
    story.inventory(
        vec![cloud_disk(40)],
        vec![ext4(VDB, "/data", 20 * GIB)],
        false,
    );
    if grown {
        story.at(101_000).resize(VDB, 20, 40, "");
        story.tool(RESIZE2FS, 0, 1, &[(VDB, 40 * GIB)]);
    }
    story.at(190_000);
    measure(&mut story, 40, if grown { 40 } else { 20 });
    story.end(200_000);
    story
}

fn joined(grown: bool) -> Correlated {
    let recordings = [first().recording(), second(grown).recording()];
    let records = [asked(), pv(), call("07:14:56")];
    correlate(&recordings, &told(&records), Vec::new(), &[])
}

fn own(correlated: &Correlated) -> &Correlation {
    let mut rows = correlated.correlation.iter();
    let row = rows.find(|row| row.disk_id.as_deref() == Some(DISK));
    row.expect("a row of the disk")
}

#[test]
fn the_verdict_is_that_of_the_node_it_came_to() {
    let well = joined(true);
    let row = own(&well);
    assert_eq!(
        (row.verdict, row.host.as_deref()),
        ("resize/ok", Some("node8"))
    );
    assert_eq!(row.layers[6].state, LayerState::Done);

    let small = joined(false);
    let row = own(&small);
    assert_eq!(
        (row.verdict, row.host.as_deref()),
        ("resize/fs-not-grown", Some("node8"))
    );
    assert_eq!(row.confidence, Confidence::Likely);
    assert_eq!(states(row)[3], "capacity done");
}

#[test]
fn what_both_nodes_saw_is_on_one_timeline() {
    let correlated = joined(true);
    let timeline = &correlated.report.timeline;
    let line: Vec<(Option<&str>, &str)> = timeline
        .iter()
        .map(|row| (row.host.as_deref(), row.kind))
        .collect();
    assert_eq!(
        line,
        [
            (None, "k8s.pvc_spec"),
            (None, "api.resize"),
            (Some("node7"), "exec.exit"),
            (Some("node8"), "fs.resize"),
            (Some("node8"), "exec.exit"),
        ]
    );
    assert!(timeline.is_sorted_by_key(|row| row.t_ns));
    let ids: std::collections::BTreeSet<u64> = timeline.iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), timeline.len());
    // The evidence names events of the timeline as it is.
    let row = own(&correlated);
    let shown = |id: &u64| timeline.iter().find(|entry| entry.id == *id);
    for evidence in row.layers.iter().flat_map(|layer| &layer.evidence) {
        if let Evidence::Event { id } = evidence {
            assert!(shown(id).is_some(), "{evidence:?}");
        }
    }
    let Some(Evidence::Event { id }) = row.layers[6].evidence.first() else {
        panic!("{:?}", row.layers[6]);
    };
    assert_eq!(shown(id).unwrap().kind, "fs.resize");
}
