//! `page_cache_sync_ra`, `page_cache_async_ra` and `force_page_cache_ra`: why
//! pages are read ahead, how many were asked for, and how long it takes to
//! allocate and submit them. That is no time of waiting for the disk.

use super::{
    book,
    reading::{Reading, flag},
};
use crate::{
    admit,
    cells::Cell,
    inflight,
    kernel::{Address, Memory, Probed, Typed},
    patched::setting,
    self_test, task,
};
use aya_ebpf::{
    macros::{fentry, fexit, kprobe, kretprobe},
    programs::{FEntryContext, FExitContext, ProbeContext, RetProbeContext},
};
use probe_common::{
    bucket::TIME_BUCKETS,
    cell::{READAHEAD_WORDS, readahead},
    programs,
};

/// The programs of one function; `asked` is the place of its number of pages
/// since 5.18, `asked_5_10` that before.
macro_rules! window {
    (
        $function:literal, $flag:expr, $asked:literal, $asked_5_10:literal:
        $enter:ident $exit:ident $exit_5_10:ident
        $enter_kp:ident $enter_kp_5_10:ident $exit_kp:ident
    ) => {
        #[fentry(function = $function)]
        fn $enter(_: FEntryContext) -> u32 {
            enter($flag, None, const { programs::number(stringify!($enter)) });
            0
        }

        #[fexit(function = $function)]
        fn $exit(ctx: FExitContext) -> u32 {
            let program = const { programs::number(stringify!($exit)) };
            exit::<Typed>($flag, ctx.arg(0), ctx.arg($asked), program);
            0
        }

        #[fexit(function = $function)]
        fn $exit_5_10(ctx: FExitContext) -> u32 {
            let program = const { programs::number(stringify!($exit_5_10)) };
            exit::<Typed>($flag, ctx.arg(0), ctx.arg($asked_5_10), program);
            0
        }

        #[kprobe(function = $function)]
        fn $enter_kp(ctx: ProbeContext) -> u32 {
            if let (Some(control), Some(asked)) = (ctx.arg(0), ctx.arg($asked)) {
                let program = const { programs::number(stringify!($enter_kp)) };
                enter($flag, Some((control, asked)), program);
            }
            0
        }

        #[kprobe(function = $function)]
        fn $enter_kp_5_10(ctx: ProbeContext) -> u32 {
            if let (Some(control), Some(asked)) = (ctx.arg(0), ctx.arg($asked_5_10)) {
                let program = const { programs::number(stringify!($enter_kp_5_10)) };
                enter($flag, Some((control, asked)), program);
            }
            0
        }

        #[kretprobe(function = $function)]
        fn $exit_kp(_: RetProbeContext) -> u32 {
            exit_kp($flag, const { programs::number(stringify!($exit_kp)) });
            0
        }
    };
}

// void page_cache_sync_ra(struct readahead_control *ractl, unsigned long req_count)
//         (5.10: ractl, struct file_ra_state *ra, req_count)
window!("page_cache_sync_ra", flag::SYNC, 1, 2:
    readahead_sync_enter readahead_sync_exit readahead_sync_exit_5_10
    readahead_sync_enter_kp readahead_sync_enter_kp_5_10 readahead_sync_exit_kp);

// void page_cache_async_ra(struct readahead_control *ractl, struct folio *folio,
//         unsigned long req_count)
//         (5.10: ractl, struct file_ra_state *ra, struct page *page, req_count)
window!("page_cache_async_ra", flag::ASYNC, 2, 3:
    readahead_async_enter readahead_async_exit readahead_async_exit_5_10
    readahead_async_enter_kp readahead_async_enter_kp_5_10 readahead_async_exit_kp);

// void force_page_cache_ra(struct readahead_control *ractl, unsigned long nr_to_read)
//         (5.10: ractl, struct file_ra_state *ra, nr_to_read)
window!("force_page_cache_ra", flag::FORCE, 1, 2:
    readahead_force_enter readahead_force_exit readahead_force_exit_5_10
    readahead_force_enter_kp readahead_force_enter_kp_5_10 readahead_force_exit_kp);

/// The time of a call whose start was not seen. An `Option` would do, but 5.10
/// refuses what the compiler makes of one: it reads the value before it looks
/// whether there is one, and a place of the stack that nothing was written to
/// may not be read.
const NO_TIME: u64 = u64::MAX;

/// Whether a thread that is inside of `flags` and enters or leaves the function
/// of `own` is inside of another: only forced readahead is, for files that are
/// read at random.
#[inline(always)]
fn nested(own: u32, flags: u32) -> bool {
    own == flag::FORCE && flags & (flag::SYNC | flag::ASYNC) != 0
}

/// Notes that the thread enters a function; of kprobes also the arguments, which
/// their return does not see.
#[inline(always)]
fn enter(own: u32, arguments: Option<(u64, u64)>, program: u32) {
    let ids = task::ids();
    let Some(reading) = Reading::of(ids.tid) else {
        return;
    };
    if !admit::task(ids, program) {
        // An earlier thread of this id may have left its note here.
        if reading.tid == ids.tid {
            reading.tid = 0;
        }
        return;
    }
    if nested(own, reading.flags(ids.tid)) {
        reading.flags |= flag::FORCE | flag::FORCED;
        return;
    }
    if let Some((control, asked)) = arguments {
        reading.control = control;
        reading.asked = asked;
    }
    reading.flags = own;
    reading.counted = 0;
    reading.start_ns = task::now();
    reading.tid = ids.tid;
}

/// The return of a function, with its arguments.
#[inline(always)]
fn exit<M: Memory>(own: u32, control: Address, asked: u64, program: u32) {
    let end_ns = task::now();
    let ids = task::ids();
    let Some(reading) = Reading::of(ids.tid) else {
        return;
    };
    if reading.has_counted(ids.tid, own, control) {
        return finish(reading, ids.tid, asked, end_ns);
    }
    let flags = reading.flags(ids.tid);
    if nested(own, flags) {
        reading.flags &= !flag::FORCE;
        return;
    }
    // Being noted, it was admitted. A start that was not seen gives no time.
    let noted = flags & own != 0;
    if !noted && !admit::task(ids, program) {
        return;
    }
    let submit_ns = if noted {
        end_ns - reading.start_ns
    } else {
        NO_TIME
    };
    book::<M>(reading, ids.tid, flags | own, control, asked, submit_ns);
    if reading.tid == ids.tid {
        reading.tid = 0;
    }
}

/// The return of nearly every call: it has submitted pages, and so it is known
/// where they were counted.
#[inline(always)]
fn finish(reading: &mut Reading, tid: u32, asked: u64, end_ns: u64) {
    let submit_ns = end_ns - reading.start_ns;
    in_copy(tid, submit_ns);
    if let Some(value) = book::value(reading.counted - 1) {
        add(value, reading, asked, submit_ns);
    }
    reading.tid = 0;
}

/// The return of a function, without its arguments.
#[inline(always)]
fn exit_kp(own: u32, program: u32) {
    let end_ns = task::now();
    let tid = task::ids().tid;
    let Some(reading) = Reading::of(tid) else {
        return;
    };
    let flags = reading.flags(tid);
    if nested(own, flags) {
        reading.flags &= !flag::FORCE;
        return;
    }
    if flags & own == 0 {
        self_test::saw_own(program);
        return;
    }
    let (control, asked) = (reading.control as Address, reading.asked);
    if reading.has_counted(tid, own, control) {
        return finish(reading, tid, asked, end_ns);
    }
    let submit_ns = end_ns - reading.start_ns;
    book::<Probed>(reading, tid, flags, control, asked, submit_ns);
    reading.tid = 0;
}

/// Adds what was asked for, and the time it took, to the window's series and to
/// the copy that it is part of.
#[inline(always)]
fn book<M: Memory>(
    reading: &mut Reading,
    tid: u32,
    flags: u32,
    control: Address,
    asked: u64,
    submit_ns: u64,
) {
    if submit_ns != NO_TIME {
        in_copy(tid, submit_ns);
    }
    let kind = reading.kind(tid, flags);
    let device = book::device::<M>(book::inode::<M>(control));
    let Some(value) = book::place(reading, tid, device, kind).and_then(book::value) else {
        return;
    };
    if submit_ns != NO_TIME {
        add(value, reading, asked, submit_ns);
    } else {
        value.add::<{ readahead::PAGES_REQUESTED }>(asked);
        value.touch();
    }
}

/// Adds the time to the copy that the thread is in, if any.
#[inline(always)]
fn in_copy(tid: u32, submit_ns: u64) {
    if setting!(WithReadahead) != 0
        && let Some(flight) = inflight::of(tid)
    {
        inflight::readahead(flight).submit_ns += submit_ns;
    }
}

#[inline(always)]
fn add(value: Cell<READAHEAD_WORDS>, reading: &mut Reading, asked: u64, submit_ns: u64) {
    value.add::<{ readahead::PAGES_REQUESTED }>(asked);
    value.add::<{ readahead::SUBMIT_NS }>(submit_ns);
    value.count_near::<{ 1 + readahead::SUMS }, TIME_BUCKETS>(submit_ns, &mut reading.time_shift);
    value.touch();
}
