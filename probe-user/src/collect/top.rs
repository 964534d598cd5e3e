//! Who does it: the copies of each process, from the kernel's slots and table.
//!
//! A slot holds the sums of the process that used it last; when another takes it
//! the sums move to the `TOP` table. The whole of a process is both together.
//! The table is read first, so sums on the move may be missing from one look but
//! are never in it twice: a total is only ever believed to rise.

use crate::sample::ProcessDelta;
use probe_common::event::text;
use probe_common::slot::{Slot, Top, TopKey};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use zerocopy::{FromBytes, IntoBytes};

/// Words of one slot.
pub const SLOT_WORDS: usize = size_of::<Slot>() / size_of::<u64>();

/// Looks at a slot that is changing hands before giving it up until next time.
const TRIES: usize = 3;

/// Totals by process and devices, as told so far.
#[derive(Debug, Default)]
pub struct Processes {
    told: HashMap<TopKey, Told>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Told {
    sums: Sums,
    /// Looks since it was last found.
    missing: u8,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    calls: u64,
    bytes: u64,
    time_ns: u64,
}

/// What a look brought.
#[derive(Debug, Default)]
pub struct Look {
    /// What each process gained.
    pub deltas: Vec<ProcessDelta>,
    /// Calls in flight: index of the slot, its first word, start (ns).
    pub in_flight: Vec<InFlight>,
    /// Rows of the table that no slot adds to at the moment.
    pub settled: Vec<TopKey>,
}

/// A call in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// Index of its slot.
    pub slot: usize,
    /// Its thread.
    pub tid: u32,
    /// The slot's first word, which holds the thread.
    pub word: u64,
    /// Its start, ns.
    pub start_ns: u64,
}

impl Processes {
    /// What each process gained since the last look. `table` was read before
    /// `slots` are.
    pub fn look(&mut self, table: &[(TopKey, Top)], slots: &[AtomicU64]) -> Look {
        let mut look = Look::default();
        let mut now: HashMap<TopKey, Top> = table.iter().copied().collect();
        let mut held: HashSet<TopKey> = HashSet::new();
        for (index, words) in slots.chunks_exact(SLOT_WORDS).enumerate() {
            let first = words[0].load(Relaxed);
            if first as u32 != 0 {
                look.in_flight.push(InFlight {
                    slot: index,
                    tid: first as u32,
                    word: first,
                    start_ns: words[1].load(Relaxed),
                });
            }
            if let Some(slot) = steady(words).filter(|slot| slot.pid != 0) {
                let key = TopKey {
                    pid: slot.pid,
                    dev_in: slot.dev_in,
                    dev_out: slot.dev_out,
                    reserved: 0,
                };
                held.insert(key);
                if slot.calls > 0 {
                    add(now.entry(key).or_default(), &slot);
                }
            }
        }
        let settled = table.iter().map(|(key, _)| *key);
        look.settled = settled.filter(|key| !held.contains(key)).collect();
        look.deltas = self.gains(&now);
        look
    }

    fn gains(&mut self, now: &HashMap<TopKey, Top>) -> Vec<ProcessDelta> {
        let mut deltas = Vec::new();
        for (key, top) in now {
            let told = self.told.entry(*key).or_default();
            told.missing = 0;
            let gain = Sums {
                calls: rise(&mut told.sums.calls, top.calls),
                bytes: rise(&mut told.sums.bytes, top.bytes),
                time_ns: rise(&mut told.sums.time_ns, top.time_ns),
            };
            if gain.calls + gain.bytes + gain.time_ns > 0 {
                deltas.push(ProcessDelta {
                    pid: key.pid,
                    comm: String::from_utf8_lossy(text(&top.comm)).into_owned(),
                    cgroup: top.cgroup,
                    dev_in: key.dev_in,
                    dev_out: key.dev_out,
                    calls: gain.calls,
                    bytes: gain.bytes,
                    time_ns: gain.time_ns,
                });
            }
        }
        // Sums on the move are missing from one look, never from two.
        self.told.retain(|key, told| {
            if !now.contains_key(key) {
                told.missing += 1;
            }
            told.missing < 2
        });
        deltas.sort_by_key(|delta| (delta.pid, delta.dev_in, delta.dev_out));
        deltas
    }

    /// The table's row of `key`, which held `top`, was deleted.
    pub fn forgotten(&mut self, key: &TopKey, top: &Top) {
        if let Some(told) = self.told.get_mut(key) {
            told.sums.calls = told.sums.calls.saturating_sub(top.calls);
            told.sums.bytes = told.sums.bytes.saturating_sub(top.bytes);
            told.sums.time_ns = told.sums.time_ns.saturating_sub(top.time_ns);
        }
    }
}

fn rise(told: &mut u64, now: u64) -> u64 {
    let gain = now.saturating_sub(*told);
    *told += gain;
    gain
}

fn add(top: &mut Top, slot: &Slot) {
    top.calls += slot.calls;
    top.bytes += slot.bytes;
    top.time_ns += slot.time_ns;
    top.cgroup = slot.cgroup;
    top.comm = slot.comm;
}

/// A slot read while it did not change hands. The kernel side empties the sums
/// before it writes a new owner, so sums between two equal readings of the owner
/// are the owner's.
fn steady(words: &[AtomicU64]) -> Option<Slot> {
    let mut slot = read(words);
    for _ in 0..TRIES {
        let again = read(words);
        if owner(&slot) == owner(&again) {
            return Some(slot);
        }
        slot = again;
    }
    None
}

fn read(words: &[AtomicU64]) -> Slot {
    let mut copy = [0u64; SLOT_WORDS];
    for (to, from) in copy.iter_mut().zip(words) {
        *to = from.load(Acquire);
    }
    Slot::read_from_bytes(copy.as_bytes()).unwrap_or_default()
}

fn owner(slot: &Slot) -> (u32, u32, u32) {
    (slot.pid, slot.dev_in, slot.dev_out)
}

#[cfg(test)]
#[path = "top_tests.rs"]
mod tests;
