//! The return of nearly every call: all that was asked for is copied, from and
//! to where the thread's last call went. It is counted in the same series, by the
//! fewest instructions, and says nothing that [`super::count`] would not.

use super::count::readahead_inside;
use crate::{
    args::arg,
    cells::Cell,
    files::wide_device,
    inflight,
    kernel::{Address, Typed},
    maps::COPY_CELLS,
    patched::setting,
    task::{self, Current},
};
use aya_ebpf::programs::FExitContext;
use core::mem::offset_of;
use probe_common::{
    bucket::TIME_BUCKETS,
    cell::{COPY_WORDS, copy},
    series::Via,
    slot::{DATA, Flight, Slot, flag},
};

/// Counts the call if it is such a one; else nothing is done.
#[inline(always)]
pub fn count(call: &FExitContext, task: &impl Current, end_ns: u64) -> bool {
    if setting!(Filters) != 0 || setting!(WithCopyEntry) != 0 {
        return false;
    }
    let Some(slot) = inflight::slot(task.tid() as u32) else {
        return false;
    };
    // SAFETY: a value of the map.
    let (flight, sums) = unsafe {
        (
            Pair::of(&raw const (*slot).flight.tid),
            Pair::of(&raw const (*slot).pid),
        )
    };
    // SAFETY: as above.
    let slot = unsafe { &mut *slot };
    if flight.without(flag::READAHEAD) != task.tid()
        || slot.flight.file_in != arg(call, 0)
        || slot.flight.position != arg(call, 1)
        || sums.0 != task.pid()
    {
        return false;
    }
    if setting!(WithDevices) != 0
        && (u64::from(slot.dev_in) != wide_device::<Typed>(arg(call, 0) as Address)
            || u64::from(slot.dev_out) != wide_device::<Typed>(arg(call, 2) as Address))
    {
        return false;
    }
    if setting!(WithCgroup) != 0 && slot.cgroup != task::cgroup() {
        return false;
    }
    let copied = arg(call, 6);
    if copied != arg(call, 4) || copied as i64 <= 0 {
        return false;
    }
    let Some(place) = slot.cells[DATA].checked_sub(1) else {
        return false;
    };
    let Some(words) = COPY_CELLS.get_ptr_mut(place) else {
        return false;
    };
    // SAFETY: a value of the map.
    let cell = unsafe { Cell::<COPY_WORDS>::new(words) };
    let time_ns = end_ns - slot.flight.start_ns;
    slot.calls += 1;
    slot.bytes += copied;
    slot.time_ns += time_ns;
    cell.add::<{ copy::CALLS }>(1);
    cell.add::<{ copy::BYTES_REQUESTED }>(copied);
    cell.add::<{ copy::BYTES_COPIED }>(copied);
    cell.add::<{ copy::TIME_NS }>(time_ns);
    super::count::add_cpu(cell, task, &slot.flight, time_ns);
    readahead_inside(cell, &slot.flight);
    cell.count_near::<{ 1 + copy::SUMS }, TIME_BUCKETS>(time_ns, &mut slot.shift);
    cell.touch();
    slot.flight.tid = 0;
    true
}

/// An id and the word behind it, compared as one: flags behind the thread in
/// flight, and behind the process of the sums what they came through, which is the
/// system call itself where all is 0.
struct Pair(u64);

const _: () = {
    assert!(offset_of!(Slot, flight) == 0 && offset_of!(Flight, tid) == 0);
    assert!(offset_of!(Flight, flags) == 4);
    assert!(offset_of!(Slot, pid) % 8 == 0 && offset_of!(Slot, via) == offset_of!(Slot, pid) + 4);
    assert!(Via::Syscall as u32 == 0);
};

impl Pair {
    /// # Safety
    ///
    /// `id` is one of those two.
    #[inline(always)]
    unsafe fn of(id: *const u32) -> Self {
        // SAFETY: the caller's.
        Self(unsafe { id.cast::<u64>().read() })
    }

    /// Both words, whether this flag is set or not.
    #[inline(always)]
    fn without(&self, flag: u32) -> u64 {
        self.0 & !(u64::from(flag) << 32)
    }
}
