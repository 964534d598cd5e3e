//! Every map, declared once.
//!
//! The numbers of entries here are those for development: the loader sets the
//! real ones before the maps are made, from the number of CPUs and a bound on
//! all maps together.

use crate::calls::Arguments;
use crate::probes::{
    readahead::{Reading, Stream, StreamKey},
    resize::Resizing,
    tool::Watched,
};
use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap, LruHashMap, Queue, RingBuf},
};
use probe_common::{
    cell::{COPY_WORDS, READAHEAD_WORDS},
    loss::Loss,
    programs::PROGRAMS,
    series::{ErrorKey, SeriesKey},
    slot::{Flight, SLOTS_LEN, Slot, Top, TopKey},
};

/// `BPF_F_MMAPABLE`: user space reads the map as memory, without system calls.
const MMAPABLE: u32 = 1 << 10;

/// Series of one probe.
const SERIES: u32 = 256;

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

/// The last capacity, in sectors, that `set_capacity_and_notify` gave a disk,
/// by `dev_t`; only on 5.10, to tell a second report of it.
#[map]
pub static CAPACITIES: LruHashMap<u32, u64> = LruHashMap::with_max_entries(256, 0);

/// Writes of a read-ahead value in flight, by tid: pages before.
#[map]
pub static READ_AHEAD_WRITES: HashMap<u32, u64> = HashMap::with_max_entries(256, 0);

/// Arguments of calls in flight on hooks by name; see `calls`.
#[map]
pub static CALLS: LruHashMap<u64, Arguments> = LruHashMap::with_max_entries(1024, 0);

/// Copies in flight, and sums by process; see `probe_common::slot`.
#[map]
pub static SLOTS: Array<Slot> = Array::with_max_entries(SLOTS_LEN, MMAPABLE);

/// Copies in flight whose slot was taken, by tid.
#[map]
pub static OVERFLOW_SLOTS: HashMap<u32, Flight> = HashMap::with_max_entries(1024, 0);

/// Sums by process that have left their slot.
#[map]
pub static TOP: HashMap<TopKey, Top> = HashMap::with_max_entries(4096, 0);

/// Processes of the tree that is traced, if only a tree is.
#[map]
pub static TREE: HashMap<u32, u8> = HashMap::with_max_entries(8192, 0);

/// Series of copies: key to number.
#[map]
pub static COPY_KEYS: HashMap<SeriesKey, u32> = HashMap::with_max_entries(SERIES, 0);

/// Numbers of series of copies that are free.
#[map]
pub static COPY_FREE: Queue<u32> = Queue::with_max_entries(SERIES, 0);

/// Series of copies: number to key.
#[map]
pub static COPY_BY_ID: Array<SeriesKey> = Array::with_max_entries(SERIES, MMAPABLE);

/// Values of the series of copies, by number and shard.
#[map]
pub static COPY_CELLS: Array<[u64; COPY_WORDS]> = Array::with_max_entries(SERIES, MMAPABLE);

/// Errors of copies.
#[map]
pub static COPY_ERRORS: HashMap<ErrorKey, u64> = HashMap::with_max_entries(4 * SERIES, 0);

/// Series of readahead: key to number.
#[map]
pub static READAHEAD_KEYS: HashMap<SeriesKey, u32> = HashMap::with_max_entries(SERIES, 0);

/// Numbers of series of readahead that are free.
#[map]
pub static READAHEAD_FREE: Queue<u32> = Queue::with_max_entries(SERIES, 0);

/// Series of readahead: number to key.
#[map]
pub static READAHEAD_BY_ID: Array<SeriesKey> = Array::with_max_entries(SERIES, MMAPABLE);

/// Values of the series of readahead, by number and shard.
#[map]
pub static READAHEAD_CELLS: Array<[u64; READAHEAD_WORDS]> =
    Array::with_max_entries(SERIES, MMAPABLE);

/// What threads do in the readahead code, by tid as in [`SLOTS`].
#[map]
pub static READAHEAD_TASKS: Array<Reading> = Array::with_max_entries(SLOTS_LEN, 0);

/// Streams of readahead windows, by task and inode.
#[map]
pub static STREAMS: LruHashMap<StreamKey, Stream> = LruHashMap::with_max_entries(8192, 0);
