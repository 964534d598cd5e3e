use super::*;
use crate::sample::{Inventory, inventory::Device};
use probe_common::event::{ARGV_BYTES, Asked, NOT_REACHED, Question, Record, UNKNOWN};
use proptest::prelude::*;

fn header(kind: raw::Kind, boot_ns: u64) -> Header {
    let mut comm = [0; 16];
    comm[..9].copy_from_slice(b"resize2fs");
    Header {
        boot_ns,
        cgroup: 5,
        kind: kind as u32,
        pid: 4711,
        tid: 4712,
        self_test: 0,
        comm,
    }
}

fn zeroed<T: Record>(edit: impl FnOnce(&mut T)) -> T {
    let mut record = T::new_zeroed();
    edit(&mut record);
    record
}

fn detail(events: &mut Events, node: &mut Known, record: &Raw) -> Option<Detail> {
    events.event(record, node)?.detail
}

fn exec(argv: &[u8], len: u32) -> Raw {
    Raw::Exec(Box::new(zeroed(|record: &mut raw::Exec| {
        record.header = header(raw::Kind::Exec, 1_000);
        record.argv[..argv.len()].copy_from_slice(argv);
        record.argv_kept = argv.len() as u32;
        record.argv_len = len;
        record.filename[..4].copy_from_slice(b"/x\0y");
    })))
}

fn exit(edit: impl FnOnce(&mut raw::Exit)) -> Raw {
    Raw::Exit(zeroed(|record: &mut raw::Exit| {
        record.header = header(raw::Kind::Exit, 18_000);
        record.start_ns = 1_000;
        edit(record);
    }))
}

fn one_device(dev: u32, bytes: u64) -> Known {
    let mut node = Known::default();
    node.learn(&Inventory {
        devices: vec![
            Device {
                dev: 16,
                name: "vdb".to_owned(),
                size_bytes: Some(1 << 40),
                ..Device::default()
            },
            Device {
                dev,
                name: "vdb1".to_owned(),
                size_bytes: Some(bytes),
                parent_dev: Some(16),
                partition: Some(1),
                ..Device::default()
            },
        ],
        ..Inventory::default()
    });
    node
}

#[test]
fn a_tools_end_has_the_arguments_of_its_start() {
    let (mut events, mut node) = (Events::default(), Known::default());
    let start = exec(b"resize2fs\0/dev/vdz\0", 19);
    let Some(Detail::ExecStart(start)) = detail(&mut events, &mut node, &start) else {
        panic!("not a start");
    };
    assert_eq!(start.argv, ["resize2fs", "/dev/vdz"]);
    assert_eq!(start.filename, "/x");
    assert!(!start.argv_truncated);
    let end = exit(|record| {
        record.exit_code = 3 << 8;
        record.resize_calls = 1;
        record.asked_len = 2;
        record.asked[0] = Asked {
            dev: 9,
            question: Question::Geometry as u32,
            bytes: 1 << 30,
        };
        record.asked[1] = Asked {
            dev: 9,
            question: Question::DeviceSize as u32,
            bytes: 2 << 30,
        };
    });
    let event = events.event(&end, &mut node).unwrap();
    assert_eq!((event.id, event.pid, event.boot_ns), (2, 4711, 18_000));
    let Some(Detail::ExecExit(end)) = event.detail else {
        panic!("not an end");
    };
    assert_eq!(end.argv, ["resize2fs", "/dev/vdz"]);
    assert_eq!((end.exit_code, end.signal), (Some(3), None));
    assert_eq!((end.duration_ns, end.start_boot_ns), (17_000, 1_000));
    assert_eq!(end.devices.len(), 1);
    assert_eq!(end.devices[0].size_bytes, Some(2 << 30));
    assert_eq!(end.devices[0].fs_size_bytes, Some(1 << 30));
    assert_eq!(end.devices[0].resolved, "kernel");
}

#[test]
fn another_start_of_the_same_pid_gives_no_arguments() {
    let (mut events, mut node) = (Events::default(), Known::default());
    detail(&mut events, &mut node, &exec(b"a\0", 2));
    let end = exit(|record| {
        record.start_ns = 999;
        record.exit_code = 9;
    });
    let Some(Detail::ExecExit(end)) = detail(&mut events, &mut node, &end) else {
        panic!("not an end");
    };
    assert!(end.argv.is_empty());
    assert_eq!((end.exit_code, end.signal), (None, Some(9)));
}

#[test]
fn arguments_that_were_cut_are_marked() {
    let (mut events, mut node) = (Events::default(), Known::default());
    let record = exec(&[b'a'; ARGV_BYTES], 5000);
    let Some(Detail::ExecStart(start)) = detail(&mut events, &mut node, &record) else {
        panic!("not a start");
    };
    assert_eq!(start.argv, ["a".repeat(ARGV_BYTES)]);
    assert!(start.argv_truncated);
}

#[test]
fn a_resize_whose_return_was_lost_is_no_success() {
    let record = Raw::FsResize(zeroed(|record: &mut raw::FsResize| {
        record.header = header(raw::Kind::FsResize, 500);
        record.ret = raw::RETURN_LOST;
        record.to_blocks = UNKNOWN;
    }));
    let event = Events::default()
        .event(&record, &mut Known::default())
        .unwrap();
    let Some(Detail::FsResize(resize)) = event.detail else {
        panic!("not a resize");
    };
    assert!(!resize.has_returned());
    assert_eq!(resize.to_bytes, None);
}

#[test]
fn a_refused_resize_never_reached_the_file_system() {
    let record = Raw::FsResize(zeroed(|record: &mut raw::FsResize| {
        record.header = header(raw::Kind::FsResize, 500);
        record.start_ns = 400;
        record.fs = raw::Fs::Ext4 as u32;
        record.command = raw::Command::ResizeFs as u32;
        record.block_size = 4096;
        record.from_blocks = 10;
        record.requested_blocks = UNKNOWN;
        record.to_blocks = 10;
        record.ret = -i64::from(libc::EPERM);
        record.effect_ret = NOT_REACHED;
    }));
    let event = Events::default()
        .event(&record, &mut Known::default())
        .unwrap();
    assert_eq!(event.boot_ns, 400);
    let Some(Detail::FsResize(resize)) = event.detail else {
        panic!("not a resize");
    };
    assert_eq!(
        (resize.fs.as_str(), resize.command.as_str()),
        ("ext4", "RESIZE_FS")
    );
    assert_eq!((resize.error.as_str(), resize.duration_ns), ("EPERM", 100));
    assert_eq!(
        (resize.from_bytes, resize.to_bytes, resize.requested_bytes),
        (Some(40960), Some(40960), None)
    );
    assert!(!resize.reached_fs);
}

fn grown(dev: u32, from: u64, to: u64) -> Raw {
    Raw::Capacity(zeroed(|record: &mut raw::Capacity| {
        record.header = header(raw::Kind::Capacity, 1);
        record.dev = dev;
        record.disk_dev = 16;
        record.hook = raw::CapacityHook::BdevSetNrSectors as u32;
        record.from_sectors = from;
        record.to_sectors = to;
        record.disk[..3].copy_from_slice(b"vdb");
    }))
}

#[test]
fn a_partition_made_anew_changed_from_what_it_was() {
    let (mut events, mut node) = (Events::default(), one_device(17, 1 << 20));
    let Some(Detail::DeviceCapacity(change)) =
        detail(&mut events, &mut node, &grown(17, 0, 2 << 11))
    else {
        panic!("not a capacity");
    };
    assert_eq!(change.name, "vdb1");
    assert_eq!(
        (change.from_bytes, change.to_bytes),
        (Some(1 << 20), Some(2 << 20))
    );
    assert_eq!(detail(&mut events, &mut node, &grown(17, 0, 2 << 11)), None);
    assert_eq!(events.made(), 1);
}

#[test]
fn a_disk_not_known_yet_is_named_by_the_kernel() {
    let (mut events, mut node) = (Events::default(), Known::default());
    let Some(Detail::DeviceCapacity(change)) =
        detail(&mut events, &mut node, &grown(16, 0, 2 << 11))
    else {
        panic!("not a capacity");
    };
    assert_eq!((change.name.as_str(), change.from_bytes), ("vdb", Some(0)));
}

#[test]
fn a_refused_partition_change_changes_nothing() {
    let (mut events, mut node) = (Events::default(), one_device(17, 1 << 20));
    let record = Raw::Partition(zeroed(|record: &mut raw::Partition| {
        record.header = header(raw::Kind::Partition, 1);
        record.disk_dev = 16;
        record.number = 1;
        record.op = raw::PartitionOp::Resize as u32;
        record.ret = -libc::EBUSY;
        record.start_sector = 2048;
        record.sectors = 4 << 11;
        record.disk[..3].copy_from_slice(b"vdb");
    }));
    let Some(Detail::PartitionChange(change)) = detail(&mut events, &mut node, &record) else {
        panic!("not a partition");
    };
    assert_eq!(
        (change.op.as_str(), change.error.as_str()),
        ("resize", "EBUSY")
    );
    assert_eq!((change.from_bytes, change.to_bytes), (Some(1 << 20), None));
    assert_eq!(node.bytes(17), Some(1 << 20));
}

#[test]
fn a_read_ahead_of_a_network_mount_is_found_by_its_name() {
    let record = Raw::ReadAheadSet(zeroed(|record: &mut raw::ReadAheadSet| {
        record.header = header(raw::Kind::ReadAheadSet, 1);
        record.via = raw::ReadAheadVia::SysfsBdi as u32;
        record.from_pages = 32;
        record.to_pages = UNKNOWN;
        record.ret = 4;
        record.bdi[..4].copy_from_slice(b"0:52");
    }));
    let (mut events, mut node) = (Events::default(), Known::default());
    let Some(Detail::ReadAhead(change)) = detail(&mut events, &mut node, &record) else {
        panic!("not a read-ahead");
    };
    assert_eq!((change.dev, change.via.as_str()), (52, "sysfs-bdi"));
    assert_eq!(
        (change.from_kb, change.to_kb),
        (Some(32 * events.page_kb), None)
    );
    assert_eq!(change.error, "");
}

#[test]
fn starts_without_an_end_are_bounded() {
    let (mut events, mut node) = (Events::default(), Known::default());
    for pid in 0..STARTS_MAX as u32 + 10 {
        let Raw::Exec(mut record) = exec(b"a\0", 2) else {
            panic!("not a start");
        };
        record.header.pid = pid;
        record.header.boot_ns = u64::from(pid);
        detail(&mut events, &mut node, &Raw::Exec(record));
    }
    assert_eq!(events.starts.len(), STARTS_MAX);
    assert!(!events.starts.contains_key(&0));
}

proptest! {
    #[test]
    fn no_record_panics(
        kind in 1u32..9,
        seed in proptest::collection::vec(any::<u8>(), 1336),
        fill in prop_oneof![Just(None), Just(Some(0u8)), Just(Some(0xff))],
    ) {
        let mut events = Events::default();
        let mut node = one_device(17, 1 << 20);
        for length in [80usize, 112, 144, 168, 1336] {
            let mut bytes = seed[..length].to_vec();
            if let Some(fill) = fill {
                bytes.fill(fill);
            }
            bytes[16..20].copy_from_slice(&kind.to_ne_bytes());
            if let Ok(record) = super::super::decode::decode(&bytes) {
                events.event(&record, &mut node);
            }
        }
    }
}
