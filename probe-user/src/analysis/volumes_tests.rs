use super::*;
use crate::sample::{Inventory, Record, Session, Window};

const GIB: u64 = 1 << 30;

fn only(name: &str) -> Volumes {
    let mut all = volumes(&node());
    all.keep_only(name);
    all
}

const VDB: Dev = Dev::new(254, 16);

fn disk(minor: u32, name: &str, size: u64) -> Device {
    Device {
        dev: Dev::new(254, minor).0,
        name: name.to_owned(),
        size_bytes: Some(size),
        read_ahead_kb: Some(128),
        ..Device::default()
    }
}

fn mount(dev: Dev, point: &str, fs: &str, size: Option<u64>) -> Mount {
    Mount {
        dev: dev.0,
        mount_point: point.to_owned(),
        root: "/".to_owned(),
        fs: fs.to_owned(),
        fs_size_bytes: size,
        ..Mount::default()
    }
}

fn recording(inventory: Inventory) -> Recording {
    let session = Session {
        host: "node7".to_owned(),
        kernel: "6.12.117".to_owned(),
        ..Session::default()
    };
    let records = [Record::from(session), Record::Inventory(inventory)];
    let mut recording = Recording::default();
    recording.apply(&Window {
        seq: 1,
        samples: records.into_iter().map(Into::into).collect(),
        ..Window::default()
    });
    recording
}

/// A disk of a pod that did not grow, a partition, a network mount, and others.
pub(crate) fn node() -> Recording {
    let part = Device {
        parent_dev: Some(Dev::new(254, 32).0),
        partition: Some(1),
        start_bytes: Some(1 << 20),
        ..disk(33, "vdc1", 10 * GIB - (1 << 20))
    };
    let vdb = Device {
        serial: Some("bp1example0volprobe1".to_owned()),
        ..disk(16, "vdb", 40 * GIB)
    };
    let nas = Mount {
        source: "nas:/data".to_owned(),
        read_ahead_kb: Some(15360),
        ..mount(Dev::new(0, 52), "/mnt/nas", "nfs4", None)
    };
    let broken = Mount {
        fs_size_error: "the device did not answer within 2 s".to_owned(),
        ..mount(Dev::new(254, 33), "/logs", "xfs", None)
    };
    let published = "/var/lib/kubelet/pods/uid-1/volumes/kubernetes.io~csi/pv-1/mount";
    recording(Inventory {
        whole: true,
        boot_ns: 1,
        devices: vec![
            vdb,
            disk(32, "vdc", 10 * GIB),
            part,
            disk(48, "vdd", 5 * GIB),
            disk(64, "vde", 5 * GIB),
            disk(80, "loop0", GIB),
        ],
        mounts: vec![
            mount(VDB, published, "ext4", Some(20 * GIB)),
            mount(VDB, "/staging", "ext4", Some(20 * GIB)),
            broken,
            nas,
            mount(Dev::new(0, 22), "/sys", "sysfs", None),
            mount(Dev::new(0, 60), "/tmp", "tmpfs", None),
        ],
        volumes: vec![
            Volume {
                path: published.to_owned(),
                handle: "d-bp1example0volprobe1".to_owned(),
                pv: Some("pv-1".to_owned()),
                pod: Some("db/mysql-0".to_owned()),
                dev: Some(VDB.0),
                ..Volume::default()
            },
            Volume {
                path: "/raw".to_owned(),
                handle: "d-raw".to_owned(),
                pv: Some("pv-2".to_owned()),
                pod_uid: Some("uid-2".to_owned()),
                block: true,
                dev: Some(Dev::new(254, 48).0),
                ..Volume::default()
            },
        ],
        ..Inventory::default()
    })
}

#[test]
fn every_volume_is_a_row_with_its_layers() {
    let found = volumes(&node());
    let names: Vec<_> = found
        .volumes
        .iter()
        .map(|row| row.device.as_str())
        .collect();
    assert_eq!(names, ["nfs4:/mnt/nas", "vdb", "vdc1", "vdd", "vde"]);
    let [nas, vdb, vdc1, vdd, vde] = found.volumes.as_slice() else {
        unreachable!()
    };

    assert_eq!(
        (nas.source.as_deref(), nas.read_ahead_kb),
        (Some("nas:/data"), Some(15360))
    );
    assert_eq!(nas.sizes, Sizes::default());

    assert_eq!(vdb.disk_id.as_deref(), Some("d-bp1example0volprobe1"));
    assert_eq!(
        (vdb.pv.as_deref(), vdb.pods.as_slice()),
        (Some("pv-1"), ["db/mysql-0".to_owned()].as_slice())
    );
    assert_eq!(
        vdb.sizes,
        Sizes {
            device: Some(40 * GIB),
            fs: Some(20 * GIB),
            ..Sizes::default()
        }
    );
    assert_eq!(
        (vdb.mounts.len(), vdb.findings.as_slice()),
        (2, ["resize/fs-not-grown"].as_slice())
    );

    let sizes = Sizes {
        device: Some(10 * GIB),
        partition: Some(10 * GIB - (1 << 20)),
        ..Sizes::default()
    };
    assert_eq!(vdc1.sizes, sizes);
    assert!(vdc1.fs_size_error.is_some());

    assert_eq!(
        (vdd.pods.as_slice(), &vdd.fs),
        (["uid-2".to_owned()].as_slice(), &None),
        "block mode"
    );
    assert_eq!(
        (vde.pods.len(), vde.mounts.len()),
        (0, 0),
        "a disk that nothing uses"
    );
}

#[test]
fn a_volume_is_found_by_any_of_its_names() {
    for name in [
        "vdb",
        "/dev/vdb",
        "254:16",
        "pv-1",
        "d-bp1example0volprobe1",
        "/staging",
    ] {
        let found = only(name);
        assert_eq!(found.volumes.len(), 1, "{name}");
        assert_eq!(found.volumes[0].device, "vdb", "{name}");
        assert_eq!(found.findings.len(), 1);
    }
    let others = only("vde");
    assert_eq!((others.volumes.len(), others.findings.len()), (1, 0));
    assert!(!others.has_findings_above_info());
    assert!(volumes(&node()).has_findings_above_info());
}

#[test]
fn what_is_unknown_is_null_and_never_left_out() {
    let json = serde_json::to_value(only("vde")).unwrap();
    assert_eq!(json["schema"], "volprobe.volumes/1");
    let sizes = json["volumes"][0]["sizes"].as_object().unwrap();
    let names: Vec<_> = sizes.keys().map(String::as_str).collect();
    let mut expected = [
        "api",
        "device",
        "fs",
        "mapping",
        "partition",
        "pvc_status",
        "request",
    ];
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert!(sizes["fs"].is_null() && json["volumes"][0]["pvc"].is_null());
}

#[test]
fn the_kernels_log_is_shown_of_the_volumes_that_are() {
    let line = |message: &str| KernelLine {
        t_ns: 1_773_213_301_141_208_000,
        message: message.to_owned(),
    };
    let lines = [
        line("vdb: detected capacity change from 41943040 to 83886080"),
        line("EXT4-fs (vdb): resizing filesystem from 1 to 2 blocks"),
        line("vdz: detected capacity change from 1 to 2"),
    ];
    let mut all = volumes(&node());
    assert_eq!(all.kernel_log, None);
    all.add_kernel_log(&lines);
    let devices = |volumes: &Volumes| -> Vec<String> {
        let rows = volumes.kernel_log.iter().flatten();
        rows.filter_map(|row| row.device.clone()).collect()
    };
    assert_eq!(devices(&all), ["vdb", "vdb"]);
    let mut other = only("vde");
    other.add_kernel_log(&lines);
    assert!(devices(&other).is_empty());
}

#[test]
fn what_others_tell_fills_the_upper_layers() {
    let events = [
        r#"{"eventName":"ResizeDisk","acsRegion":"r","eventTime":"2026-03-11T07:14:56Z","requestId":"1",
            "requestParameters":{"DiskId":"d-bp1example0volprobe1","NewSize":40,"Type":"online"}}"#,
        r#"{"kind":"PersistentVolumeClaim","apiVersion":"v1","metadata":{"namespace":"db","name":"data"},
            "spec":{"volumeName":"pv-1","resources":{"requests":{"storage":"40Gi"}}},
            "status":{"capacity":{"storage":"40Gi"}}}"#,
    ];
    let folder = tempfile::tempdir().unwrap();
    for (index, event) in events.iter().enumerate() {
        std::fs::write(folder.path().join(index.to_string()), event).unwrap();
    }
    let mut intake = crate::cloud::Intake::default();
    let paths = [folder.path().to_owned()];
    let options = crate::cloud::Options::default();
    let inputs = crate::cloud::read(&paths, &options, &mut intake).unwrap();
    let node = node();
    let mut all = volumes(&node);
    let recordings = std::slice::from_ref(&node);
    all.add_outside(crate::analysis::correlate(recordings, &intake, inputs, &[]));
    let row = all.volumes.iter().find(|row| row.device == "vdb").unwrap();
    assert_eq!(row.pvc.as_deref(), Some("db/data"));
    assert_eq!(row.sizes.request, Some(40 * GIB));
    assert_eq!(row.sizes.api, Some(40 * GIB));
    assert_eq!(row.sizes.pvc_status, Some(40 * GIB));
    assert_eq!(row.findings, ["resize/fs-not-grown"]);
    assert_eq!(all.inputs.len(), 2);
}
