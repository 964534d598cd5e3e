use super::*;
use proptest::prelude::*;

fn device(minor: u32, read_ahead_kb: u64) -> Device {
    Device {
        dev: Dev::new(254, minor).0,
        name: format!("vd{minor}"),
        read_ahead_kb: Some(read_ahead_kb),
        ..Device::default()
    }
}

fn mount(minor: u32, point: &str) -> Mount {
    Mount {
        dev: Dev::new(254, minor).0,
        mount_point: point.to_owned(),
        fs: "ext4".to_owned(),
        ..Mount::default()
    }
}

fn inventory(devices: Vec<Device>, mounts: Vec<Mount>) -> Inventory {
    Inventory {
        whole: true,
        devices,
        mounts,
        ..Inventory::default()
    }
}

#[test]
fn no_change_is_none() {
    let now = inventory(vec![device(0, 128)], vec![mount(0, "/")]);
    let later = Inventory {
        boot_ns: 9,
        duration_ns: 3,
        ..now.clone()
    };
    assert_eq!(diff(&now, &later), None);
}

#[test]
fn only_what_changed_is_given() {
    let old = inventory(
        vec![device(0, 128), device(1, 128), device(2, 128)],
        vec![mount(0, "/")],
    );
    let new = inventory(
        vec![device(0, 4096), device(1, 128), device(3, 128)],
        vec![mount(0, "/")],
    );
    let change = diff(&old, &new).unwrap();
    assert!(!change.whole);
    assert_eq!(change.mounts, []);
    let gone = Device {
        removed: true,
        ..device(2, 128)
    };
    assert_eq!(change.devices, [device(0, 4096), device(3, 128), gone]);
}

#[test]
fn cgroups_outlive_a_whole_inventory() {
    let mut base = inventory(vec![device(0, 128)], vec![]);
    base.cgroups = vec![Cgroup {
        id: 7,
        ..Cgroup::default()
    }];
    apply(&mut base, &inventory(vec![device(1, 128)], vec![]));
    assert_eq!(base.devices, [device(1, 128)]);
    assert_eq!(base.cgroups.len(), 1);
}

/// A disk with a partition under a mapping, and another disk.
fn layers() -> Inventory {
    let partition = Device {
        parent_dev: Some(device(16, 0).dev),
        ..device(17, 0)
    };
    let mapping = Device {
        slaves: vec![partition.dev, device(32, 0).dev],
        ..device(99, 0)
    };
    inventory(
        vec![
            device(16, 0),
            partition,
            device(32, 0),
            device(48, 0),
            mapping,
        ],
        vec![mount(99, "/data/long"), mount(99, "/data")],
    )
}

#[test]
fn disks_are_found_beneath_mappings() {
    let disks = |minor| {
        let disks = disks_of(&layers(), Dev::new(254, minor));
        disks.iter().map(|disk| disk.minor()).collect::<Vec<_>>()
    };
    assert_eq!(disks(99), [16, 32]);
    assert_eq!(disks(17), [16]);
    assert_eq!(disks(48), [48]);
    assert_eq!(disks(7), [0_u32; 0], "unknown");
}

#[test]
fn a_family_is_all_that_shares_a_disk() {
    let minors = |minor| {
        let family = family(&layers(), Dev::new(254, minor));
        family
            .iter()
            .map(|dev| Dev(*dev).minor())
            .collect::<Vec<_>>()
    };
    assert_eq!(minors(17), [16, 17, 99]);
    assert_eq!(minors(99), [16, 17, 32, 99]);
    assert_eq!(minors(48), [48]);
}

#[test]
fn devices_that_lie_on_each_other_end() {
    let a = Device {
        slaves: vec![device(2, 0).dev],
        ..device(1, 0)
    };
    let b = Device {
        slaves: vec![device(1, 0).dev],
        ..device(2, 0)
    };
    let inventory = inventory(vec![a, b], vec![]);
    assert_eq!(disks_of(&inventory, Dev::new(254, 1)), []);
    assert!(!family(&inventory, Dev::new(254, 1)).is_empty());
}

#[test]
fn a_label_is_the_name_or_the_mount() {
    let mut inventory = layers();
    let nas = Mount {
        dev: Dev::new(0, 52).0,
        fs: "nfs4".to_owned(),
        ..mount(0, "/mnt/nas")
    };
    inventory.mounts.push(nas);
    assert_eq!(label(&inventory, Dev::new(254, 16)), "vd16");
    assert_eq!(label(&inventory, Dev::new(0, 52)), "nfs4:/mnt/nas");
    assert_eq!(label(&inventory, Dev::new(0, 53)), "0:53");
    let mounts = mounts_of(&inventory, Dev::new(254, 99));
    assert_eq!(mounts[0].mount_point, "/data");
}

fn any_inventory() -> impl Strategy<Value = Inventory> {
    let devices = proptest::collection::btree_map(0_u32..8, 0_u64..3, 0..8);
    let mounts = proptest::collection::btree_set((0_u32..4, 0_u32..4), 0..8);
    (devices, mounts, any::<u64>()).prop_map(|(devices, mounts, boot_ns)| Inventory {
        boot_ns,
        whole: true,
        devices: devices
            .into_iter()
            .map(|(minor, kb)| device(minor, kb))
            .collect(),
        mounts: mounts
            .into_iter()
            .map(|(minor, at)| mount(minor, &format!("/{at}")))
            .collect(),
        ..Inventory::default()
    })
}

fn sorted(mut inventory: Inventory) -> Inventory {
    inventory.devices.sort_by_key(Row::key);
    inventory.mounts.sort_by_key(Row::key);
    inventory
}

proptest! {
    #[test]
    fn applying_a_difference_gives_the_new_one(old in any_inventory(), new in any_inventory()) {
        let mut base = old.clone();
        if let Some(change) = diff(&old, &new) {
            apply(&mut base, &change);
        }
        base.boot_ns = new.boot_ns;
        prop_assert_eq!(sorted(base), sorted(new));
    }
}

#[test]
fn free_space_alone_is_no_change() {
    let with = |free: Option<u64>, size: u64| Inventory {
        mounts: vec![Mount {
            mount_point: "/data".to_owned(),
            fs_size_bytes: Some(size),
            fs_free_bytes: free,
            ..Mount::default()
        }],
        ..Inventory::default()
    };
    assert_eq!(diff(&with(Some(5), 20), &with(Some(4), 20)), None);
    let change = diff(&with(Some(5), 20), &with(Some(4), 40)).unwrap();
    assert_eq!(change.mounts[0].fs_free_bytes, Some(4));
}
