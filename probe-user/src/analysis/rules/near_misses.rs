//! What looks like a failure and is none: of each story, all rules that hold, not
//! only the one that is its verdict. And what holds must not hang on the order in
//! which the rules are asked.

use super::{ALL, Rule, verdict_by};
use crate::analysis::case::Case;
use crate::analysis::volume::Volume;
use crate::model::testing::{GIB, Story, VDB, VDC, disk, ext4};
use crate::sample::inventory::{Device, Volume as KubeletVolume};
use crate::sample::{Dev, Inventory, Record};

const RESIZE2FS: &[&str] = &["resize2fs", "/dev/vdb"];

/// The rules that hold for a device, in the order of their names.
fn holding(story: &Story, dev: Dev) -> Vec<&'static str> {
    let recording = story.recording();
    let case = Case::of_node(Volume::new(&recording, dev));
    let mut held: Vec<&str> = ALL
        .iter()
        .filter(|&&rule| verdict_by(&[rule], &case).is_some())
        .map(|rule| rule.name)
        .collect();
    held.sort_unstable();
    held
}

/// It grows at this time, and the tool does what it is for.
fn grow(story: &mut Story, ms: u64) -> &mut Story {
    story.at(ms).resize(VDB, 20, 40, "");
    story
        .tool(RESIZE2FS, 0, 1, &[(VDB, 40 * GIB)])
        .measure(40, 40)
}

fn grew(ms: u64) -> Story {
    let mut story = Story::new();
    story.at(ms).capacity(VDB, "vdb", 20, 40).measure(40, 20);
    story
}

fn end(mut story: Story, disk_gib: u64, fs_gib: u64) -> Story {
    story.at(600_000).measure(disk_gib, fs_gib).end(600_000);
    story
}

const FINE: &[&str] = &["resize/ok"];

/// A story, and what holds of its device.
struct NearMiss {
    what: &'static str,
    story: Story,
    dev: Dev,
    held: &'static [&'static str],
}

/// All of them.
#[derive(Default)]
struct Stories(Vec<NearMiss>);

impl Stories {
    fn all() -> Self {
        let mut all = Self::default();
        growths(&mut all);
        volumes(&mut all);
        runs(&mut all);
        all
    }

    fn add(&mut self, what: &'static str, story: Story, dev: Dev, held: &'static [&'static str]) {
        self.0.push(NearMiss {
            what,
            story,
            dev,
            held,
        });
    }
}

/// Growths that were used, and those of others.
fn growths(all: &mut Stories) {
    let mut story = grew(10_000);
    grow(&mut story, 65_000);
    all.add("a slow resize", end(story, 40, 40), VDB, FINE);

    let two = || {
        let mut story = Story::new();
        let other = |gib: u64| {
            (
                vec![disk(VDC, "vdc", gib * GIB)],
                vec![ext4(VDC, "/other", gib * GIB)],
            )
        };
        let (disks, mounts) = other(20);
        story.inventory(disks, mounts, false);
        story.at(10_000).capacity(VDC, "vdc", 20, 40);
        story.capacity(VDB, "vdb", 20, 40);
        story.at(11_000).resize(VDC, 20, 40, "");
        grow(&mut story, 12_000);
        let (disks, mounts) = other(40);
        story.at(600_000).inventory(disks, mounts, false);
        end(story, 40, 40)
    };
    all.add("two disks at once: one", two(), VDB, FINE);
    all.add("two disks at once: the other", two(), VDC, FINE);

    let mut story = Story::new();
    story.at(9_000).tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)]);
    story
        .at(10_000)
        .capacity(VDB, "vdb", 20, 40)
        .measure(40, 20);
    grow(&mut story, 12_000);
    all.add(
        "a retry that succeeded",
        end(story, 40, 40),
        VDB,
        &["resize/late", "resize/ok"],
    );

    let mut story = Story::new();
    story.at(9_000).tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)]);
    story
        .at(10_000)
        .capacity(VDC, "vdc", 20, 40)
        .resize(VDC, 20, 40, "");
    all.add("an unrelated volume grew", end(story, 20, 20), VDB, &[]);
}

/// Volumes that are not as the usual one.
fn volumes(all: &mut Stories) {
    let mut story = Story::bare();
    let raw = KubeletVolume {
        path: "/var/lib/kubelet/plugins/kubernetes.io/csi/volumeDevices/publish/pv-1/uid"
            .to_owned(),
        block: true,
        dev: Some(VDB.0),
        ..KubeletVolume::default()
    };
    story.put(Record::Inventory(Inventory {
        devices: vec![disk(VDB, "vdb", 20 * GIB)],
        volumes: vec![raw],
        ..Inventory::default()
    }));
    story.at(10_000).capacity(VDB, "vdb", 20, 40).end(600_000);
    all.add("block mode", story, VDB, FINE);

    let restored = |grown: bool| {
        let mut story = Story::watched();
        story.measure(40, 20);
        if grown {
            grow(&mut story, 5_000);
        }
        end(story, 40, if grown { 40 } else { 20 })
    };
    all.add(
        "a snapshot restored onto a larger disk, grown when staged",
        restored(true),
        VDB,
        FINE,
    );
    all.add(
        "a snapshot restored onto a larger disk that nobody asked to fill",
        restored(false),
        VDB,
        &[],
    );
}

/// Runs of tools.
fn runs(all: &mut Stories) {
    let mut story = Story::new();
    story
        .at(9_000)
        .resize(VDB, 20, 10, "EINVAL")
        .tool(RESIZE2FS, 1, 1, &[(VDB, 20 * GIB)]);
    let refused = &["resize/failed", "resize/shrink-refused"];
    all.add(
        "a shrink that was refused",
        end(story, 20, 20),
        VDB,
        refused,
    );

    let mut story = Story::new();
    for minute in 1..=5 {
        story
            .at(minute * 60_000)
            .tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)]);
    }
    all.add("each pod start runs the tool", end(story, 20, 20), VDB, &[]);

    for query in [
        &["resize2fs", "-P", "/dev/vdb"][..],
        &["xfs_growfs", "-n", "/data"],
    ] {
        let mut story = Story::new();
        story.at(9_000).tool(query, 0, 0, &[(VDB, 20 * GIB)]);
        all.add("a query", end(story, 20, 20), VDB, &[]);
        let mut story = Story::new();
        story.at(9_000).tool(query, 0, 0, &[(VDB, 20 * GIB)]);
        story
            .at(10_000)
            .capacity(VDB, "vdb", 20, 40)
            .measure(40, 20);
        grow(&mut story, 12_000);
        all.add(
            "a query before a growth that was used",
            end(story, 40, 40),
            VDB,
            FINE,
        );
    }

    let mut story = grew(10_000);
    story
        .at(12_000)
        .inventory(vec![disk(VDB, "vdb", 40 * GIB)], vec![], true);
    story.at(15_000).tool(RESIZE2FS, 0, 0, &[(VDB, 40 * GIB)]);
    story.at(20_000).measure(40, 40);
    all.add(
        "grown offline, without a call",
        end(story, 40, 40),
        VDB,
        FINE,
    );

    let mut story = Story::watched();
    let serial = |serial: &str, gib: u64| Device {
        serial: Some(serial.to_owned()),
        ..disk(VDB, "vdb", gib * GIB)
    };
    let mount = |gib: u64| vec![ext4(VDB, "/data", gib * GIB)];
    story.inventory(vec![serial("d1", 20)], mount(20), true);
    story.at(9_000).tool(RESIZE2FS, 0, 0, &[(VDB, 20 * GIB)]);
    story.at(10_000).inventory(vec![], vec![], true);
    story
        .at(20_000)
        .inventory(vec![serial("d2", 40)], mount(20), true);
    story
        .at(600_000)
        .inventory(vec![serial("d2", 40)], mount(20), true);
    story.end(600_000);
    all.add("another disk came in its place", story, VDB, &[]);
}

#[test]
fn what_is_no_failure_is_called_none() {
    for NearMiss {
        what,
        story,
        dev,
        held,
    } in Stories::all().0
    {
        assert_eq!(holding(&story, dev), held, "{what}");
    }
}

#[test]
fn of_every_pair_of_rules_the_answer_is_the_same_in_either_order() {
    for NearMiss {
        what, story, dev, ..
    } in Stories::all().0
    {
        let recording = story.recording();
        let case = Case::of_node(Volume::new(&recording, dev));
        let said: Vec<&'static Rule> = ALL
            .iter()
            .copied()
            .filter(|&rule| verdict_by(&[rule], &case).is_some())
            .collect();
        for &a in &said {
            for &b in &said {
                let one = verdict_by(&[a, b], &case);
                assert_eq!(
                    one,
                    verdict_by(&[b, a], &case),
                    "{what}: {} and {}",
                    a.name,
                    b.name
                );
            }
        }
    }
}
