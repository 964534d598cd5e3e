//! Every map, declared once.
//!
//! The numbers of entries here are those for development: the loader sets the
//! real ones before the maps are made, from the number of CPUs and a bound on
//! all maps together.

use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap, RingBuf},
};
use probe_common::{loss::Loss, programs::PROGRAMS};

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
