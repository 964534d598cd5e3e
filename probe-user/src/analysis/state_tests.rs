use super::*;
use crate::sample::Inventory;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const DISK: Dev = Dev::new(254, 16);
const PART: Dev = Dev::new(254, 17);
const DM: Dev = Dev::new(253, 0);

fn device(dev: Dev, name: &str, size: u64) -> Device {
    Device {
        dev: dev.0,
        name: name.to_owned(),
        size_bytes: Some(size),
        ..Device::default()
    }
}

fn partition(dev: Dev, number: u32, start: u64, size: u64) -> Device {
    Device {
        parent_dev: Some(DISK.0),
        partition: Some(number),
        start_bytes: Some(start),
        ..device(dev, &format!("vdb{number}"), size)
    }
}

fn mapping(uuid: &str, size: u64) -> Device {
    Device {
        dm_name: Some("data".to_owned()),
        dm_uuid: Some(uuid.to_owned()),
        slaves: vec![PART.0],
        ..device(DM, "dm-0", size)
    }
}

fn mount(dev: Dev, fs: &str, size: u64) -> Mount {
    Mount {
        dev: dev.0,
        fs: fs.to_owned(),
        mount_point: "/data".to_owned(),
        fs_size_bytes: Some(size),
        options: "rw,relatime".to_owned(),
        ..Mount::default()
    }
}

fn node(rows: Vec<Device>, mounts: Vec<Mount>) -> Devices {
    let mut devices = Devices::default();
    devices.apply(&Inventory {
        whole: true,
        boot_ns: 1,
        devices: rows,
        mounts,
        ..Inventory::default()
    });
    devices
}

fn rules(devices: &Devices, dev: Dev) -> Vec<&'static str> {
    findings(devices, dev)
        .iter()
        .map(|finding| finding.rule)
        .collect()
}

#[test]
fn a_file_system_smaller_than_its_disk_did_not_grow() {
    let devices = node(
        vec![device(DISK, "vdb", 40 * GIB)],
        vec![mount(DISK, "ext4", 20 * GIB)],
    );
    let found = findings(&devices, DISK);
    let [finding] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(finding.rule, "resize/fs-not-grown");
    assert_eq!(finding.severity, Severity::Critical);
    assert_eq!(
        finding.summary,
        "the ext4 file system has 20 GiB of the 40 GiB of vdb"
    );
    assert_eq!(
        finding.advice.as_deref(),
        Some("resize2fs /dev/vdb  (online, safe while mounted)")
    );
}

#[test]
fn what_the_tools_leave_over_is_no_finding() {
    for left in [0, MIB, 16 * MIB] {
        let devices = node(
            vec![device(DISK, "vdb", 40 * GIB)],
            vec![mount(DISK, "xfs", 40 * GIB - left)],
        );
        assert_eq!(rules(&devices, DISK), [""; 0], "{left}");
    }
    let larger = node(
        vec![device(DISK, "vdb", 20 * GIB)],
        vec![mount(DISK, "xfs", 40 * GIB)],
    );
    assert_eq!(rules(&larger, DISK), [""; 0]);
}

#[test]
fn what_is_not_known_or_not_there_is_no_finding() {
    let unknown = Mount {
        fs_size_bytes: None,
        ..mount(DISK, "ext4", 0)
    };
    let devices = node(vec![device(DISK, "vdb", 40 * GIB)], vec![unknown]);
    assert_eq!(rules(&devices, DISK), [""; 0]);

    let mut gone = node(
        vec![device(DISK, "vdb", 40 * GIB)],
        vec![mount(DISK, "ext4", 20 * GIB)],
    );
    let removed = Mount {
        removed: true,
        ..mount(DISK, "ext4", 20 * GIB)
    };
    gone.apply(&Inventory {
        mounts: vec![removed],
        ..Inventory::default()
    });
    assert_eq!(rules(&gone, DISK), [""; 0]);
}

#[test]
fn how_to_grow_depends_on_the_file_system() {
    let advice = |mount: Mount| {
        let devices = node(vec![device(DISK, "vdb", 40 * GIB)], vec![mount]);
        findings(&devices, DISK)[0].advice.clone().unwrap()
    };
    assert!(advice(mount(DISK, "xfs", GIB)).starts_with("xfs_growfs /data "));
    assert!(advice(mount(DISK, "btrfs", GIB)).starts_with("btrfs filesystem resize max /data "));
    let read_only = Mount {
        fs_options: "ro,errors=continue".to_owned(),
        ..mount(DISK, "ext4", GIB)
    };
    assert!(advice(read_only).contains("read-only now"));
}

#[test]
fn the_last_partition_should_reach_the_end_of_the_disk() {
    let rows = vec![
        device(DISK, "vdb", 40 * GIB),
        partition(PART, 1, 1 << 20, 20 * GIB),
    ];
    let devices = node(rows.clone(), vec![mount(PART, "ext4", 20 * GIB)]);
    let found = findings(&devices, PART);
    let [finding] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(finding.rule, "resize/partition-not-grown");
    assert_eq!(
        finding.summary,
        "20 GiB after vdb1, the last partition of vdb, are not used"
    );
    assert!(
        finding
            .advice
            .as_deref()
            .unwrap()
            .starts_with("growpart /dev/vdb 1")
    );

    let neighbour = partition(Dev::new(254, 18), 2, 30 * GIB, 10 * GIB - 16 * MIB);
    let devices = node(
        [rows, vec![neighbour]].concat(),
        vec![mount(PART, "ext4", 20 * GIB)],
    );
    assert_eq!(
        rules(&devices, PART),
        [""; 0],
        "it cannot grow past its neighbour"
    );
}

#[test]
fn each_layer_is_compared_with_the_one_beneath() {
    let disk = device(DISK, "vdb", 40 * GIB);
    let part = partition(PART, 1, 1 << 20, 40 * GIB - (2 << 20));
    let luks = mapping("CRYPT-LUKS2-5b1f-data", 20 * GIB);
    let mounts = vec![mount(DM, "xfs", 10 * GIB)];
    let devices = node(vec![disk.clone(), part.clone(), luks], mounts.clone());
    assert_eq!(
        rules(&devices, DM),
        ["resize/mapping-not-grown", "resize/fs-not-grown"]
    );

    let lvm = mapping("LVM-abc", 20 * GIB);
    let devices = node(vec![disk, part, lvm], mounts);
    assert_eq!(
        rules(&devices, DM),
        ["resize/fs-not-grown"],
        "a volume group may have free space"
    );
    let layers = Layers {
        disks: vec![DISK],
        partition: Some(PART),
        mapping: Some(DM),
    };
    assert_eq!(Layers::of(&devices, DM), layers);
}

#[test]
fn a_small_volume_that_did_not_grow_is_found() {
    let devices = node(
        vec![device(DISK, "vdb", 128 * MIB)],
        vec![mount(DISK, "ext4", 116 * MIB)],
    );
    assert_eq!(rules(&devices, DISK), ["resize/fs-not-grown"]);
}

#[test]
fn the_header_of_luks_is_no_missing_growth() {
    let disk = device(DISK, "vdb", 128 * MIB);
    let luks = Device {
        slaves: vec![DISK.0],
        ..mapping("CRYPT-LUKS2-5b1f-data", 112 * MIB)
    };
    let devices = node(vec![disk, luks], vec![mount(DM, "xfs", 112 * MIB)]);
    assert_eq!(rules(&devices, DM), [""; 0]);
}
