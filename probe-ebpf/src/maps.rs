//! Every map, declared once.
//!
//! The numbers of entries here are those for development: the loader sets the
//! real ones before the maps are made, from the number of CPUs and a bound on
//! all maps together.

use crate::probes::{resize::Resizing, tool::Watched};
use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap, LruHashMap, RingBuf},
};
use probe_common::{event::ResizeRun, loss::Loss, programs::PROGRAMS};

/// `BPF_F_MMAPABLE`: user space reads the map as memory, without system calls.
const MMAPABLE: u32 = 1 << 10;

/// One word of `probe_common::state` bits; nothing is counted before the
/// loader has set them.
#[map]
pub static ARMED: Array<u32> = Array::with_max_entries(1, 0);

/// Losses by [`Loss`], cumulative.
#[map]
pub static LOSSES: Array<u64> = Array::with_max_entries(Loss::ALL.len() as u32, MMAPABLE);

/// Rare events, each beginning with `probe_common::event::Header`.
#[map]
pub static EVENTS: RingBuf = RingBuf::with_byte_size(1 << 20, 0);

/// Processes of the self-test, by tgid: told apart from everything else.
#[map]
pub static SELF_TEST: HashMap<u32, u32> = HashMap::with_max_entries(16, 0);

/// Runs by the self-test, by program number.
#[map]
pub static SELF_TEST_SEEN: Array<u64> = Array::with_max_entries(PROGRAMS.len() as u32, MMAPABLE);

/// Names of the tools that are watched from exec to exit, as in `task->comm`.
#[map]
pub static TOOLS: HashMap<[u8; 16], u8> = HashMap::with_max_entries(128, 0);

/// Watched tools that run, by tgid.
#[map]
pub static WATCHED: HashMap<u32, Watched> = HashMap::with_max_entries(512, 0);

/// Resize ioctls in flight, by tid.
#[map]
pub static RESIZING: HashMap<u32, Resizing> = HashMap::with_max_entries(256, 0);

/// Runs of the resize programs, by `probe_common::event::ResizeRun`.
#[map]
pub static RESIZE_RUNS: Array<u64> = Array::with_max_entries(ResizeRun::ALL.len() as u32, MMAPABLE);

/// The last capacity, in sectors, that `set_capacity_and_notify` gave a disk,
/// by `dev_t`; only on 5.10, to tell a second report of it.
#[map]
pub static CAPACITIES: LruHashMap<u32, u64> = LruHashMap::with_max_entries(256, 0);

/// Writes of a read-ahead value in flight, by tid: pages before.
#[map]
pub static READ_AHEAD_WRITES: HashMap<u32, u64> = HashMap::with_max_entries(256, 0);
