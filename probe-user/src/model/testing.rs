//! Made-up recordings for tests: a node with a clock, and what happens on it.

use super::Recording;
use crate::probe::schema;
use crate::sample::event::Detail;
use crate::sample::exec_exit::AskedDevice;
use crate::sample::inventory::{Cgroup, Device, Mount};
use crate::sample::probe_status::{Hook, State};
use crate::sample::series::{KeyValue, key_value::Value};
use crate::sample::series_delta::HistogramDelta;
use crate::sample::{
    ClockAnchor, Dev, DeviceCapacity, End, Event, ExecExit, FsResize, Gap, Inventory, Loss, Missed,
    PartitionChange, ProbeStatus, Record, Sample, Series, SeriesDelta, Session, Window,
};
use probe_common::bucket::{PAGE_BUCKETS, TIME_BUCKETS, index};
use std::collections::BTreeMap;

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1_000_000_000;
pub(crate) const GIB: u64 = 1 << 30;

/// Boot time 0 is 2026-03-11 07:14:00 UTC.
const EPOCH: i64 = 1_773_213_240_000_000_000;

/// The data disk of most stories: `vdb`, mounted at `/data`.
pub(crate) const VDB: Dev = Dev::new(254, 16);
/// Another disk, `vdc`, with one partition `vdc1`.
pub(crate) const VDC: Dev = Dev::new(254, 32);
pub(crate) const VDC1: Dev = Dev::new(254, 33);
/// A network mount at `/mnt/nas`.
pub(crate) const NAS: Dev = Dev::new(0, 52);
/// cgroup of pod db/mysql-0.
pub(crate) const MYSQL: u64 = 4711;

/// A recording in the making. Times are in ms since its start.
pub(crate) struct Story {
    pub(crate) windows: Vec<Window>,
    events: u64,
    seq: u64,
    series: Vec<Vec<KeyValue>>,
    now_ms: u64,
    synchronised: bool,
}

impl Story {
    /// A node whose probes all work and whose volumes are 20 GiB and full.
    pub(crate) fn new() -> Self {
        let mut story = Self::watched();
        story.inventory(
            vec![disk(VDB, "vdb", 20 * GIB)],
            vec![ext4(VDB, "/data", 20 * GIB)],
            true,
        );
        story.put(Record::Inventory(Inventory {
            cgroups: vec![Cgroup {
                id: MYSQL,
                path: "/kubepods/pod1".to_owned(),
                pod_uid: Some("uid-1".to_owned()),
                pod: Some("db/mysql-0".to_owned()),
                ..Cgroup::default()
            }],
            ..Inventory::default()
        }));
        story
    }

    /// A node whose probes all work, without volumes.
    pub(crate) fn watched() -> Self {
        let mut story = Self::bare();
        story.put(Record::Schema((&schema::COPY).into()));
        story.put(Record::Schema((&schema::READAHEAD).into()));
        for name in ["capacity", "config", "copy", "exec", "readahead", "resize"] {
            let self_test = match name {
                "capacity" => "not_possible: nothing may change a disk's size",
                _ => "passed",
            };
            story.probe(name, State::Attached, self_test);
        }
        story
    }

    /// A node without probes and volumes.
    pub(crate) fn bare() -> Self {
        let mut story = Self {
            windows: Vec::new(),
            events: 0,
            seq: 0,
            series: Vec::new(),
            now_ms: 0,
            synchronised: true,
        };
        story.put(Record::from(Session {
            version: "0.1.0".to_owned(),
            host: "node7".to_owned(),
            kernel: "6.12.117".to_owned(),
            boot_id: "b007".to_owned(),
            own_pid: 99,
            ..Session::default()
        }));
        story
    }

    /// From now on the clock says that it is not synchronised.
    pub(crate) fn unsynchronised(mut self) -> Self {
        self.synchronised = false;
        self.windows.clear();
        let mut fresh = Self::new();
        fresh.synchronised = false;
        for window in &mut fresh.windows {
            for sample in &mut window.samples {
                if let Some(Record::Anchor(anchor)) = &mut sample.record {
                    anchor.synchronised = false;
                    anchor.max_error_ns = 16 * SECOND;
                }
            }
        }
        fresh
    }

    /// Time passes.
    pub(crate) fn at(&mut self, ms: u64) -> &mut Self {
        self.now_ms = ms;
        self
    }

    /// One more record of the window that ends now.
    pub(crate) fn put(&mut self, record: Record) -> &mut Self {
        let now = self.now_ms * MS;
        if let Some(window) = self.windows.last_mut().filter(|w| w.to_boot_ns == now) {
            window.samples.push(Sample::from(record));
            return self;
        }
        self.seq += 1;
        let anchor = Record::Anchor(ClockAnchor {
            boot_ns: now,
            real_ns: EPOCH + now as i64,
            synchronised: self.synchronised,
            max_error_ns: if self.synchronised {
                2 * MS
            } else {
                16 * SECOND
            },
            read_ns: 0,
        });
        self.windows.push(Window {
            seq: self.seq,
            from_boot_ns: self.windows.last().map_or(0, |w| w.to_boot_ns),
            to_boot_ns: now,
            samples: vec![Sample::from(anchor), Sample::from(record)],
        });
        self
    }

    pub(crate) fn probe(&mut self, name: &str, state: State, self_test: &str) -> &mut Self {
        let boot_ns = self.now_ms * MS;
        self.put(Record::Probe(ProbeStatus {
            name: name.to_owned(),
            state: state.into(),
            reason: match state {
                State::Attached => String::new(),
                _ => "for a reason".to_owned(),
            },
            self_test: self_test.to_owned(),
            hooks: vec![Hook {
                name: format!("{name}_hook"),
                how: "fentry".to_owned(),
                r#for: "everything".to_owned(),
                state: state.into(),
                ..Hook::default()
            }],
            boot_ns,
        }))
    }

    /// An inventory is read now.
    pub(crate) fn inventory(
        &mut self,
        devices: Vec<Device>,
        mounts: Vec<Mount>,
        whole: bool,
    ) -> &mut Self {
        let boot_ns = self.now_ms * MS;
        self.put(Record::Inventory(Inventory {
            boot_ns,
            whole,
            devices,
            mounts,
            ..Inventory::default()
        }))
    }

    /// `vdb` and the file system on it are measured now.
    pub(crate) fn measure(&mut self, disk_gib: u64, fs_gib: u64) -> &mut Self {
        let devices = vec![disk(VDB, "vdb", disk_gib * GIB)];
        let mounts = vec![ext4(VDB, "/data", fs_gib * GIB)];
        self.inventory(devices, mounts, false)
    }

    /// Something happens now; returns the story, the event being the last.
    pub(crate) fn event(&mut self, pid: u32, comm: &str, detail: Detail) -> &mut Self {
        self.events += 1;
        let event = Event {
            id: self.events,
            boot_ns: self.now_ms * MS,
            pid,
            tid: pid,
            comm: comm.to_owned(),
            cgroup: 0,
            self_test: false,
            detail: Some(detail),
        };
        self.put(event.into())
    }

    /// A tool ran for 17 ms until now.
    pub(crate) fn tool(
        &mut self,
        argv: &[&str],
        exit_code: i32,
        resize_calls: u32,
        saw: &[(Dev, u64)],
    ) -> &mut Self {
        let exit = ExecExit {
            argv: argv.iter().map(|&arg| arg.to_owned()).collect(),
            exit_code: Some(exit_code),
            duration_ns: 17 * MS,
            resize_calls,
            devices: saw
                .iter()
                .map(|&(dev, size)| AskedDevice {
                    dev: dev.0,
                    size_bytes: Some(size),
                    resolved: "kernel".to_owned(),
                    ..AskedDevice::default()
                })
                .collect(),
            start_boot_ns: (self.now_ms * MS).saturating_sub(17 * MS),
            ..ExecExit::default()
        };
        let comm = argv
            .first()
            .map_or("", |name| name.rsplit('/').next().unwrap_or(name));
        self.event(4711, comm, Detail::ExecExit(exit))
    }

    /// The disk's capacity changes now.
    pub(crate) fn capacity(
        &mut self,
        dev: Dev,
        name: &str,
        from_gib: u64,
        to_gib: u64,
    ) -> &mut Self {
        let change = DeviceCapacity {
            dev: dev.0,
            name: name.to_owned(),
            from_bytes: Some(from_gib * GIB),
            to_bytes: Some(to_gib * GIB),
            source: "bdev_set_nr_sectors".to_owned(),
        };
        self.event(0, "", Detail::DeviceCapacity(change))
    }

    /// A resize ioctl was made now and took 5 ms.
    pub(crate) fn resize(
        &mut self,
        dev: Dev,
        from_gib: u64,
        to_gib: u64,
        error: &str,
    ) -> &mut Self {
        let resize = FsResize {
            fs: "ext4".to_owned(),
            dev: dev.0,
            command: "RESIZE_FS".to_owned(),
            from_bytes: Some(from_gib * GIB),
            to_bytes: Some(if error.is_empty() { to_gib } else { from_gib } * GIB),
            requested_bytes: Some(to_gib * GIB),
            error: error.to_owned(),
            duration_ns: 5 * MS,
            reached_fs: error.is_empty(),
        };
        self.event(4712, "resize2fs", Detail::FsResize(resize))
    }

    /// A partition of `vdc` changes now.
    pub(crate) fn partition(
        &mut self,
        op: &str,
        from_gib: u64,
        to_gib: u64,
        error: &str,
    ) -> &mut Self {
        let change = PartitionChange {
            op: op.to_owned(),
            disk_dev: VDC.0,
            disk: "vdc".to_owned(),
            number: 1,
            from_bytes: Some(from_gib * GIB),
            to_bytes: Some(to_gib * GIB),
            error: error.to_owned(),
        };
        self.event(4713, "partx", Detail::PartitionChange(change))
    }

    pub(crate) fn lose(&mut self, kind: &str, count: u64) -> &mut Self {
        self.put(Record::Loss(Loss {
            kind: kind.to_owned(),
            count,
        }))
    }

    pub(crate) fn miss(&mut self, probe: &str, count: Option<u64>) -> &mut Self {
        self.put(Record::Missed(Missed {
            probe: probe.to_owned(),
            hook: format!("{probe}_hook"),
            count,
        }))
    }

    pub(crate) fn gap(&mut self, probe: &str, from_ms: u64, to_ms: u64, why: &str) -> &mut Self {
        self.put(Record::Gap(Gap {
            probe: probe.to_owned(),
            from_boot_ns: from_ms * MS,
            to_boot_ns: to_ms * MS,
            why: why.to_owned(),
        }))
    }

    /// A series counts: sums in the order of the schema, and one value for
    /// each of the latencies.
    pub(crate) fn count(
        &mut self,
        probe: &str,
        keys: Vec<KeyValue>,
        sums: &[u64],
        latencies: &[u64],
        errors: &[(&str, u64)],
    ) -> &mut Self {
        self.count_in(
            probe,
            keys,
            sums,
            vec![histogram(latencies, TIME_BUCKETS)],
            errors,
        )
    }

    fn count_in(
        &mut self,
        probe: &str,
        keys: Vec<KeyValue>,
        sums: &[u64],
        histograms: Vec<HistogramDelta>,
        errors: &[(&str, u64)],
    ) -> &mut Self {
        let known = self.series.iter().position(|k| *k == keys);
        let id = known.unwrap_or(self.series.len()) as u32 + 1;
        if known.is_none() {
            self.series.push(keys.clone());
            self.put(Record::Series(Series {
                id,
                probe: probe.to_owned(),
                keys,
            }));
        }
        self.put(Record::Delta(SeriesDelta {
            series: id,
            sums: sums.to_vec(),
            histograms,
            errors: errors
                .iter()
                .map(|&(name, count)| (name.to_owned(), count))
                .collect(),
        }))
    }

    /// A stream goes on in `windows` windows of `pages` pages, one each
    /// `ns_each`; `cap` is that of the file, pages.
    pub(crate) fn reads(
        &mut self,
        dev: Dev,
        windows: u64,
        pages: u64,
        ns_each: u64,
        cap: u64,
    ) -> &mut Self {
        let all = windows * pages;
        let at_cap = if pages >= cap { all } else { 0 };
        self.windows_of(dev, windows, pages, [all, windows * ns_each, at_cap])
    }

    /// Reads of `pages` pages at random places: no stream goes on.
    pub(crate) fn random_reads(&mut self, dev: Dev, reads: u64, pages: u64) -> &mut Self {
        self.windows_of(dev, reads, pages, [0, 0, 0])
    }

    fn windows_of(
        &mut self,
        dev: Dev,
        windows: u64,
        pages: u64,
        [advanced, active_ns, at_cap]: [u64; 3],
    ) -> &mut Self {
        let keys = vec![number(dev.0.into()), text("async"), number(MYSQL)];
        let all = windows * pages;
        let submit = 9000;
        let streams = if advanced == 0 { windows } else { 0 };
        let sums = [
            windows,
            all,
            all,
            windows * submit,
            streams,
            advanced,
            active_ns,
            at_cap,
        ];
        let n = windows as usize;
        let histograms = vec![
            histogram(&vec![submit; n], TIME_BUCKETS),
            histogram(&vec![pages; n], PAGE_BUCKETS),
        ];
        self.count_in("readahead", keys, &sums, histograms, &[])
    }

    /// Copies by `route`, each of the given time and of 1 MiB.
    pub(crate) fn copies(
        &mut self,
        src: Dev,
        dst: Dev,
        route: &str,
        via: &str,
        times: &[u64],
    ) -> &mut Self {
        let keys = copy_key(src, dst, route, via);
        let n = times.len() as u64;
        let time: u64 = times.iter().sum();
        let sums = [
            n,
            0,
            time,
            n << 20,
            n << 20,
            0,
            0,
            time / 4,
            time - time / 4,
            n,
            n * 8,
            n * 256,
            n * 9000,
        ];
        self.count("copy", keys, &sums, times, &[])
    }

    /// Copies of 1 MiB in 1 ms each, of which so many were asked for more.
    pub(crate) fn short_copies_via(
        &mut self,
        src: Dev,
        dst: Dev,
        via: &str,
        calls: u64,
        short: u64,
    ) -> &mut Self {
        let keys = copy_key(src, dst, "splice", via);
        let (time, bytes) = (calls * MS, calls << 20);
        let sums = [
            calls,
            0,
            time,
            bytes + (short << 20),
            bytes,
            0,
            short,
            time,
            0,
            0,
            0,
            0,
            0,
        ];
        self.count("copy", keys, &sums, &vec![MS; calls as usize], &[])
    }

    /// Calls at the end of a file, which return 0.
    pub(crate) fn copies_at_the_end(&mut self, src: Dev, dst: Dev, calls: u64) -> &mut Self {
        let keys = copy_key(src, dst, "none", "syscall");
        let time = calls * 900;
        let sums = [calls, 0, time, calls << 20, 0, 0, 0, time, 0, 0, 0, 0, 0];
        self.count("copy", keys, &sums, &vec![900; calls as usize], &[])
    }

    /// Copies that failed.
    pub(crate) fn failed_copies(
        &mut self,
        src: Dev,
        dst: Dev,
        via: &str,
        errors: &[(&str, u64)],
    ) -> &mut Self {
        let keys = copy_key(src, dst, "none", via);
        let n: u64 = errors.iter().map(|(_, count)| count).sum();
        let times = vec![900; n as usize];
        let time = 900 * n;
        let sums = [n, 0, time, n << 20, 0, n, 0, time, 0, 0, 0, 0, 0];
        self.count("copy", keys, &sums, &times, errors)
    }

    /// The recorder ends by itself.
    pub(crate) fn end(&mut self, ms: u64) -> &mut Self {
        self.at(ms);
        let boot_ns = ms * MS;
        self.put(Record::End(End {
            boot_ns,
            why: "signal".to_owned(),
            events: self.events,
            windows: self.seq,
        }))
    }

    /// Everything so far.
    pub(crate) fn recording(&self) -> Recording {
        let mut recording = Recording::default();
        for window in &self.windows {
            recording.apply(window);
        }
        recording
    }
}

fn histogram(values: &[u64], buckets: usize) -> HistogramDelta {
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    for &value in values {
        *counts.entry(index(value, buckets) as u32).or_default() += 1;
    }
    HistogramDelta {
        max: values.iter().copied().max().unwrap_or(0),
        buckets: counts.keys().copied().collect(),
        counts: counts.values().copied().collect(),
    }
}

fn copy_key(src: Dev, dst: Dev, route: &str, via: &str) -> Vec<KeyValue> {
    vec![
        number(src.0.into()),
        number(dst.0.into()),
        text(route),
        text(via),
        number(MYSQL),
    ]
}

pub(crate) fn number(number: u64) -> KeyValue {
    KeyValue {
        value: Some(Value::Number(number)),
    }
}

pub(crate) fn text(text: &str) -> KeyValue {
    KeyValue {
        value: Some(Value::Text(text.to_owned())),
    }
}

/// A whole disk.
pub(crate) fn disk(dev: Dev, name: &str, size_bytes: u64) -> Device {
    Device {
        dev: dev.0,
        name: name.to_owned(),
        serial: Some(format!("bp1example{name}")),
        size_bytes: Some(size_bytes),
        read_ahead_kb: Some(128),
        ..Device::default()
    }
}

/// Partition 1 of `vdc`.
pub(crate) fn vdc1(size_bytes: u64) -> Device {
    Device {
        parent_dev: Some(VDC.0),
        partition: Some(1),
        start_bytes: Some(1 << 20),
        serial: None,
        ..disk(VDC1, "vdc1", size_bytes)
    }
}

/// A mounted ext4.
pub(crate) fn ext4(dev: Dev, mount_point: &str, fs_size_bytes: u64) -> Mount {
    Mount {
        dev: dev.0,
        mount_point: mount_point.to_owned(),
        root: "/".to_owned(),
        fs: "ext4".to_owned(),
        source: "/dev/somewhere".to_owned(),
        options: "rw".to_owned(),
        fs_size_bytes: Some(fs_size_bytes),
        ..Mount::default()
    }
}

/// An NFS mount.
pub(crate) fn nfs() -> Mount {
    Mount {
        dev: NAS.0,
        mount_point: "/mnt/nas".to_owned(),
        root: "/".to_owned(),
        fs: "nfs4".to_owned(),
        source: "nas:/export".to_owned(),
        read_ahead_kb: Some(15360),
        rsize: Some(1 << 20),
        ..Mount::default()
    }
}
