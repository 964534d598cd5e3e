//! From the key of a series to its number, and to the words that are its value.

use crate::{loss, patched::setting};
use aya_ebpf::{
    bindings::BPF_NOEXIST,
    maps::{Array, HashMap, Queue},
};
use probe_common::{
    loss::Loss,
    series::{OTHER, SeriesKey, USED},
};

/// The row of a number that is free.
static NO_KEY: SeriesKey = SeriesKey {
    dev_in: 0,
    dev_out: 0,
    kind: 0,
    reserved: 0,
    cgroup: 0,
};

/// The maps of one probe's series.
pub struct Series {
    /// Key to number.
    pub keys: &'static HashMap<SeriesKey, u32>,
    /// Numbers not given yet; filled by the loader, as 5.10 has no atomic
    /// operation that fetches.
    pub free: &'static Queue<u32>,
    /// Number to key, for user space.
    pub by_id: &'static Array<SeriesKey>,
    /// What is counted when no number is left.
    pub overflow: Loss,
}

impl Series {
    /// The number of the series with this key, new if need be; [`OTHER`] when
    /// there is none left.
    #[inline(always)]
    pub fn number(&self, key: &SeriesKey) -> u32 {
        // SAFETY: rows are never removed.
        if let Some(&number) = unsafe { self.keys.get(key) } {
            return number;
        }
        let Ok(Some(number)) = self.free.pop() else {
            loss::count(self.overflow);
            return OTHER;
        };
        let mut row = *key;
        row.reserved = USED;
        // The row first: who finds the number must find its key.
        let _ = self.by_id.set(number, row, 0);
        if self
            .keys
            .insert(key, number, u64::from(BPF_NOEXIST))
            .is_ok()
        {
            return number;
        }
        // Another CPU was first, or the map is full. The row of a number that
        // is free again is overwritten by its next owner.
        let _ = self.by_id.set(number, &NO_KEY, 0);
        let _ = self.free.push(number, 0);
        // SAFETY: as above.
        if let Some(&number) = unsafe { self.keys.get(key) } {
            return number;
        }
        loss::count(self.overflow);
        OTHER
    }
}

/// The place of a value in a probe's array of cells. Threads are spread over
/// the shards by their ids: as all words are added to atomically, which one is
/// taken is a question of speed only.
#[inline(always)]
pub fn cell(number: u32, tid: u32) -> u32 {
    let shards = setting!(Shards);
    number * shards + (tid & (shards - 1))
}
