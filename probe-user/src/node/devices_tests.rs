use super::*;
use crate::node::testing::Tree;

fn find<'a>(devices: &'a [Device], name: &str) -> &'a Device {
    devices.iter().find(|device| device.name == name).unwrap()
}

#[test]
fn a_disk_its_partition_and_its_mapping_are_joined() {
    let tree = Tree::new();
    tree.disk("vdb", "254:16", 41_943_040, "bp1example0volprobe1");
    tree.partition("vdb", 1, "254:17", 2048, 41_940_992);
    tree.mapping("dm-0", "252:0", 41_932_800, "data-mysql", "vdb1");
    let devices = read(&View::new(tree.root()));

    let disk = find(&devices, "vdb");
    assert_eq!(disk.size_bytes, Some(20 << 30));
    assert_eq!(disk.serial.as_deref(), Some("bp1example0volprobe1"));
    assert_eq!(
        disk.vendor, None,
        "the PCI vendor of a virtio device is not the disk's"
    );
    assert_eq!(disk.scheduler.as_deref(), Some("mq-deadline"));
    assert_eq!(
        (disk.read_ahead_kb, disk.rotational),
        (Some(128), Some(true))
    );
    assert_eq!((disk.parent_dev, disk.partition), (None, None));

    let part = find(&devices, "vdb1");
    assert_eq!((part.parent_dev, part.partition), (Some(disk.dev), Some(1)));
    assert_eq!(part.start_bytes, Some(1 << 20));
    assert_eq!(part.read_ahead_kb, Some(128), "its disk's");
    assert_eq!(part.holders, [Dev::new(252, 0).0]);

    let mapping = find(&devices, "dm-0");
    assert_eq!(mapping.slaves, [part.dev]);
    assert_eq!(mapping.dm_name.as_deref(), Some("data-mysql"));
}

#[test]
fn scsi_and_nvme_disks_are_identified() {
    let tree = Tree::new();
    let scsi = "sys/devices/host3/target3:0:0/3:0:0:2";
    tree.file(&format!("{scsi}/block/sdc/dev"), "8:32\n");
    tree.file(&format!("{scsi}/block/sdc/size"), "2048\n");
    tree.link(&format!("{scsi}/block/sdc/device"), "../../../3:0:0:2");
    tree.file(&format!("{scsi}/vendor"), "Msft    \n");
    tree.file(&format!("{scsi}/model"), "Virtual Disk    \n");
    tree.file(&format!("{scsi}/vpd_pg80"), b"\0\x80\0\x04 s1 ");
    tree.link(
        "sys/class/block/sdc",
        "../../devices/host3/target3:0:0/3:0:0:2/block/sdc",
    );
    let nvme = "sys/devices/nvme/nvme1";
    tree.file(&format!("{nvme}/serial"), "vol0fab1d5e3f72a5e23\n");
    tree.file(
        &format!("{nvme}/model"),
        "Amazon Elastic Block Store              \n",
    );
    for (name, value) in [
        ("dev", "259:3"),
        ("size", "2048"),
        ("nsid", "1"),
        ("wwid", "nvme.1d0f-x"),
    ] {
        tree.file(&format!("{nvme}/nvme1n1/{name}"), value);
    }
    tree.link(&format!("{nvme}/nvme1n1/device"), "../../nvme1");
    tree.link(
        "sys/class/block/nvme1n1",
        "../../devices/nvme/nvme1/nvme1n1",
    );
    tree.file(
        "run/udev/data/b259:3",
        "S:disk/by-id/nvme-x\nS:disk/by-uuid/y\nE:ID_FS_TYPE=ext4\n",
    );
    let devices = read(&View::new(tree.root()));

    let sdc = find(&devices, "sdc");
    assert_eq!(sdc.hctl.as_deref(), Some("3:0:0:2"));
    assert_eq!(
        (sdc.vendor.as_deref(), sdc.model.as_deref()),
        (Some("Msft"), Some("Virtual Disk"))
    );
    assert_eq!(sdc.serial.as_deref(), Some("s1"));

    let nvme = find(&devices, "nvme1n1");
    assert_eq!(nvme.serial.as_deref(), Some("vol0fab1d5e3f72a5e23"));
    assert_eq!(
        (nvme.nsid, nvme.wwid.as_deref()),
        (Some(1), Some("nvme.1d0f-x"))
    );
    assert_eq!(nvme.links, ["disk/by-id/nvme-x"]);
}

#[test]
fn what_holds_nothing_is_left_out() {
    let tree = Tree::new();
    for (name, dev, sectors) in [
        ("loop0", "7:0", 0),
        ("loop1", "7:1", 8),
        ("vdb", "254:16", 0),
    ] {
        tree.disk(name, dev, sectors, "");
    }
    tree.disk("nvme0c0n1", "0:0", 8, "");
    tree.file("sys/class/block/nvme0c0n1/hidden", "1\n");
    let devices = read(&View::new(tree.root()));
    let names: Vec<_> = devices.iter().map(|device| device.name.as_str()).collect();
    assert_eq!(
        names,
        ["loop1", "vdb"],
        "an empty disk is a finding, an empty loop is not"
    );
}

#[test]
fn the_chosen_scheduler_is_the_one_in_brackets() {
    for (text, name) in [
        ("none [mq-deadline] kyber", "mq-deadline"),
        ("[none]", "none"),
        ("none", "none"),
    ] {
        assert_eq!(chosen(text), name);
    }
}
