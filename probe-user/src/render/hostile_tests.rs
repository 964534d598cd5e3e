//! Whatever a stream holds, it is reported without a panic, and the terminal
//! stays unharmed.

use super::{
    Style, correlate_json, correlate_text, diff_json, diff_text, report_json, report_text,
    tick_json, tick_lines, volumes_json, volumes_text,
};
use crate::analysis::{Options, Side, correlate, diff, report, tick, volumes};
use crate::cloud::Intake;
use crate::model::testing::{VDB, VDC, VDC1, number, text};
use crate::model::{Paces, Recording};
use crate::probe::schema;
use crate::sample::event::Detail;
use crate::sample::exec_exit::AskedDevice;
use crate::sample::inventory::{Device, Mount};
use crate::sample::series_delta::HistogramDelta;
use crate::sample::{
    ClockAnchor, Dev, DeviceCapacity, Event, ExecExit, FsResize, FsResizeBegin, Gap, Inventory,
    Loss, Missed, ModuleChange, MountChange, PartitionChange, ProbeStatus, ProcessDelta,
    ReadAheadChange, Record, Sample, Series, SeriesDelta, Session, Window,
};
use proptest::prelude::*;
use proptest::sample::select;

fn big() -> impl Strategy<Value = u64> {
    select(vec![
        0,
        1,
        4096,
        1 << 30,
        1 << 43,
        u64::MAX / 2,
        u64::MAX - 1,
        u64::MAX,
    ])
}

fn maybe() -> impl Strategy<Value = Option<u64>> {
    prop::option::of(big())
}

fn dev() -> impl Strategy<Value = u32> {
    select(vec![
        0,
        VDB.0,
        VDC.0,
        VDC1.0,
        Dev::new(0, 45).0,
        Dev::new(253, 0).0,
        u32::MAX,
    ])
}

fn word() -> impl Strategy<Value = String> {
    let words = [
        "",
        "resize2fs",
        "xfs_growfs",
        "-P",
        "/dev/vdb",
        "/",
        "ext4",
        "xfs",
        "resize",
        "copy",
        "EIO",
        "LOST_RETURN",
        "add",
        "remove",
        "poll",
        "ring/resize",
        "a\x1b[2Jb\u{202e}\u{9b}",
        "CRYPT-LUKS2-1",
    ];
    select(words.map(str::to_owned).to_vec())
}

fn detail() -> impl Strategy<Value = Detail> {
    let resize = (word(), dev(), maybe(), maybe(), maybe(), word(), big()).prop_map(
        |(fs, dev, from_bytes, to_bytes, requested_bytes, error, duration_ns)| {
            Detail::FsResize(FsResize {
                fs,
                dev,
                from_bytes,
                to_bytes,
                requested_bytes,
                error,
                duration_ns,
                ..FsResize::default()
            })
        },
    );
    let begin = (word(), dev()).prop_map(|(fs, dev)| {
        Detail::FsResizeBegin(FsResizeBegin {
            fs,
            dev,
            command: String::new(),
        })
    });
    let capacity = (dev(), word(), maybe(), maybe(), word()).prop_map(
        |(dev, name, from_bytes, to_bytes, source)| {
            Detail::DeviceCapacity(DeviceCapacity {
                dev,
                name,
                from_bytes,
                to_bytes,
                source,
            })
        },
    );
    let partition = (word(), dev(), 0u32..3, maybe(), maybe(), word()).prop_map(
        |(op, disk_dev, number, from_bytes, to_bytes, error)| {
            Detail::PartitionChange(PartitionChange {
                op,
                disk_dev,
                number,
                from_bytes,
                to_bytes,
                error,
                ..PartitionChange::default()
            })
        },
    );
    let asked = (dev(), maybe(), word()).prop_map(|(dev, size_bytes, resolved)| AskedDevice {
        dev,
        size_bytes,
        resolved,
        ..AskedDevice::default()
    });
    let exit = (
        prop::collection::vec(word(), 0..3),
        prop::option::of(any::<i32>()),
        prop::option::of(any::<i32>()),
        big(),
        0u32..2,
        prop::collection::vec(asked, 0..3),
        big(),
    )
        .prop_map(
            |(argv, exit_code, signal, duration_ns, resize_calls, devices, start_boot_ns)| {
                Detail::ExecExit(ExecExit {
                    argv,
                    exit_code,
                    signal,
                    duration_ns,
                    resize_calls,
                    devices,
                    start_boot_ns,
                })
            },
        );
    let read_ahead = (dev(), maybe(), maybe(), word()).prop_map(|(dev, from_kb, to_kb, error)| {
        Detail::ReadAhead(ReadAheadChange {
            dev,
            from_kb,
            to_kb,
            error,
            ..ReadAheadChange::default()
        })
    });
    let mount = (word(), dev(), word()).prop_map(|(op, dev, mount_point)| {
        Detail::Mount(MountChange {
            op,
            dev,
            mount_point,
            ..MountChange::default()
        })
    });
    let module = (word(), any::<bool>())
        .prop_map(|(name, loaded)| Detail::Module(ModuleChange { name, loaded }));
    prop_oneof![
        resize, begin, capacity, partition, exit, read_ahead, mount, module
    ]
}

fn inventory() -> impl Strategy<Value = Inventory> {
    let device = (
        dev(),
        word(),
        maybe(),
        maybe(),
        prop::option::of(dev()),
        prop::collection::vec(dev(), 0..2),
    )
        .prop_map(
            |(dev, name, size_bytes, start_bytes, parent_dev, slaves)| Device {
                dev,
                dm_name: Some(name.clone()),
                dm_uuid: Some(name.clone()),
                name,
                size_bytes,
                start_bytes,
                parent_dev,
                partition: parent_dev.map(|_| 1),
                slaves,
                ..Device::default()
            },
        );
    let mount =
        (dev(), word(), word(), maybe()).prop_map(|(dev, mount_point, source, fs_size_bytes)| {
            Mount {
                dev,
                mount_point,
                source,
                fs_size_bytes,
                ..Mount::default()
            }
        });
    let devices = prop::collection::vec(device, 0..5);
    let mounts = prop::collection::vec(mount, 0..5);
    (big(), any::<bool>(), devices, mounts).prop_map(|(boot_ns, whole, devices, mounts)| {
        Inventory {
            boot_ns,
            whole,
            devices,
            mounts,
            ..Inventory::default()
        }
    })
}

/// What says how far the rest can be trusted.
fn coverage() -> impl Strategy<Value = Record> {
    let status =
        (word(), any::<i32>(), word(), big()).prop_map(|(name, state, self_test, boot_ns)| {
            Record::Probe(ProbeStatus {
                name,
                state,
                self_test,
                boot_ns,
                ..ProbeStatus::default()
            })
        });
    let loss = (word(), big()).prop_map(|(kind, count)| Record::Loss(Loss { kind, count }));
    let missed = (word(), maybe()).prop_map(|(probe, count)| {
        Record::Missed(Missed {
            probe,
            hook: String::new(),
            count,
        })
    });
    let gap = (word(), big(), big()).prop_map(|(probe, from_boot_ns, to_boot_ns)| {
        Record::Gap(Gap {
            probe,
            from_boot_ns,
            to_boot_ns,
            why: String::new(),
        })
    });
    let session = (word(), big()).prop_map(|(host, start_boot_ns)| {
        Record::from(Session {
            host,
            start_boot_ns,
            ..Session::default()
        })
    });
    prop_oneof![status, loss, missed, gap, session]
}

fn record() -> impl Strategy<Value = Record> {
    let event = (0u64..50, big(), 0u32..3, word(), detail()).prop_map(
        |(id, boot_ns, pid, comm, detail)| {
            Record::from(Event {
                id,
                boot_ns,
                pid,
                tid: pid,
                comm,
                cgroup: 0,
                self_test: false,
                detail: Some(detail),
            })
        },
    );
    let anchor = (big(), any::<i64>(), any::<bool>(), big(), big()).prop_map(
        |(boot_ns, real_ns, synchronised, max_error_ns, read_ns)| {
            Record::Anchor(ClockAnchor {
                boot_ns,
                real_ns,
                synchronised,
                max_error_ns,
                read_ns,
            })
        },
    );
    let series = (0u32..3, word(), dev()).prop_map(|(id, probe, dev)| {
        Record::Series(Series {
            id,
            probe,
            keys: vec![number(dev.into()), number(u64::MAX), text("x")],
        })
    });
    let histogram = (
        big(),
        prop::collection::vec(any::<u32>(), 0..4),
        prop::collection::vec(big(), 0..4),
    )
        .prop_map(|(max, buckets, counts)| HistogramDelta {
            max,
            buckets,
            counts,
        });
    let delta = (
        0u32..3,
        prop::collection::vec(big(), 0..20),
        prop::collection::vec(histogram, 0..4),
    )
        .prop_map(|(series, sums, histograms)| {
            Record::Delta(SeriesDelta {
                series,
                sums,
                histograms,
                errors: [("EIO\x1b".to_owned(), u64::MAX)].into(),
            })
        });
    let process = (0u32..3, word(), big()).prop_map(|(pid, comm, n)| {
        Record::Process(ProcessDelta {
            pid,
            comm,
            calls: n,
            bytes: n,
            time_ns: n,
            ..ProcessDelta::default()
        })
    });
    prop_oneof![
        4 => event,
        2 => inventory().prop_map(Record::Inventory),
        1 => anchor,
        1 => series,
        2 => delta,
        1 => process,
        5 => coverage(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn any_stream_is_reported(windows in prop::collection::vec((big(), big(), prop::collection::vec(record(), 0..12)), 1..5)) {
        let (mut recording, mut paces) = (Recording::default(), Paces::default());
        let schemas = [&schema::COPY, &schema::READAHEAD].map(|s| Record::Schema(s.into()));
        let mut first = Some(schemas);
        for (seq, (from_boot_ns, to_boot_ns, records)) in windows.into_iter().enumerate() {
            let schemas = first.take().into_iter().flatten();
            let window = Window {
                seq: seq as u64,
                from_boot_ns,
                to_boot_ns,
                samples: schemas.chain(records).map(Sample::from).collect(),
            };
            recording.apply(&window);
            paces.apply(&window);
            let tick = tick(&recording, &window, report(&recording).findings);
            let lines = tick_lines(&tick, Style::plain());
            prop_assert!(!lines.contains('\x1b'));
            tick_json(&tick, &mut Vec::new()).unwrap();
        }
        let mut text = Vec::new();
        let mut json = [(); 4].map(|()| Vec::new());
        let report = report(&recording);
        report_text(&report, Style::plain(), &mut text).unwrap();
        report_json(&report, &mut json[0]).unwrap();
        let volumes = volumes(&recording);
        volumes_text(&volumes, Style::plain(), &mut text).unwrap();
        volumes_json(&volumes, &mut json[1]).unwrap();
        let side = Side { file: "\x1b[2J.vprec", recording: &recording, paces: &paces };
        let diff = diff(&side, &side, &Options { threshold: 1.1, volume: None }).unwrap();
        diff_text(&diff, Style::plain(), &mut text).unwrap();
        diff_json(&diff, &mut json[2]).unwrap();
        let correlated = correlate(&[recording], &Intake::default(), Vec::new(), &[]);
        correlate_text(&correlated, Style::plain(), &mut text).unwrap();
        correlate_json(&correlated, &mut json[3]).unwrap();
        let text = String::from_utf8(text).unwrap();
        prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{}", text);
        for json in json {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
            prop_assert!(!json.contains(&0x1b));
        }
    }
}
