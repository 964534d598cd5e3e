//! Streams for tests: like those of a recorder, and arbitrary ones.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::sample::{
    ClockAnchor, DeviceCapacity, End, Event, ExecStart, Gap, Inventory, Loss, Missed, ProbeStatus,
    ProcessDelta, Record, Sample, Series, SeriesDelta, Session, Window,
    event::Detail,
    inventory::{Cgroup, Device, Mount, Volume},
    series_delta::HistogramDelta,
};

pub(super) const SECOND: u64 = 1_000_000_000;
const START: u64 = 100 * SECOND;

pub(super) fn window(number: u64, records: Vec<Record>) -> Window {
    Window {
        seq: number,
        from_boot_ns: START + number * SECOND,
        to_boot_ns: START + (number + 1) * SECOND,
        samples: records.into_iter().map(Sample::from).collect(),
    }
}

fn session() -> Record {
    Record::from(Session {
        version: "0.1.0".into(),
        host: "node7".into(),
        kernel: "6.12.0".into(),
        start_boot_ns: START,
        flush_ns: SECOND,
        ..Session::default()
    })
}

pub(super) fn anchor(number: u64) -> Record {
    Record::Anchor(ClockAnchor {
        boot_ns: START + (number + 1) * SECOND,
        real_ns: 1_700_000_000_000_000_000 + (number * SECOND) as i64,
        synchronised: true,
        max_error_ns: 1000 + number,
        read_ns: 100,
    })
}

fn device(dev: u32, size_bytes: u64) -> Device {
    Device {
        dev,
        name: format!("vd{dev}"),
        size_bytes: Some(size_bytes),
        ..Device::default()
    }
}

pub(super) fn delta(series: u32, calls: u64) -> Record {
    Record::Delta(SeriesDelta {
        series,
        sums: vec![calls, 0, calls * 1000],
        histograms: vec![HistogramDelta {
            max: 10 * calls,
            buckets: vec![3, 40 + series],
            counts: vec![1, calls],
        }],
        errors: BTreeMap::from([("EXDEV".to_owned(), calls / 3)]),
    })
}

fn event(id: u64, detail: Detail) -> Record {
    Record::from(Event {
        id,
        boot_ns: START + id,
        pid: 42,
        comm: "resize2fs".into(),
        detail: Some(detail),
        ..Event::default()
    })
}

/// A disk grew.
pub(super) fn grown(id: u64) -> Record {
    event(id, Detail::DeviceCapacity(DeviceCapacity::default()))
}

/// `windows` windows of a recorder: the first describes, the last ends, and
/// what happens in between is different in each.
pub(super) fn recorder(windows: u64) -> Vec<Window> {
    (0..windows).map(|n| recorder_window(n, windows)).collect()
}

fn recorder_window(n: u64, windows: u64) -> Window {
    let mut records = Vec::new();
    if n == 0 {
        records.push(session());
        records.push(Record::Probe(ProbeStatus {
            name: "copy".into(),
            ..ProbeStatus::default()
        }));
        records.push(Record::Inventory(Inventory {
            whole: true,
            devices: vec![device(1, 20 << 30), device(2, 5 << 30)],
            ..Inventory::default()
        }));
        records.push(Record::Missed(Missed {
            probe: "readahead".into(),
            hook: "fexit".into(),
            count: None,
        }));
    }
    let series = (n % 5) as u32 + 1;
    if n < 5 {
        records.push(Record::Series(Series {
            id: series,
            probe: "copy".into(),
            keys: vec![],
        }));
    }
    records.push(delta(series, n + 1));
    records.push(Record::Process(ProcessDelta {
        pid: (n % 7) as u32,
        comm: format!("cp{}", n % 7),
        calls: n,
        bytes: 3 * n,
        time_ns: 5 * n,
        ..ProcessDelta::default()
    }));
    match n % 6 {
        1 => records.push(event(
            n,
            Detail::ExecStart(ExecStart {
                argv: vec!["resize2fs".into(), format!("/dev/vd{n}")],
                ..ExecStart::default()
            }),
        )),
        2 => {
            records.push(event(
                n,
                Detail::DeviceCapacity(DeviceCapacity {
                    dev: 1,
                    to_bytes: Some(n << 30),
                    ..DeviceCapacity::default()
                }),
            ));
            records.push(Record::Inventory(Inventory {
                devices: vec![device(1, n << 30)],
                ..Inventory::default()
            }));
        }
        3 => records.push(Record::Loss(Loss {
            kind: "ring/exec".into(),
            count: n,
        })),
        4 => records.push(Record::Missed(Missed {
            probe: "copy".into(),
            hook: "fexit".into(),
            count: Some(n),
        })),
        5 => records.push(Record::Gap(Gap {
            probe: "resize".into(),
            from_boot_ns: START + n,
            to_boot_ns: START + n + 1,
            why: "module unloaded".into(),
        })),
        _ => {}
    }
    records.push(anchor(n));
    if n + 1 == windows {
        records.push(Record::End(End {
            boot_ns: START + windows * SECOND,
            why: "signal".into(),
            events: windows,
            windows,
        }));
    }
    window(n, records)
}

prop_compose! {
    fn inventory()(
        whole: bool,
        devices in prop::collection::vec((0u32..4, any::<u64>()), 0..4),
        mounts in prop::collection::vec((0u32..4, "[a-c]", any::<bool>()), 0..4),
        cgroups in prop::collection::vec(0u64..4, 0..2),
    ) -> Inventory {
        let volume = |(dev, path, removed): &(u32, String, bool)| Volume {
            dev: Some(*dev).filter(|dev| *dev != 0),
            path: path.clone(),
            removed: *removed,
            ..Volume::default()
        };
        Inventory {
            whole,
            devices: devices.into_iter().map(|(dev, size)| device(dev, size)).collect(),
            volumes: mounts.iter().map(volume).collect(),
            mounts: mounts
                .into_iter()
                .map(|(dev, mount_point, removed)| Mount {
                    dev,
                    mount_point,
                    removed,
                    ..Mount::default()
                })
                .collect(),
            cgroups: cgroups.into_iter().map(|id| Cgroup { id, ..Cgroup::default() }).collect(),
            ..Inventory::default()
        }
    }
}

fn arbitrary_record() -> impl Strategy<Value = Record> {
    prop_oneof![
        6 => (0u32..4, prop::collection::vec(0u64..1000, 0..4),
              prop::collection::btree_map(0u32..20, 0u64..9, 0..5), 0u64..99)
            .prop_map(|(series, sums, buckets, max)| {
                let (buckets, counts) = buckets.into_iter().unzip();
                Record::Delta(SeriesDelta {
                    series,
                    sums,
                    histograms: vec![HistogramDelta { max, buckets, counts }],
                    errors: BTreeMap::from([("EIO".to_owned(), max)]),
                })
            }),
        2 => (0u32..9, 0u64..50).prop_map(|(pid, calls)| Record::Process(ProcessDelta {
            pid,
            calls,
            ..ProcessDelta::default()
        })),
        1 => (0u32..4).prop_map(|id| Record::Series(Series { id, ..Series::default() })),
        1 => any::<u64>().prop_map(|id| event(id, Detail::ExecStart(ExecStart::default()))),
        1 => (0u64..5).prop_map(|count| Record::Loss(Loss { kind: "watched".into(), count })),
        1 => prop::option::of(0u64..5).prop_map(|count| Record::Missed(Missed {
            probe: "copy".into(),
            hook: "fexit".into(),
            count,
        })),
        1 => (0u64..9, 0u64..9, "[ab]").prop_map(|(from_boot_ns, to_boot_ns, probe)| {
            Record::Gap(Gap { probe, from_boot_ns, to_boot_ns, why: "test".into() })
        }),
        1 => inventory().prop_map(Record::Inventory),
        1 => (any::<u32>(), any::<i32>(), any::<bool>()).prop_map(|(boot, real, synchronised)| {
            Record::Anchor(ClockAnchor {
                boot_ns: u64::from(boot),
                real_ns: i64::from(real),
                synchronised,
                ..ClockAnchor::default()
            })
        }),
        1 => ("[a-c]", 0i32..6).prop_map(|(name, state)| Record::Probe(ProbeStatus {
            name,
            state,
            ..ProbeStatus::default()
        })),
    ]
}

prop_compose! {
    /// Windows of any records; only the session must be there.
    pub(super) fn arbitrary()(
        windows in prop::collection::vec(prop::collection::vec(arbitrary_record(), 0..6), 1..30)
    ) -> Vec<Window> {
        windows
            .into_iter()
            .enumerate()
            .map(|(n, mut records)| {
                if n == 0 {
                    records.push(session());
                }
                window(n as u64, records)
            })
            .collect()
    }
}
