//! The kernel side as the collector reads it, and the real thing behind it.

use super::cells::ErrorCount;
use super::mmap::Mapping;
use super::top::{InFlight, SLOT_WORDS};
use crate::probe::schema::Schema;
use anyhow::{Context, bail};
use aya::maps::{HashMap, Map, MapData, MapError};
use probe_common::slot::{Flight, Top, TopKey};
use std::os::fd::AsFd;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use zerocopy::{FromBytes, IntoBytes};

/// The kernel side's counts. A trait, so that what is made of them is tested
/// without a kernel.
pub trait Counters {
    /// Rows from ids to keys of probe number `probe`.
    fn keys(&self, probe: usize) -> &[AtomicU64];
    /// Makes at least the first `bytes` bytes of its cells readable.
    fn cover(&mut self, probe: usize, bytes: usize) -> anyhow::Result<()>;
    /// Its cells, as far as they are readable.
    fn cells(&self, probe: usize) -> &[AtomicU64];
    /// Its errors by number.
    fn errors(&self, probe: usize) -> anyhow::Result<Vec<ErrorCount>>;
    /// Losses, in the order of their numbers.
    fn losses(&self) -> &[AtomicU64];
    /// The table of processes.
    fn top(&self) -> anyhow::Result<Vec<(TopKey, Top)>>;
    /// Deletes a row of that table.
    fn forget(&mut self, key: &TopKey) -> bool;
    /// The slots.
    fn slots(&self) -> &[AtomicU64];
    /// Frees the slot of a call that will never return; false where it has
    /// changed meanwhile.
    fn free(&mut self, call: &InFlight) -> bool;
    /// Threads whose call in flight found its slot taken.
    fn overflow(&self) -> anyhow::Result<Vec<u32>>;
    /// Deletes such a call.
    fn free_overflow(&mut self, tid: u32) -> bool;
}

const KEY: usize = size_of::<TopKey>();
const TOP: usize = size_of::<Top>();
const FLIGHT: usize = size_of::<Flight>();

/// The maps of the loaded object.
pub struct KernelMaps {
    probes: Vec<ProbeMaps>,
    losses: Mapping,
    slots: Mapping,
    top: HashMap<MapData, [u8; KEY], [u8; TOP]>,
    overflow: HashMap<MapData, u32, [u8; FLIGHT]>,
}

struct ProbeMaps {
    keys: Mapping,
    cells: Mapping,
    /// Keys are `probe_common::series::ErrorKey`: series and error.
    errors: Option<HashMap<MapData, [u32; 2], u64>>,
}

impl KernelMaps {
    /// Opens the maps that the collector reads: of each probe of `schemas`, named
    /// after it, and those shared by all. The object keeps its own, because
    /// programs that are loaded later refer to them.
    pub fn open(ebpf: &aya::Ebpf, schemas: &[&Schema]) -> anyhow::Result<Self> {
        let probes = schemas.iter().map(|schema| ProbeMaps::open(ebpf, schema));
        Ok(Self {
            probes: probes.collect::<anyhow::Result<_>>()?,
            losses: Mapping::whole(&open(ebpf, "LOSSES")?)?,
            slots: Mapping::writable(&open(ebpf, "SLOTS")?)?,
            top: hash(ebpf, "TOP")?.try_into()?,
            overflow: hash(ebpf, "OVERFLOW_SLOTS")?.try_into()?,
        })
    }
}

impl ProbeMaps {
    fn open(ebpf: &aya::Ebpf, schema: &Schema) -> anyhow::Result<Self> {
        let prefix = schema.probe.to_uppercase();
        let errors = if schema.sums.iter().any(|sum| sum.0 == "errors") {
            Some(hash(ebpf, &format!("{prefix}_ERRORS"))?.try_into()?)
        } else {
            None
        };
        Ok(Self {
            keys: Mapping::whole(&open(ebpf, &format!("{prefix}_BY_ID"))?)?,
            cells: Mapping::start(&open(ebpf, &format!("{prefix}_CELLS"))?)?,
            errors,
        })
    }
}

/// A handle of our own of the map called `name`.
pub fn open(ebpf: &aya::Ebpf, name: &str) -> anyhow::Result<MapData> {
    let map = ebpf
        .map(name)
        .with_context(|| format!("the object has no map {name}"))?;
    let (Map::Array(data) | Map::HashMap(data) | Map::RingBuf(data)) = map else {
        bail!("map {name} is of another kind than expected");
    };
    let handle = data.fd().as_fd().try_clone_to_owned()?;
    Ok(MapData::from_fd(handle)?)
}

fn hash(ebpf: &aya::Ebpf, name: &str) -> anyhow::Result<Map> {
    Ok(Map::HashMap(open(ebpf, name)?))
}

impl Counters for KernelMaps {
    fn keys(&self, probe: usize) -> &[AtomicU64] {
        self.probes[probe].keys.words()
    }

    fn cover(&mut self, probe: usize, bytes: usize) -> anyhow::Result<()> {
        Ok(self.probes[probe].cells.cover(bytes)?)
    }

    fn cells(&self, probe: usize) -> &[AtomicU64] {
        self.probes[probe].cells.words()
    }

    fn errors(&self, probe: usize) -> anyhow::Result<Vec<ErrorCount>> {
        let Some(errors) = &self.probes[probe].errors else {
            return Ok(Vec::new());
        };
        rows(errors.iter(), |[series, errno], calls| {
            Some(ErrorCount {
                series,
                errno: errno as i32,
                calls,
            })
        })
    }

    fn losses(&self) -> &[AtomicU64] {
        self.losses.words()
    }

    fn top(&self) -> anyhow::Result<Vec<(TopKey, Top)>> {
        rows(self.top.iter(), |key, top| {
            let key = TopKey::read_from_bytes(&key).ok()?;
            Some((key, Top::read_from_bytes(&top).ok()?))
        })
    }

    fn forget(&mut self, key: &TopKey) -> bool {
        let key: Result<[u8; KEY], _> = key.as_bytes().try_into();
        key.is_ok_and(|key| self.top.remove(&key).is_ok())
    }

    fn slots(&self) -> &[AtomicU64] {
        self.slots.words()
    }

    fn free(&mut self, call: &InFlight) -> bool {
        let first = &self.slots.words()[call.slot * SLOT_WORDS];
        first
            .compare_exchange(call.word, 0, Relaxed, Relaxed)
            .is_ok()
    }

    fn overflow(&self) -> anyhow::Result<Vec<u32>> {
        rows(self.overflow.iter(), |tid, _| Some(tid))
    }

    fn free_overflow(&mut self, tid: u32) -> bool {
        self.overflow.remove(&tid).is_ok()
    }
}

/// The rows of a hash that is being written: one that vanishes between its key
/// and its value is left out.
fn rows<K, V, T>(
    rows: impl Iterator<Item = Result<(K, V), MapError>>,
    row: impl Fn(K, V) -> Option<T>,
) -> anyhow::Result<Vec<T>> {
    let mut read = Vec::new();
    for found in rows {
        match found {
            Ok((key, value)) => read.extend(row(key, value)),
            Err(MapError::KeyNotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(read)
}
