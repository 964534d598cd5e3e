use super::*;
use crate::collect::cells::{ErrorCount, KEY_WORDS};
use crate::collect::top::{InFlight, SLOT_WORDS};
use crate::probe::schema::{COPY, READAHEAD};
use probe_common::cell;
use probe_common::slot::{Top, TopKey};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

const ROWS: usize = 4;

fn zeroes(count: usize) -> Vec<AtomicU64> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

/// The kernel side of two probes with one shard and four series each.
struct Fake {
    keys: [Vec<AtomicU64>; 2],
    cells: [Vec<AtomicU64>; 2],
    covered: [usize; 2],
    errors: Vec<ErrorCount>,
    losses: Vec<AtomicU64>,
    top: Vec<(TopKey, Top)>,
    slots: Vec<AtomicU64>,
    overflow: Vec<u32>,
}

impl Fake {
    fn new() -> Self {
        Self {
            keys: [zeroes(ROWS * KEY_WORDS), zeroes(ROWS * KEY_WORDS)],
            cells: [
                zeroes(ROWS * cell::COPY_WORDS),
                zeroes(ROWS * cell::READAHEAD_WORDS),
            ],
            covered: [0; 2],
            errors: Vec::new(),
            losses: zeroes(probe_common::loss::Loss::ALL.len()),
            top: Vec::new(),
            slots: zeroes(8 * SLOT_WORDS),
            overflow: Vec::new(),
        }
    }

    fn call(&self, series: usize, failed: bool) {
        self.keys[0][series * KEY_WORDS].store(1, Relaxed);
        let cell = &self.cells[0][series * cell::COPY_WORDS..];
        cell[1 + cell::copy::CALLS].fetch_add(1, Relaxed);
        cell[1 + cell::copy::ERRORS].fetch_add(u64::from(failed), Relaxed);
        cell[0].fetch_add(1, Relaxed);
    }
}

impl Counters for Fake {
    fn keys(&self, probe: usize) -> &[AtomicU64] {
        &self.keys[probe]
    }
    fn cover(&mut self, probe: usize, bytes: usize) -> anyhow::Result<()> {
        self.covered[probe] = bytes / 8;
        Ok(())
    }
    fn cells(&self, probe: usize) -> &[AtomicU64] {
        &self.cells[probe][..self.covered[probe]]
    }
    fn errors(&self, probe: usize) -> anyhow::Result<Vec<ErrorCount>> {
        Ok(if probe == 0 {
            self.errors.clone()
        } else {
            Vec::new()
        })
    }
    fn losses(&self) -> &[AtomicU64] {
        &self.losses
    }
    fn top(&self) -> anyhow::Result<Vec<(TopKey, Top)>> {
        Ok(self.top.clone())
    }
    fn forget(&mut self, key: &TopKey) -> bool {
        let before = self.top.len();
        self.top.retain(|(row, _)| row != key);
        self.top.len() < before
    }
    fn slots(&self) -> &[AtomicU64] {
        &self.slots
    }
    fn free(&mut self, call: &InFlight) -> bool {
        let word = &self.slots[call.slot * SLOT_WORDS];
        word.compare_exchange(call.word, 0, Relaxed, Relaxed)
            .is_ok()
    }
    fn overflow(&self) -> anyhow::Result<Vec<u32>> {
        Ok(self.overflow.clone())
    }
    fn free_overflow(&mut self, tid: u32) -> bool {
        self.overflow.retain(|&row| row != tid);
        true
    }
}

fn counts(lives: Option<fn(u32) -> bool>) -> Counts<Fake> {
    Counts::new(Fake::new(), &[&COPY, &READAHEAD], 1, lives)
}

#[test]
fn series_of_all_probes_share_one_numbering() {
    let mut counts = counts(None);
    assert_eq!(counts.look(false).unwrap(), []);
    counts.maps.call(3, true);
    counts.maps.errors.push(ErrorCount {
        series: 3,
        errno: libc::EXDEV,
        calls: 1,
    });
    counts.maps.keys[1][KEY_WORDS].store(1, Relaxed);
    let cell = &counts.maps.cells[1][cell::READAHEAD_WORDS..];
    cell[1].store(5, Relaxed);
    cell[0].store(1, Relaxed);
    let records = counts.look(false).unwrap();
    let [
        Record::Series(copy),
        Record::Delta(copied),
        Record::Series(readahead),
        Record::Delta(read),
    ] = &records[..]
    else {
        panic!("{records:?}");
    };
    assert_eq!((copy.id, copied.series, copied.errors["EXDEV"]), (1, 1, 1));
    assert_eq!((readahead.id, read.series, read.sums[0]), (2, 2, 5));
    assert_eq!(counts.look(true).unwrap(), []);
}

#[test]
fn calls_of_dead_threads_are_freed_and_told_as_lost() {
    let mut counts = counts(Some(|_| false));
    counts.maps.slots[0].store(77, Relaxed);
    counts.maps.overflow.push(78);
    assert_eq!(counts.look(false).unwrap(), []);
    let records = counts.look(false).unwrap();
    let [Record::Loss(loss)] = &records[..] else {
        panic!("{records:?}");
    };
    assert_eq!((loss.kind.as_str(), loss.count), ("lost-return", 2));
    assert_eq!(counts.maps.slots[0].load(Relaxed), 0);
    assert_eq!(counts.look(false).unwrap(), []);
}

#[test]
fn rows_of_dead_processes_make_room() {
    let row = |pid| {
        let key = TopKey {
            pid,
            ..TopKey::default()
        };
        let top = Top {
            calls: 3,
            ..Top::default()
        };
        (key, top)
    };
    let mut counts = counts(Some(|pid| pid == 1));
    counts.maps.top = vec![row(1), row(2)];
    let records = counts.look(false).unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(counts.maps.top, [row(1)]);
    assert_eq!(counts.look(false).unwrap(), []);
}

#[test]
fn where_threads_cannot_be_seen_nothing_is_freed() {
    let mut counts = counts(None);
    counts.maps.slots[0].store(77, Relaxed);
    counts.look(false).unwrap();
    assert_eq!(counts.look(false).unwrap(), []);
    assert_eq!(counts.maps.slots[0].load(Relaxed), 77);
}
