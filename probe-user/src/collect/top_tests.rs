use super::*;
use std::sync::atomic::Ordering::Relaxed;

const KEY: TopKey = TopKey {
    pid: 42,
    dev_in: 16,
    dev_out: 32,
    reserved: 0,
};

fn slot(pid: u32, calls: u64) -> Slot {
    let mut comm = [0; 16];
    comm[..2].copy_from_slice(b"cp");
    Slot {
        pid,
        dev_in: 16,
        dev_out: 32,
        cgroup: 5,
        comm,
        calls,
        bytes: calls * 100,
        time_ns: calls * 7,
        ..Slot::default()
    }
}

fn memory(slots: &[Slot]) -> Vec<AtomicU64> {
    let words = slots.iter().flat_map(|slot| {
        let bytes = slot.as_bytes().chunks_exact(8);
        bytes
            .map(|word| AtomicU64::new(u64::from_ne_bytes(word.try_into().unwrap())))
            .collect::<Vec<_>>()
    });
    words.collect()
}

fn top(calls: u64) -> Top {
    Top {
        calls,
        bytes: calls * 100,
        time_ns: calls * 7,
        ..Top::default()
    }
}

fn calls(look: &Look) -> Vec<(u32, u64)> {
    look.deltas.iter().map(|d| (d.pid, d.calls)).collect()
}

#[test]
fn a_process_is_its_slots_and_its_row() {
    let mut processes = Processes::default();
    let slots = memory(&[slot(42, 3), slot(43, 1), Slot::default(), slot(42, 4)]);
    let look = processes.look(&[(KEY, top(10))], &slots);
    assert_eq!(calls(&look), [(42, 17), (43, 1)]);
    assert_eq!(look.deltas[0].bytes, 1700);
    assert_eq!(look.deltas[0].comm, "cp");
    assert!(processes.look(&[(KEY, top(10))], &slots).deltas.is_empty());
}

#[test]
fn sums_on_the_move_are_counted_once() {
    let mut processes = Processes::default();
    assert_eq!(
        calls(&processes.look(&[], &memory(&[slot(42, 3)]))),
        [(42, 3)]
    );
    // The table was read before the sums arrived, the slot after they had left.
    assert_eq!(
        calls(&processes.look(&[], &memory(&[slot(43, 1)]))),
        [(43, 1)]
    );
    let look = processes.look(&[(KEY, top(3))], &memory(&[slot(43, 1)]));
    assert_eq!(calls(&look), []);
    let look = processes.look(&[(KEY, top(5))], &memory(&[slot(43, 1)]));
    assert_eq!(calls(&look), [(42, 2)]);
}

#[test]
fn a_deleted_row_is_not_told_again_nor_missed() {
    let mut processes = Processes::default();
    let slots = memory(&[slot(42, 2)]);
    processes.look(&[(KEY, top(10))], &slots);
    processes.forgotten(&KEY, &top(10));
    assert_eq!(calls(&processes.look(&[], &slots)), []);
    assert_eq!(
        calls(&processes.look(&[], &memory(&[slot(42, 5)]))),
        [(42, 3)]
    );
}

#[test]
fn only_rows_without_a_slot_are_settled() {
    let mut processes = Processes::default();
    let other = TopKey { pid: 44, ..KEY };
    let look = processes.look(&[(KEY, top(1)), (other, top(1))], &memory(&[slot(42, 0)]));
    assert_eq!(look.settled, [other]);
}

#[test]
fn calls_in_flight_are_listed() {
    let mut busy = slot(42, 1);
    busy.flight.tid = 99;
    busy.flight.start_ns = 1234;
    let look = Processes::default().look(&[], &memory(&[slot(1, 1), busy]));
    assert_eq!(look.in_flight.len(), 1);
    let call = look.in_flight[0];
    assert_eq!((call.slot, call.tid, call.start_ns), (1, 99, 1234));
}

#[test]
fn what_is_gone_for_good_is_forgotten() {
    let mut processes = Processes::default();
    let slots = memory(&[slot(42, 2)]);
    processes.look(&[], &slots);
    for word in &slots {
        word.store(0, Relaxed);
    }
    processes.look(&[], &slots);
    processes.look(&[], &slots);
    assert!(processes.told.is_empty());
}
