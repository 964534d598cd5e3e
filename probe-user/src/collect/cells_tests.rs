use super::*;
use crate::probe::schema::COPY;
use crate::sample::probe_schema::key::Kind;
use probe_common::cell::copy;
use proptest::prelude::*;

/// A probe that exists only here: two sums and a histogram of four buckets.
const SMALL: Schema = Schema {
    probe: "small",
    keys: &[("device", Kind::Device)],
    sums: &[("calls", "1"), ("errors", "1")],
    histograms: &[("size", "bytes", 4)],
    pace: None,
};
const WORDS: usize = 1 + 2 + 1 + 4;
const SHARDS: usize = 2;
const SERIES: usize = 3;

/// The kernel's side: keys and cells.
struct Kernel {
    keys: Vec<AtomicU64>,
    cells: Vec<AtomicU64>,
}

fn zeroes(count: usize) -> Vec<AtomicU64> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

impl Kernel {
    fn new() -> Self {
        let kernel = Self {
            keys: zeroes(SERIES * KEY_WORDS),
            cells: zeroes(SERIES * SHARDS * WORDS),
        };
        for id in 1..SERIES {
            kernel.keys[id * KEY_WORDS].store(id as u64, Relaxed);
        }
        kernel
    }

    /// Counts one call as the kernel does: the words first, then the generation.
    fn count(&self, series: usize, shard: usize, bucket: usize, failed: bool) {
        let cell = &self.cells[(series * SHARDS + shard) * WORDS..][..WORDS];
        cell[1].fetch_add(1, Relaxed);
        cell[2].fetch_add(u64::from(failed), Relaxed);
        cell[3].fetch_max(bucket as u64, Relaxed);
        cell[4 + bucket].fetch_add(1, Relaxed);
        cell[0].fetch_add(1, Relaxed);
    }
}

fn look(cells: &mut Cells, kernel: &Kernel, next: &mut u32) -> Gains {
    cells
        .look(&kernel.keys, &kernel.cells, false, next, || Ok(Vec::new()))
        .unwrap()
}

#[test]
fn shards_are_added_and_told_once() {
    let (kernel, mut cells, mut next) = (Kernel::new(), Cells::new(&SMALL, 2), 7);
    assert_eq!(look(&mut cells, &kernel, &mut next), Gains::default());
    kernel.count(2, 0, 1, false);
    kernel.count(2, 1, 3, false);
    let gains = look(&mut cells, &kernel, &mut next);
    assert_eq!(gains.new.len(), 1);
    assert_eq!((gains.new[0].id, gains.new[0].probe.as_str()), (7, "small"));
    let delta = &gains.deltas[0];
    assert_eq!((delta.series, &delta.sums[..]), (7, &[2, 0][..]));
    assert_eq!(delta.histograms[0].max, 3);
    assert_eq!(delta.histograms[0].buckets, [1, 3]);
    assert_eq!(delta.histograms[0].counts, [1, 1]);
    assert_eq!(look(&mut cells, &kernel, &mut next), Gains::default());
    kernel.count(2, 1, 3, false);
    let gains = look(&mut cells, &kernel, &mut next);
    assert!(gains.new.is_empty());
    assert_eq!(gains.deltas[0].sums, [1, 0]);
}

#[test]
fn an_update_without_its_generation_waits_for_the_last_look() {
    let (kernel, mut cells, mut next) = (Kernel::new(), Cells::new(&SMALL, 2), 1);
    kernel.cells[SHARDS * WORDS + 1].fetch_add(1, Relaxed);
    assert_eq!(look(&mut cells, &kernel, &mut next), Gains::default());
    let gains = cells
        .look(&kernel.keys, &kernel.cells, true, &mut next, || Ok(vec![]))
        .unwrap();
    assert_eq!(gains.deltas.len(), 1);
    assert_eq!(gains.deltas[0].sums, [1, 0]);
}

#[test]
fn errors_are_read_only_when_a_series_counted_one() {
    let (kernel, mut cells, mut next) = (Kernel::new(), Cells::new(&SMALL, 2), 1);
    kernel.count(1, 0, 0, false);
    let unread = || -> anyhow::Result<Vec<ErrorCount>> { panic!("no error was counted") };
    cells
        .look(&kernel.keys, &kernel.cells, false, &mut next, unread)
        .unwrap();
    kernel.count(1, 0, 0, true);
    kernel.count(1, 1, 0, true);
    let errors = |calls| {
        Ok(vec![ErrorCount {
            series: 1,
            errno: libc::EXDEV,
            calls,
        }])
    };
    let gains = cells
        .look(&kernel.keys, &kernel.cells, false, &mut next, || errors(2))
        .unwrap();
    assert_eq!(gains.deltas[0].errors["EXDEV"], 2);
    kernel.count(1, 1, 0, true);
    let gains = cells
        .look(&kernel.keys, &kernel.cells, false, &mut next, || errors(3))
        .unwrap();
    assert_eq!(gains.deltas[0].errors["EXDEV"], 1);
}

#[test]
fn only_the_series_in_use_are_mapped() {
    let cells = Cells::new(&COPY, 8);
    let one = cell::COPY_WORDS * 8 * 8;
    let keys = zeroes(100 * KEY_WORDS);
    assert_eq!(cells.bytes_in_use(&keys), one);
    keys[41 * KEY_WORDS + 2].store(1, Relaxed);
    assert_eq!(cells.bytes_in_use(&keys), 42 * one);
}

#[test]
fn cells_mapped_in_part_are_read_in_part() {
    let (kernel, mut cells, mut next) = (Kernel::new(), Cells::new(&SMALL, 2), 1);
    kernel.count(0, 0, 0, false);
    kernel.count(2, 0, 0, false);
    let mapped = &kernel.cells[..SHARDS * WORDS + 3];
    let gains = cells
        .look(&kernel.keys, mapped, false, &mut next, || Ok(vec![]))
        .unwrap();
    assert_eq!(gains.deltas.len(), 1);
}

#[test]
fn the_copy_cell_has_its_maximum_behind_the_sums() {
    assert_eq!(maxima(&COPY), [1 + copy::SUMS]);
}

proptest! {
    #[test]
    fn deltas_add_up_to_what_was_counted(
        calls in proptest::collection::vec((0..SERIES, 0..SHARDS, 0usize..4, any::<bool>(), any::<bool>()), 0..200)
    ) {
        let (kernel, mut cells, mut next) = (Kernel::new(), Cells::new(&SMALL, 2), 1);
        let (mut sums, mut counted) = ([0u64; 2], 0);
        let mut failed = 0;
        for &(series, shard, bucket, fails, flush) in &calls {
            kernel.count(series, shard, bucket, fails);
            failed += u64::from(fails);
            if flush {
                for delta in look(&mut cells, &kernel, &mut next).deltas {
                    sums[0] += delta.sums[0];
                    sums[1] += delta.sums[1];
                    counted += delta.histograms[0].counts.iter().sum::<u64>();
                }
            }
        }
        for delta in look(&mut cells, &kernel, &mut next).deltas {
            sums[0] += delta.sums[0];
            sums[1] += delta.sums[1];
            counted += delta.histograms[0].counts.iter().sum::<u64>();
        }
        prop_assert_eq!(sums, [calls.len() as u64, failed]);
        prop_assert_eq!(counted, calls.len() as u64);
        prop_assert!(next as usize <= SERIES + 1);
    }
}
