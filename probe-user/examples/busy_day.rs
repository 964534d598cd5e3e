//! Writes the recording of a busy node that never was, for measuring how
//! recordings are read: `busy_day OUT HOURS EVENTS [killed]`.
//!
//! Each second 40 of its 240 series count something, 16 buckets a histogram;
//! tools run and containers are mounted; a disk grows once an hour and its file
//! system a second later.

use anyhow::{Context, Result};
use probe_common::bucket::{PAGE_BUCKETS, TIME_BUCKETS};
use std::path::Path;
use volprobe::probe::schema::{COPY, READAHEAD};
use volprobe::sample::event::Detail;
use volprobe::sample::inventory::{Cgroup, Device, Mount};
use volprobe::sample::probe_status::State;
use volprobe::sample::series::{KeyValue, key_value::Value};
use volprobe::sample::series_delta::HistogramDelta;
use volprobe::sample::{
    ClockAnchor, Dev, DeviceCapacity, End, Event, ExecExit, ExecStart, FsResize, Inventory,
    MountChange, ProbeStatus, ProcessDelta, Record, Series, SeriesDelta, Session, Window,
};
use volprobe::session::{Writer, WriterOptions};

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_000 * SECOND;
/// 2026-03-11 07:14:00 UTC.
const EPOCH: i64 = 1_773_213_240_000_000_000;
const GIB: u64 = 1 << 30;

const DISKS: u32 = 8;
const PODS: u64 = 30;
const SERIES: u32 = DISKS * PODS as u32;
const ACTIVE: u64 = 40;
const BUCKETS: u64 = 16;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [out, hours, events, rest @ ..] = args.as_slice() else {
        anyhow::bail!("busy_day OUT HOURS EVENTS [killed]");
    };
    let windows = hours.parse::<u64>()? * 3600;
    let events = events.parse::<u64>()?;
    let options = WriterOptions {
        force: true,
        ..WriterOptions::default()
    };
    let mut writer = Writer::create(Path::new(out), &options)?;
    let mut node = Node::default();
    for number in 0..windows {
        let last = number + 1 == windows;
        let due = events * (number + 1) / windows;
        writer.write(&node.window(number, due, last && rest.is_empty()))?;
    }
    if rest.is_empty() {
        writer.end()?;
    }
    println!(
        "{{\"bytes\":{},\"events\":{},\"counts\":{}}}",
        std::fs::metadata(out).context("the file")?.len(),
        node.events,
        node.counts
    );
    Ok(())
}

/// What is random, but the same each time.
#[derive(Default)]
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[derive(Default)]
struct Node {
    chance: Chance,
    events: u64,
    counts: u64,
    size_gib: u64,
}

impl Node {
    fn window(&mut self, number: u64, events_due: u64, end: bool) -> Window {
        let from_boot_ns = START + number * SECOND;
        let to_boot_ns = from_boot_ns + SECOND;
        let mut records = Vec::new();
        if number == 0 {
            self.size_gib = 20;
            records.extend(describe());
        }
        if number % 3600 == 1800 {
            records.extend(self.grow(from_boot_ns));
        }
        while self.events < events_due {
            records.extend(self.bustle(from_boot_ns));
        }
        for _ in 0..ACTIVE {
            records.push(self.delta());
        }
        records.push(Record::Process(ProcessDelta {
            pid: 1000 + self.chance.below(500) as u32,
            comm: "etcd".to_owned(),
            cgroup: 1 + self.chance.below(PODS),
            dev_in: disk(0).0,
            dev_out: disk(1).0,
            calls: 10,
            bytes: 40_960,
            time_ns: 100_000,
        }));
        records.push(Record::Anchor(ClockAnchor {
            boot_ns: to_boot_ns,
            real_ns: EPOCH + to_boot_ns as i64 + self.chance.below(1000) as i64,
            synchronised: true,
            max_error_ns: 2_000_000,
            read_ns: 200,
        }));
        if end {
            records.push(Record::End(End {
                boot_ns: to_boot_ns,
                why: "duration".to_owned(),
                events: self.events,
                windows: number + 1,
            }));
        }
        Window {
            seq: number,
            from_boot_ns,
            to_boot_ns,
            samples: records.into_iter().map(Into::into).collect(),
        }
    }

    fn event(&mut self, boot_ns: u64, pid: u32, comm: &str, detail: Detail) -> Record {
        self.events += 1;
        Record::from(Event {
            id: self.events,
            boot_ns,
            pid,
            tid: pid,
            comm: comm.to_owned(),
            cgroup: 1 + self.chance.below(PODS),
            detail: Some(detail),
            ..Event::default()
        })
    }

    /// A disk and its file system grow.
    fn grow(&mut self, at: u64) -> Vec<Record> {
        let (from, to) = (self.size_gib * GIB, (self.size_gib + 1) * GIB);
        self.size_gib += 1;
        let dev = disk(0).0;
        let capacity = Detail::DeviceCapacity(DeviceCapacity {
            dev,
            name: "vda".to_owned(),
            from_bytes: Some(from),
            to_bytes: Some(to),
            source: "bdev_set_nr_sectors".to_owned(),
        });
        let resize = Detail::FsResize(FsResize {
            fs: "ext4".to_owned(),
            dev,
            command: "RESIZE_FS".to_owned(),
            from_bytes: Some(from),
            to_bytes: Some(to),
            requested_bytes: Some(to),
            duration_ns: 40_000_000,
            reached_fs: true,
            ..FsResize::default()
        });
        vec![
            self.event(at, 0, "", capacity),
            self.event(at + SECOND / 2, 99, "resize2fs", resize),
            Record::Inventory(Inventory {
                boot_ns: at + SECOND - 1,
                devices: vec![device(0, to)],
                mounts: vec![mount(0, to)],
                ..Inventory::default()
            }),
        ]
    }

    /// A container comes: a tool is run, something mounted.
    fn bustle(&mut self, at: u64) -> Vec<Record> {
        let at = at + self.chance.below(SECOND);
        let pid = 2000 + self.chance.below(30_000) as u32;
        let path = format!(
            "/run/containerd/io.containerd/{:016x}/rootfs",
            self.chance.0
        );
        let argv = vec![
            "mount".to_owned(),
            "-t".to_owned(),
            "overlay".to_owned(),
            path.clone(),
        ];
        let start = Detail::ExecStart(ExecStart {
            argv: argv.clone(),
            filename: "/usr/bin/mount".to_owned(),
            ..ExecStart::default()
        });
        let mounted = Detail::Mount(MountChange {
            op: "add".to_owned(),
            dev: Dev::new(0, 60).0,
            mount_point: path,
            fs: "overlay".to_owned(),
            ..MountChange::default()
        });
        let exit = Detail::ExecExit(ExecExit {
            argv,
            exit_code: Some(0),
            duration_ns: 2_000_000,
            start_boot_ns: at,
            ..ExecExit::default()
        });
        vec![
            self.event(at, pid, "mount", start),
            self.event(at + 1_000_000, pid, "mount", mounted),
            self.event(at + 2_000_000, pid, "mount", exit),
        ]
    }

    fn delta(&mut self) -> Record {
        let series = self.chance.below(u64::from(SERIES)) as u32;
        let calls = 100 + self.chance.below(1000);
        let copies = series < SERIES / 2;
        let (sums, sizes) = if copies {
            (COPY.sums.len(), &[TIME_BUCKETS][..])
        } else {
            (READAHEAD.sums.len(), &[TIME_BUCKETS, PAGE_BUCKETS][..])
        };
        let histograms = sizes.iter().map(|&size| self.histogram(size)).collect();
        Record::Delta(SeriesDelta {
            series,
            sums: (0..sums as u64).map(|n| calls * (n + 1)).collect(),
            histograms,
            ..SeriesDelta::default()
        })
    }

    fn histogram(&mut self, size: usize) -> HistogramDelta {
        let spread = BUCKETS * 3;
        let from = self.chance.below(size as u64 - spread);
        self.counts += BUCKETS;
        HistogramDelta {
            max: 1 << 30,
            buckets: (0..BUCKETS).map(|n| (from + 3 * n) as u32).collect(),
            counts: (0..BUCKETS).map(|_| 1 + self.chance.below(50)).collect(),
        }
    }
}

const fn disk(number: u32) -> Dev {
    Dev::new(254, number * 16)
}

fn device(number: u32, size: u64) -> Device {
    Device {
        dev: disk(number).0,
        name: format!("vd{}", char::from(b'a' + number as u8)),
        serial: Some(format!("d-example{number}")),
        size_bytes: Some(size),
        read_ahead_kb: Some(128),
        ..Device::default()
    }
}

fn mount(number: u32, size: u64) -> Mount {
    Mount {
        dev: disk(number).0,
        mount_point: format!("/data{number}"),
        root: "/".to_owned(),
        fs: "ext4".to_owned(),
        source: format!("/dev/vd{}", char::from(b'a' + number as u8)),
        fs_size_bytes: Some(size),
        ..Mount::default()
    }
}

fn describe() -> Vec<Record> {
    let mut records = vec![
        Record::from(Session {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: "busy".to_owned(),
            kernel: "6.12.117".to_owned(),
            start_boot_ns: START,
            flush_ns: SECOND,
            ..Session::default()
        }),
        Record::Schema((&COPY).into()),
        Record::Schema((&READAHEAD).into()),
        Record::Inventory(Inventory {
            boot_ns: START,
            whole: true,
            devices: (0..DISKS).map(|n| device(n, 20 * GIB)).collect(),
            mounts: (0..DISKS).map(|n| mount(n, 20 * GIB)).collect(),
            cgroups: (1..=PODS)
                .map(|id| Cgroup {
                    id,
                    path: format!("/kubepods/pod{id}"),
                    pod: Some(format!("shop/web-{id}")),
                    ..Cgroup::default()
                })
                .collect(),
            ..Inventory::default()
        }),
    ];
    for name in ["capacity", "copy", "exec", "readahead", "resize"] {
        records.push(Record::Probe(ProbeStatus {
            name: name.to_owned(),
            state: State::Attached.into(),
            self_test: "passed".to_owned(),
            boot_ns: START,
            ..ProbeStatus::default()
        }));
    }
    for id in 0..SERIES {
        let number = |n: u64| KeyValue {
            value: Some(Value::Number(n)),
        };
        let text = |text: &str| KeyValue {
            value: Some(Value::Text(text.to_owned())),
        };
        let dev = number(u64::from(disk(id % DISKS).0));
        let pod = number(1 + u64::from(id) % PODS);
        let copies = id < SERIES / 2;
        records.push(Record::Series(Series {
            id,
            probe: if copies { "copy" } else { "readahead" }.to_owned(),
            keys: if copies {
                vec![dev.clone(), dev, text("splice"), text("syscall"), pod]
            } else {
                vec![dev, text("async"), pod]
            },
        }));
    }
    records
}
