//! Typed records of the kernel side → events of the stream.

use super::decode::Raw;
use super::known::{Known, block_device};
use crate::sample::exec_exit::AskedDevice;
use crate::sample::{
    DeviceCapacity, Event, ExecExit, ExecStart, FsResize, FsResizeBegin, MountChange,
    PartitionChange, ReadAheadChange, errno_name, event::Detail,
};
use probe_common::event::{self as raw, Header, known, text};
use std::collections::HashMap;

/// Linux's unit of block device sizes, bytes.
const SECTOR: u64 = 512;

/// Starts of tools whose end is awaited. The kernel side watches fewer; more
/// are here only where ends were lost.
const STARTS_MAX: usize = 4096;

/// Makes events: numbers them, joins the end of a tool with its start, and adds
/// what only user space knows.
#[derive(Debug)]
pub struct Events {
    next_id: u64,
    page_kb: u64,
    starts: HashMap<u32, Start>,
}

#[derive(Debug)]
struct Start {
    boot_ns: u64,
    argv: Vec<String>,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            next_id: 1,
            page_kb: rustix::param::page_size() as u64 / 1024,
            starts: HashMap::new(),
        }
    }
}

impl Events {
    /// Number of events made so far.
    pub fn made(&self) -> u64 {
        self.next_id - 1
    }

    /// An event of user space's own observation.
    pub fn own(&mut self, boot_ns: u64, detail: Detail) -> Event {
        Event {
            id: self.id(),
            boot_ns,
            detail: Some(detail),
            ..Event::default()
        }
    }

    /// The event that a record tells of; `None` where it says nothing new.
    pub fn event(&mut self, record: &Raw, node: &mut Known) -> Option<Event> {
        let header = record.header();
        let mut boot_ns = header.boot_ns;
        let detail = match record {
            Raw::FsResizeBegin(record) => Detail::FsResizeBegin(resize_begin(record)),
            Raw::FsResize(record) => {
                boot_ns = record.start_ns;
                Detail::FsResize(resize(record))
            }
            Raw::Capacity(record) => Detail::DeviceCapacity(capacity(record, node)?),
            Raw::Partition(record) => Detail::PartitionChange(partition(record, node)),
            Raw::Exec(record) => Detail::ExecStart(self.exec(record)),
            Raw::Exit(record) => Detail::ExecExit(self.exit(record, node)),
            Raw::ReadAheadSet(record) => Detail::ReadAhead(self.read_ahead(record, node)),
            Raw::Mount(record) => Detail::Mount(mount(record, node)),
        };
        Some(Event {
            id: self.id(),
            boot_ns,
            pid: header.pid,
            tid: header.tid,
            comm: string(&header.comm),
            cgroup: header.cgroup,
            self_test: header.self_test != 0,
            detail: Some(detail),
        })
    }

    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    fn exec(&mut self, record: &raw::Exec) -> ExecStart {
        let kept = (record.argv_kept as usize).min(record.argv.len());
        let argv = arguments(&record.argv[..kept]);
        if self.starts.len() >= STARTS_MAX {
            let oldest = self.starts.iter().min_by_key(|(_, start)| start.boot_ns);
            if let Some(pid) = oldest.map(|(&pid, _)| pid) {
                self.starts.remove(&pid);
            }
        }
        let start = Start {
            boot_ns: record.header.boot_ns,
            argv: argv.clone(),
        };
        self.starts.insert(record.header.pid, start);
        ExecStart {
            argv,
            argv_truncated: record.argv_kept < record.argv_len,
            filename: string(&record.filename),
        }
    }

    fn exit(&mut self, record: &raw::Exit, node: &Known) -> ExecExit {
        let Header { boot_ns, pid, .. } = record.header;
        let start = self.starts.remove(&pid);
        let start = start.filter(|start| start.boot_ns == record.start_ns);
        let argv = start.map(|start| start.argv).unwrap_or_default();
        let signal = (record.exit_code & 0x7f) as i32;
        ExecExit {
            exit_code: (signal == 0).then_some((record.exit_code >> 8 & 0xff) as i32),
            signal: (signal != 0).then_some(signal),
            duration_ns: boot_ns.saturating_sub(record.start_ns),
            resize_calls: record.resize_calls,
            devices: devices(record, &argv, node),
            start_boot_ns: record.start_ns,
            argv,
        }
    }

    fn read_ahead(&self, record: &raw::ReadAheadSet, node: &mut Known) -> ReadAheadChange {
        let bdi = string(&record.bdi);
        let dev = match record.dev {
            0 => raw::bdi_dev(&record.bdi).unwrap_or(0),
            dev => dev,
        };
        let kb = |pages| known(pages).map(|pages| pages.saturating_mul(self.page_kb));
        let to_kb = kb(record.to_pages);
        if let Some(kb) = to_kb {
            node.set_read_ahead(dev, kb, record.header.boot_ns);
        }
        ReadAheadChange {
            dev,
            bdi,
            from_kb: kb(record.from_pages),
            to_kb,
            error: error(record.ret),
            via: named(record.via, raw::ReadAheadVia::name),
        }
    }
}

fn resize_begin(record: &raw::FsResizeBegin) -> FsResizeBegin {
    FsResizeBegin {
        fs: named(record.fs, raw::Fs::name),
        dev: record.dev,
        command: named(record.command, raw::Command::name),
    }
}

fn resize(record: &raw::FsResize) -> FsResize {
    // The block size is 0 where it could not be read.
    let bytes = |blocks| {
        let size = u64::from(record.block_size);
        known(blocks)
            .filter(|_| size > 0)
            .map(|blocks| blocks.saturating_mul(size))
    };
    FsResize {
        fs: named(record.fs, raw::Fs::name),
        dev: record.dev,
        command: named(record.command, raw::Command::name),
        from_bytes: bytes(record.from_blocks),
        to_bytes: bytes(record.to_blocks),
        requested_bytes: bytes(record.requested_blocks),
        error: error(record.ret),
        duration_ns: record.header.boot_ns.saturating_sub(record.start_ns),
        reached_fs: record.effect_ret != raw::NOT_REACHED,
    }
}

/// `None` where the size is the one known already: a partition that was made
/// anew, with the size it had.
fn capacity(record: &raw::Capacity, node: &mut Known) -> Option<DeviceCapacity> {
    let to_bytes = known(record.to_sectors).map(sectors)?;
    let before = node.resize(record.dev, to_bytes, record.header.boot_ns);
    let from_bytes = match known(record.from_sectors) {
        None | Some(0) => before.or(known(record.from_sectors)),
        Some(from) => Some(sectors(from)),
    };
    if from_bytes == Some(to_bytes) {
        return None;
    }
    let whole = record.dev == record.disk_dev || record.disk_dev == 0;
    let name = match node.name(record.dev) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ if whole => string(&record.disk),
        _ => String::new(),
    };
    Some(DeviceCapacity {
        dev: record.dev,
        name,
        from_bytes,
        to_bytes: Some(to_bytes),
        source: named(record.hook, raw::CapacityHook::name),
    })
}

fn partition(record: &raw::Partition, node: &mut Known) -> PartitionChange {
    let to_bytes = known(record.sectors).map(sectors);
    let dev = node.partition(record.disk_dev, record.number);
    let succeeded = record.ret >= 0;
    let from_bytes = match (dev, to_bytes) {
        (Some(dev), Some(to)) if succeeded => node.resize(dev, to, record.header.boot_ns),
        (Some(dev), _) => node.bytes(dev),
        (None, _) => None,
    };
    PartitionChange {
        op: named(record.op, raw::PartitionOp::name),
        disk_dev: record.disk_dev,
        disk: string(&record.disk),
        number: record.number,
        from_bytes,
        to_bytes: to_bytes.filter(|_| succeeded),
        error: error(record.ret.into()),
    }
}

/// The devices whose size a tool asked for. Where the kernel side saw none, the
/// devices that its arguments name, which is weaker and marked.
fn devices(record: &raw::Exit, argv: &[String], node: &Known) -> Vec<AskedDevice> {
    let kept = (record.asked_len as usize).min(record.asked.len());
    let mut devices: Vec<AskedDevice> = Vec::with_capacity(kept);
    for asked in &record.asked[..kept] {
        let at = devices.iter().position(|device| device.dev == asked.dev);
        let at = at.unwrap_or_else(|| {
            devices.push(AskedDevice {
                dev: asked.dev,
                resolved: "kernel".to_owned(),
                ..AskedDevice::default()
            });
            devices.len() - 1
        });
        match raw::Question::try_from(asked.question) {
            Ok(raw::Question::DeviceSize) => devices[at].size_bytes = known(asked.bytes),
            Ok(raw::Question::Geometry) => devices[at].fs_size_bytes = known(asked.bytes),
            Err(_) => {}
        }
    }
    if devices.is_empty() {
        let named = argv.iter().skip(1).filter_map(|word| block_device(word));
        devices.extend(named.map(|dev| AskedDevice {
            dev: dev.0,
            size_bytes: node.bytes(dev.0),
            resolved: "argv".to_owned(),
            ..AskedDevice::default()
        }));
    }
    devices
}

fn mount(record: &raw::Mount, node: &mut Known) -> MountChange {
    if record.op == raw::MountOp::Add as u32 {
        // Where it will be mounted is not decided yet.
        node.forget_mount(record.dev);
    }
    MountChange {
        op: named(record.op, raw::MountOp::name),
        dev: record.dev,
        mount_point: node.mount_point(record.dev).unwrap_or_default().to_owned(),
        fs: string(&record.fs),
        error: error(record.ret.into()),
    }
}

fn sectors(count: u64) -> u64 {
    count.saturating_mul(SECTOR)
}

/// The name of a number in a closed list; a number outside it as it is.
fn named<T: TryFrom<u32, Error = u32>>(number: u32, name: fn(T) -> &'static str) -> String {
    T::try_from(number).map_or_else(|number| number.to_string(), |t| name(t).to_owned())
}

/// The name of the error that a kernel function returned; empty if none.
fn error(ret: i64) -> String {
    match i32::try_from(ret) {
        Ok(ret) if ret < 0 => errno_name(ret.saturating_neg()),
        Err(_) if ret == raw::RETURN_LOST => FsResize::LOST_RETURN.to_owned(),
        _ => String::new(),
    }
}

fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(text(bytes)).into_owned()
}

/// Arguments, each ended by a NUL; the last one may be cut off.
fn arguments(bytes: &[u8]) -> Vec<String> {
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    if bytes.is_empty() {
        return Vec::new();
    }
    bytes
        .split(|&byte| byte == 0)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
