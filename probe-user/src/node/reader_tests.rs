use super::*;
use crate::node::superblock::tests::ext4;
use crate::node::testing::Tree;

fn node() -> Tree {
    let tree = Tree::new();
    tree.disk("vdb", "254:16", 41_943_040, "bp1");
    tree.partition("vdb", 1, "254:17", 0, 41_943_040);
    tree.disk("vdc", "254:32", 2048, "bp2");
    tree.file("sys/class/bdi/0:52/read_ahead_kb", "15360\n");
    tree.file("dev/vdb1", ext4(5_242_880));
    tree.mounts(&[
        "40 1 254:17 / /data rw - ext4 /dev/vdb1 rw",
        "42 1 0:52 / /nas rw - nfs4 nas:/ rw",
    ]);
    tree
}

const QUEUE: &str = "sys/class/block/vdb/queue/read_ahead_kb";

#[test]
fn a_snapshot_is_whole_and_repeats() {
    let tree = node();
    let node = Node::new(tree.root());
    let first = node.snapshot();
    assert!(first.whole && first.boot_ns > 0);
    assert_eq!((first.devices.len(), first.mounts.len()), (3, 2));
    assert_eq!(inventory::diff(&first, &node.snapshot()), None);
}

#[test]
fn polling_gives_settings_and_capacity_that_changed() {
    let tree = node();
    let node = Node::new(tree.root());
    let known = node.snapshot();
    assert_eq!(node.poll(&known), None);

    tree.file(QUEUE, "4096\n");
    tree.file("sys/class/bdi/0:52/read_ahead_kb", "128\n");
    tree.file("sys/class/block/vdc/size", "4096\n");
    let change = node.poll(&known).unwrap();
    let kb: Vec<_> = change
        .devices
        .iter()
        .map(|d| (d.name.as_str(), d.read_ahead_kb))
        .collect();
    assert_eq!(
        kb,
        [
            ("vdb", Some(4096)),
            ("vdb1", Some(4096)),
            ("vdc", Some(128))
        ]
    );
    assert_eq!(change.devices[2].size_bytes, Some(2 << 20));
    let kb: Vec<_> = change
        .mounts
        .iter()
        .map(|m| (m.mount_point.as_str(), m.read_ahead_kb))
        .collect();
    assert_eq!(kb, [("/data", Some(4096)), ("/nas", Some(128))]);

    let mut now = known.clone();
    inventory::apply(&mut now, &change);
    assert_eq!(node.poll(&now), None);
}

#[test]
fn a_device_that_is_gone_is_not_polled_as_changed() {
    let tree = node();
    let node = Node::new(tree.root());
    let known = node.snapshot();
    std::fs::remove_file(tree.root().join("sys/class/block/vdc")).unwrap();
    assert_eq!(node.poll(&known), None);
}

#[test]
fn measuring_states_what_is_so_even_without_a_change() {
    let tree = node();
    let node = Node::new(tree.root());
    let known = node.snapshot();
    tree.file("sys/class/block/vdb/size", "83886080\n");
    let measured = node.measure(&known, Dev::new(254, 17));
    let names: Vec<_> = measured
        .devices
        .iter()
        .map(|device| device.name.as_str())
        .collect();
    assert_eq!(names, ["vdb", "vdb1"]);
    assert_eq!(measured.devices[0].size_bytes, Some(40 << 30));
    let [mount] = measured.mounts.as_slice() else {
        panic!("{measured:?}")
    };
    assert_eq!(mount.fs_size_bytes, Some(20 << 30));
    assert_eq!(mount.read_ahead_kb, Some(128));
    assert!(!measured.whole);

    tree.file("dev/vdb1", ext4(10_485_760));
    let measured = node.measure(&known, Dev::new(254, 16));
    assert_eq!(measured.mounts[0].fs_size_bytes, Some(40 << 30));
}
