use super::*;
use crate::model::testing::{GIB, NAS, Story, VDB, VDC, disk, ext4, nfs};
use crate::sample::inventory::{Device, Mount};

fn node(devices: Vec<Device>, mounts: Vec<Mount>) -> Recording {
    let mut story = Story::bare();
    story.inventory(devices, mounts, true);
    story.recording()
}

fn anonymous(dev: Dev, name: &str) -> Device {
    Device {
        serial: None,
        ..disk(dev, name, GIB)
    }
}

fn pairs(a: &Recording, b: &Recording) -> Vec<(Dev, Dev)> {
    let pairs = Matching::of(a, b).pairs;
    pairs.into_iter().map(|pair| (pair.a, pair.b)).collect()
}

#[test]
fn disks_are_known_by_their_serial_whatever_they_are_called() {
    let swapped = |b: Dev, c: Dev| {
        let serial = |dev, name: &str, serial: &str| Device {
            serial: Some(serial.to_owned()),
            ..disk(dev, name, GIB)
        };
        node(
            vec![serial(b, "vdb", "data"), serial(c, "vdc", "logs")],
            vec![],
        )
    };
    let (a, b) = (swapped(VDB, VDC), swapped(VDC, VDB));
    assert_eq!(pairs(&a, &b), [(VDB, VDC), (VDC, VDB)]);
}

#[test]
fn other_disks_of_another_node_are_known_by_their_mount_points() {
    let at = |dev, name, serial: &str, point| {
        let device = Device {
            serial: Some(serial.to_owned()),
            ..disk(dev, name, GIB)
        };
        node(vec![device], vec![ext4(dev, point, GIB)])
    };
    let a = at(VDB, "vdb", "d-1", "/data");
    assert_eq!(pairs(&a, &at(VDC, "vdc", "d-2", "/data")), [(VDB, VDC)]);
    // The same name alone is nothing.
    assert_eq!(pairs(&a, &at(VDB, "vdb", "d-2", "/logs")), []);
}

#[test]
fn what_has_nothing_but_a_name_is_known_by_it() {
    let a = node(vec![anonymous(VDB, "vdb"), anonymous(VDC, "vdc")], vec![]);
    let b = node(vec![anonymous(VDB, "vdc"), anonymous(VDC, "vdb")], vec![]);
    assert_eq!(pairs(&a, &b), [(VDB, VDC), (VDC, VDB)]);
}

#[test]
fn network_mounts_are_known_by_what_they_are_mounts_of() {
    let elsewhere = Mount {
        dev: Dev::new(0, 99).0,
        mount_point: "/other".to_owned(),
        ..nfs()
    };
    let (a, b) = (node(vec![], vec![nfs()]), node(vec![], vec![elsewhere]));
    assert_eq!(pairs(&a, &b), [(NAS, Dev::new(0, 99))]);
}

#[test]
fn a_mount_that_came_again_is_the_same_volume() {
    let again = Dev::new(0, 60);
    let mut story = Story::bare();
    story.inventory(vec![], vec![nfs()], true);
    let second = Mount {
        dev: again.0,
        ..nfs()
    };
    story.at(1000).inventory(vec![], vec![second], true);
    let matching = Matching::of(&node(vec![], vec![nfs()]), &story.recording());
    assert_eq!(matching.of_a(NAS), Some(0));
    assert_eq!(
        (matching.of_b(again), matching.of_b(NAS)),
        (Some(0), Some(0))
    );
}

#[test]
fn container_roots_are_one_group_and_pods_of_a_deployment_one_workload() {
    let root = |minor: u32, id: &str| Mount {
        fs: "overlay".to_owned(),
        source: "overlay".to_owned(),
        ..ext4(
            Dev::new(0, minor),
            &format!("/run/containerd/{id}/rootfs"),
            0,
        )
    };
    let ids = ["0123456789abcdef", "fedcba9876543210", "aaaaaaaaaaaabbbb"];
    let a = node(vec![], vec![root(50, ids[0]), root(51, ids[1])]);
    let b = node(vec![], vec![root(70, ids[2])]);
    let matching = Matching::of(&a, &b);
    let of_a = [50, 51].map(|minor| matching.of_a(Dev::new(0, minor)));
    assert_eq!(of_a, [Some(0), Some(0)]);
    assert_eq!(matching.of_b(Dev::new(0, 70)), Some(0));
    assert_eq!(workload("shop/cart-6d4b75cb6d-x2x9q"), "shop/cart");
    assert_eq!(workload("shop/agent-x2x9q"), "shop/agent");
    for whole in ["db/mysql-0", "db/my-table", "uid-1", "plain"] {
        assert_eq!(workload(whole), whole);
    }
}
