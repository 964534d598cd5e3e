//! What a copy that returned adds to its series, its process and its errors.

use crate::{
    admit, atomic,
    cells::Cell,
    inflight, loss,
    maps::{COPY_BY_ID, COPY_CELLS, COPY_ERRORS, COPY_FREE, COPY_KEYS},
    patched::setting,
    series::{Series, cell},
    task::{self, Current, Task},
    top,
};
use aya_ebpf::bindings::BPF_NOEXIST;
use probe_common::{
    bucket::TIME_BUCKETS,
    cell::{COPY_WORDS, copy},
    loss::Loss,
    series::{ErrorKey, OTHER, Route, SeriesKey, Via},
    slot::{CLONED, DATA, Flight, NOTHING, Slot, Top, TopKey, flag},
};

/// The kernel's own limit of one read or write, bytes. `cp` asks for nearly 2^63:
/// a sum of that would say nothing, and overflow at the third call.
const MAX_RW_COUNT: u64 = 0x7fff_f000;

static SERIES: Series = Series {
    keys: &COPY_KEYS,
    free: &COPY_FREE,
    by_id: &COPY_BY_ID,
    overflow: Loss::CopySeries,
};

/// A copy that returned.
#[derive(Clone, Copy)]
pub struct Copy {
    /// Device read from.
    pub dev_in: u32,
    /// Device written to.
    pub dev_out: u32,
    /// How the bytes went; a file system's own method is found out later.
    pub route: Route,
    /// What it came through.
    pub via: Via,
    /// Bytes asked for.
    pub asked: u64,
    /// Bytes copied, or a negative errno.
    pub result: i64,
}

impl Copy {
    /// A call of which nothing is known but the result.
    #[inline(always)]
    pub fn unknown(via: Via, result: i64) -> Self {
        Self {
            dev_in: 0,
            dev_out: 0,
            route: if result > 0 {
                Route::Unknown
            } else {
                Route::None
            },
            via,
            asked: 0,
            result,
        }
    }
}

/// Counts a copy that returned at `end_ns`, and ends it where its start was
/// noted, in `flight`. `slot` is that of the thread, unless another thread is in
/// flight there. `method` says whether the file system written to copies by a
/// method of its own; it is asked once for many calls.
#[inline(always)]
pub fn count(
    task: &Task,
    slot: Option<*mut Slot>,
    flight: Option<&mut Flight>,
    call: &Copy,
    end_ns: u64,
    method: impl Fn() -> bool,
) {
    let own = slot.is_some();
    add(task, slot, flight.as_deref(), call, end_ns, method);
    if let Some(flight) = flight {
        inflight::end(flight, own, task.ids.tid);
    }
}

#[inline(always)]
fn add(
    task: &Task,
    slot: Option<*mut Slot>,
    flight: Option<&Flight>,
    call: &Copy,
    end_ns: u64,
    method: impl Fn() -> bool,
) {
    let cgroup = if setting!(WithCgroup) != 0 {
        task::cgroup()
    } else {
        0
    };
    if !admit::call(call.dev_in, call.dev_out) {
        return;
    }
    let time_ns = flight.map_or(0, |flight| end_ns.wrapping_sub(flight.start_ns));
    let copied = if call.result > 0 {
        call.result as u64
    } else {
        0
    };
    let place = match slot {
        Some(slot) => {
            // SAFETY: a value of the map.
            let slot = unsafe { &mut *slot };
            in_slot(task, slot, call, cgroup, copied, time_ns, method)
        }
        None => in_none(task, call, cgroup, copied, time_ns, method),
    };
    if call.result < 0 {
        // Without the check the compiler makes room for a panic.
        let number = place.checked_div(setting!(Shards)).unwrap_or(OTHER);
        error(number, -call.result as u32);
    }
    let Some(words) = COPY_CELLS.get_ptr_mut(place) else {
        return;
    };
    // SAFETY: a value of the map.
    let cell = unsafe { Cell::<COPY_WORDS>::new(words) };
    cell.add::<{ copy::CALLS }>(1);
    let asked = call.asked.min(MAX_RW_COUNT);
    cell.add::<{ copy::BYTES_REQUESTED }>(asked);
    if call.result > 0 {
        cell.add::<{ copy::BYTES_COPIED }>(copied);
        if copied < asked {
            cell.add::<{ copy::SHORT }>(1);
        }
    } else if call.result < 0 {
        cell.add::<{ copy::ERRORS }>(1);
    }
    match flight {
        Some(flight) => add_time(cell, task, flight, time_ns),
        None => cell.add::<{ copy::NO_LATENCY }>(1),
    }
    cell.touch();
}

/// Adds to the sums of the slot, and finds the place of the call's series: a
/// slot knows it from the last call of its keys.
#[inline(always)]
fn in_slot(
    task: &Task,
    slot: &mut Slot,
    call: &Copy,
    cgroup: u64,
    copied: u64,
    time_ns: u64,
    method: impl Fn() -> bool,
) -> u32 {
    let via = call.via as u32;
    if slot.pid != task.ids.pid
        || slot.via != via
        || slot.dev_in != call.dev_in
        || slot.dev_out != call.dev_out
        || slot.cgroup != cgroup
    {
        top::hand_over(slot, task.ids.pid, via, call.dev_in, call.dev_out, cgroup);
        slot.method = u32::from(method());
    }
    slot.calls += 1;
    slot.bytes += copied;
    slot.time_ns += time_ns;
    let route = route(call, slot.method != 0);
    let known = match route {
        Route::None => &mut slot.cells[NOTHING],
        Route::Clone => &mut slot.cells[CLONED],
        Route::Fs | Route::Splice => &mut slot.cells[DATA],
        Route::Unknown => return place(task, call, route, cgroup),
    };
    if *known == 0 {
        *known = 1 + place(task, call, route, cgroup);
    }
    *known - 1
}

/// As [`in_slot`], where the slot is another thread's.
#[inline(always)]
fn in_none(
    task: &Task,
    call: &Copy,
    cgroup: u64,
    copied: u64,
    time_ns: u64,
    method: impl Fn() -> bool,
) -> u32 {
    let key = TopKey {
        pid: task.ids.pid,
        dev_in: call.dev_in,
        dev_out: call.dev_out,
        reserved: 0,
    };
    let sums = Top {
        calls: 1,
        bytes: copied,
        time_ns,
        cgroup,
        comm: task::comm(),
    };
    top::add(&key, &sums);
    place(task, call, route(call, method()), cgroup)
}

/// What is no clone went by the file system's method, if it has one, and else
/// through the page cache.
#[inline(always)]
fn route(call: &Copy, method: bool) -> Route {
    match call.route {
        Route::Splice if method => Route::Fs,
        route => route,
    }
}

#[inline(always)]
fn place(task: &Task, call: &Copy, route: Route, cgroup: u64) -> u32 {
    let number = SERIES.number(&SeriesKey {
        dev_in: call.dev_in,
        dev_out: call.dev_out,
        kind: route as u32 | (call.via as u32) << 8,
        reserved: 0,
        cgroup,
    });
    cell(number, task.ids.tid)
}

/// Adds what only a call whose start was seen has.
#[inline(always)]
fn add_time(cell: Cell<COPY_WORDS>, task: &Task, flight: &Flight, time_ns: u64) {
    cell.add::<{ copy::TIME_NS }>(time_ns);
    add_cpu(cell, task, flight, time_ns);
    readahead_inside(cell, flight);
    cell.count::<{ 1 + copy::SUMS }, TIME_BUCKETS>(time_ns);
}

/// Adds the time on and off CPU of a call.
#[inline(always)]
pub fn add_cpu(cell: Cell<COPY_WORDS>, task: &impl Current, flight: &Flight, time_ns: u64) {
    if setting!(WithOnCpu) != 0 {
        let mut on_cpu_ns = time_ns;
        if task.switches() != flight.switches {
            // A call without a switch was on CPU all the time. Of others the
            // run time is good to a tick, and may not exceed the call's own.
            let ran = task.run_ns().wrapping_sub(flight.run_ns);
            if ran < time_ns {
                on_cpu_ns = ran;
            }
            cell.add::<{ copy::OFF_CPU_NS }>(time_ns - on_cpu_ns);
            cell.add::<{ copy::SWITCHED }>(1);
        }
        cell.add::<{ copy::ON_CPU_NS }>(on_cpu_ns);
    }
}

/// Adds what readahead did inside a call.
#[inline(always)]
pub fn readahead_inside(cell: Cell<COPY_WORDS>, flight: &Flight) {
    if setting!(WithReadahead) != 0 && flight.flags & flag::READAHEAD != 0 {
        cell.add::<{ copy::READAHEAD_CALLS }>(flight.readahead.calls);
        cell.add::<{ copy::READAHEAD_PAGES }>(flight.readahead.pages);
        cell.add::<{ copy::READAHEAD_SUBMIT_NS }>(flight.readahead.submit_ns);
    }
}

/// Counts an error by its number.
#[inline(always)]
fn error(series: u32, errno: u32) {
    let key = ErrorKey { series, errno };
    let Some(count) = find(&key) else {
        loss::count(Loss::Errors);
        return;
    };
    // SAFETY: a value of the map.
    unsafe { atomic::add(count, 1) };
}

#[inline(always)]
fn find(key: &ErrorKey) -> Option<*mut u64> {
    if let Some(count) = COPY_ERRORS.get_ptr_mut(key) {
        return Some(count);
    }
    // If it fails, another CPU was first, or the map is full.
    let _ = COPY_ERRORS.insert(key, 0, u64::from(BPF_NOEXIST));
    COPY_ERRORS.get_ptr_mut(key)
}
