use super::*;
use crate::sample::inventory::Volume;

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn disk(minor: u32, name: &str, serial: &str, model: &str) -> Device {
    Device {
        dev: Dev::new(254, minor).0,
        name: name.to_owned(),
        serial: text(serial),
        model: text(model),
        ..Device::default()
    }
}

fn azure(minor: u32, hctl: &str) -> Device {
    Device {
        vendor: text("Msft"),
        hctl: text(hctl),
        ..disk(minor, &format!("sd{minor}"), "", "Virtual Disk")
    }
}

fn inventory(devices: Vec<Device>) -> Inventory {
    Inventory {
        whole: true,
        devices,
        ..Inventory::default()
    }
}

fn lun(lun: u32) -> Hints {
    Hints {
        lun: Some(lun),
        ..Hints::default()
    }
}

/// Every way in which the four clouds show a disk, on one impossible node.
fn everything() -> Inventory {
    let google_page = Device {
        wwid: text("Google  PersistentDisk  pvc-1"),
        ..disk(3, "sda", "", "PersistentDisk")
    };
    let google_link = Device {
        links: vec![
            "disk/by-id/google-pvc-2".to_owned(),
            "disk/by-id/nvme-nvme_card-pd".to_owned(),
        ],
        ..disk(4, "nvme2n1", "nvme_card-pd", "nvme_card-pd")
    };
    let azure_nvme = Device {
        nsid: Some(5),
        ..disk(7, "nvme3n5", "", "MSFT NVMe Accelerator v1.0")
    };
    inventory(vec![
        disk(0, "vdb", "bp1example0volprobe1", ""),
        disk(
            1,
            "nvme0n1",
            "bp1example0volprobe2",
            "Alibaba Cloud Elastic Block Storage",
        ),
        disk(
            2,
            "nvme1n1",
            "vol0fab1d5e3f72a5e23",
            "Amazon Elastic Block Store",
        ),
        google_page,
        google_link,
        azure(5, "3:0:0:2"),
        azure(6, "4:0:0:2"),
        azure_nvme,
        disk(8, "vdc", "5b1f6c1e-2d3a-4f50-9", ""),
        disk(9, "vdd", "d-examplevdd", ""),
        disk(10, "xvdba", "", ""),
        Device {
            partition: Some(1),
            ..disk(11, "vdb1", "bp1example0volprobe1", "")
        },
    ])
}

#[test]
fn each_cloud_names_its_disks() {
    let google = "projects/p/zones/europe-west3-a/disks/pvc-1";
    let path = Hints {
        device_path: text("/dev/xvdba"),
        ..Hints::default()
    };
    let serial = Hints {
        serial: text("bp1example0volprobe1"),
        ..Hints::default()
    };
    let none = Hints::default;
    let azure = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/pvc-9";
    let cases = [
        ("d-bp1example0volprobe1", none(), 0, Basis::Serial),
        ("d-bp1example0volprobe2", none(), 1, Basis::Serial),
        ("vol-0fab1d5e3f72a5e23", none(), 2, Basis::Serial),
        (google, none(), 3, Basis::Name),
        ("pvc-2", none(), 4, Basis::Name),
        (azure, lun(2), 6, Basis::Lun),
        (azure, lun(3), 7, Basis::Lun),
        (
            "5b1f6c1e-2d3a-4f50-9a61-0a1b2c3d4e5f",
            none(),
            8,
            Basis::Serial,
        ),
        ("d-examplevdd", none(), 9, Basis::Serial),
        ("vol-0123", path, 10, Basis::DevicePath),
        ("d-other", serial, 0, Basis::Serial),
    ];
    for (id, hints, minor, basis) in cases {
        let found = find(id, &hints, &everything());
        assert_eq!(
            found,
            [Found {
                dev: Dev::new(254, minor),
                basis
            }],
            "{id}"
        );
    }
}

#[test]
fn other_disks_are_not_taken_for_it() {
    let ids = [
        "d-bp1example0volprobe",
        "vol-0fab1d5e3f72a5e2",
        "pvc",
        "pvc-11",
        "",
        "d-",
        "vol-",
        "nvme_card",
    ];
    for id in ids {
        assert_eq!(find(id, &Hints::default(), &everything()), [], "{id}");
    }
    assert_eq!(find("pvc-9", &lun(9), &everything()), []);
}

#[test]
fn udevs_links_decide_over_the_scsi_place() {
    let linked = Device {
        links: vec!["disk/azure/scsi1/lun7".to_owned()],
        ..azure(5, "1:0:0:2")
    };
    let found = find("pvc-9", &lun(7), &inventory(vec![linked.clone()]));
    assert_eq!(
        found,
        [Found {
            dev: Dev::new(254, 5),
            basis: Basis::Lun
        }]
    );
    assert_eq!(find("pvc-9", &lun(2), &inventory(vec![linked])), []);
}

#[test]
fn kubelets_volume_decides_over_a_serial() {
    let mut inventory = everything();
    let partition = inventory.devices.pop().unwrap();
    inventory.devices.push(Device {
        parent_dev: Some(Dev::new(254, 8).0),
        ..partition.clone()
    });
    inventory.volumes.push(Volume {
        handle: "d-bp1example0volprobe1".to_owned(),
        dev: Some(partition.dev),
        ..Volume::default()
    });
    let found = find("d-bp1example0volprobe1", &Hints::default(), &inventory);
    assert_eq!(
        found,
        [Found {
            dev: Dev::new(254, 8),
            basis: Basis::KubeletVolume
        }]
    );
}

#[test]
fn a_resource_is_the_same_in_any_case_and_by_its_last_part() {
    let volume = |handle: &str| Volume {
        handle: handle.to_owned(),
        dev: Some(Dev::new(254, 6).0),
        ..Volume::default()
    };
    let cases = [
        (
            "/subscriptions/S/resourcegroups/G/disks/pvc-9",
            "/subscriptions/s/resourceGroups/g/disks/PVC-9",
            1,
        ),
        ("projects/p/zones/z/disks/pvc-9", "pvc-9", 1),
        (
            "projects/p/zones/z/disks/pvc-9",
            "projects/p/zones/other/disks/pvc-9",
            0,
        ),
    ];
    for (handle, id, count) in cases {
        let mut inventory = everything();
        inventory.volumes.push(volume(handle));
        assert_eq!(
            find(id, &Hints::default(), &inventory).len(),
            count,
            "{handle} {id}"
        );
    }
}

#[test]
fn two_disks_of_one_serial_are_shown_and_two_paths_are_one() {
    let mut inventory = inventory(vec![disk(1, "sda", "s", ""), disk(2, "sdb", "s", "")]);
    assert_eq!(find("s", &Hints::default(), &inventory).len(), 2);
    inventory.devices.push(Device {
        dm_uuid: text("mpath-3600"),
        dm_name: text("mpatha"),
        slaves: vec![Dev::new(254, 1).0, Dev::new(254, 2).0],
        ..disk(3, "dm-0", "", "")
    });
    let found = find("s", &Hints::default(), &inventory);
    assert_eq!(
        found,
        [Found {
            dev: Dev::new(254, 3),
            basis: Basis::Serial
        }]
    );
}

#[test]
fn the_guest_alone_tells_some_ids() {
    let ids: Vec<_> = everything().devices.iter().map(of).collect();
    let some = |id: &str| Some(id.to_owned());
    let mut expected = vec![None; ids.len()];
    expected[0] = some("d-bp1example0volprobe1");
    expected[1] = some("d-bp1example0volprobe2");
    expected[2] = some("vol-0fab1d5e3f72a5e23");
    expected[11] = expected[0].clone();
    assert_eq!(ids, expected);
}
