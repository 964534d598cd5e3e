//! Calls in flight: one a thread, in its slot or, where another thread is in
//! flight there, in the overflow hash.

use crate::{
    loss,
    maps::{OVERFLOW_SLOTS, SLOTS},
    patched::setting,
    task::{self, Current},
    zero,
};
use aya_ebpf::bindings::BPF_ANY;
use probe_common::{
    loss::Loss,
    slot::{Flight, ReadaheadSums, SLOTS_LEN, Slot, flag},
};

/// Where to note a call of thread `tid` that begins: the place of the call that
/// is noted as in flight, or a free one.
#[inline(always)]
pub fn place(tid: u32) -> Option<&'static mut Flight> {
    // SAFETY: a value of the map.
    let flight = unsafe { &mut (*slot(tid)?).flight };
    if flight.tid == 0 || flight.tid == tid {
        return Some(flight);
    }
    if let Some(flight) = overflowed(tid) {
        return Some(flight);
    }
    // Any value will do: who begins a call sets what the call needs.
    if OVERFLOW_SLOTS
        .insert(tid, &*flight, u64::from(BPF_ANY))
        .is_err()
    {
        loss::count(Loss::InFlight);
        return None;
    }
    overflowed(tid)
}

/// Notes what every call notes, and that it is in flight.
#[inline(always)]
pub fn begin(flight: &mut Flight, task: &impl Current) {
    if setting!(WithOnCpu) != 0 {
        flight.switches = task.switches();
        flight.run_ns = task.run_ns();
    }
    flight.start_ns = task::now();
    flight.tid = task.tid() as u32;
}

/// The slot of thread `tid`, unless another is in flight there; and its call in
/// flight, if any.
#[inline(always)]
pub fn at(tid: u32) -> Option<(Option<*mut Slot>, Option<&'static mut Flight>)> {
    let slot = slot(tid)?;
    // SAFETY: a value of the map.
    let flight = unsafe { &mut (*slot).flight };
    Some(if flight.tid == tid {
        (Some(slot), Some(flight))
    } else if flight.tid == 0 {
        (Some(slot), None)
    } else {
        (None, overflowed(tid))
    })
}

/// The call of thread `tid` that is in flight, if any.
#[inline(always)]
pub fn of(tid: u32) -> Option<&'static mut Flight> {
    at(tid)?.1
}

/// The sums of readahead inside a call.
#[inline(always)]
pub fn readahead(flight: &mut Flight) -> &mut ReadaheadSums {
    let sums = &mut flight.readahead;
    if flight.flags & flag::READAHEAD == 0 {
        flight.flags |= flag::READAHEAD;
        zero::clear([&mut sums.calls, &mut sums.pages, &mut sums.submit_ns]);
    }
    sums
}

/// Ends the call `flight` of thread `tid`, whose slot is not another's if it is
/// `own`.
#[inline(always)]
pub fn end(flight: &mut Flight, own: bool, tid: u32) {
    flight.tid = 0;
    if !own {
        let _ = OVERFLOW_SLOTS.remove(tid);
    }
}

/// The slot of a thread. It is written to by the thread in flight; where two
/// take it in the same instant, one of them finds the other's id in it and has
/// no latency.
#[inline(always)]
pub fn slot(tid: u32) -> Option<*mut Slot> {
    SLOTS.get_ptr_mut(tid & (SLOTS_LEN - 1))
}

#[inline(always)]
fn overflowed(tid: u32) -> Option<&'static mut Flight> {
    let flight = OVERFLOW_SLOTS.get_ptr_mut(tid)?;
    // SAFETY: a value of the map, removed by its own thread only.
    Some(unsafe { &mut *flight })
}
