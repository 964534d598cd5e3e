//! `read_pages`: the pages that are really submitted, on every kernel and for
//! every kind of readahead.

use super::{
    book,
    reading::Reading,
    stream::{self, Step, Stream},
};
use crate::{
    admit, inflight,
    kernel::{
        Address, Memory, OFF_FILE_RA_PAGES, OFF_RAC_FILE, OFF_RAC_INDEX, OFF_RAC_PAGES, Probed,
        Typed,
    },
    patched::setting,
    task,
};
use aya_ebpf::{
    macros::{fentry, kprobe},
    programs::{FEntryContext, ProbeContext},
};
use probe_common::{
    bucket::{PAGE_BUCKETS, TIME_BUCKETS},
    cell::readahead,
    programs,
};

/// Where the histogram of pages begins: behind the one of times.
const PAGES_AT: usize = 1 + readahead::SUMS + 1 + TIME_BUCKETS;

// void read_pages(struct readahead_control *rac)   (5.10: and two more)
#[fentry(function = "read_pages")]
fn readahead_submit(ctx: FEntryContext) -> u32 {
    submit::<Typed>(ctx.arg(0), const { programs::number("readahead_submit") });
    0
}

#[kprobe(function = "read_pages")]
fn readahead_submit_kp(ctx: ProbeContext) -> u32 {
    if let Some(control) = ctx.arg(0) {
        submit::<Probed>(control, const { programs::number("readahead_submit_kp") });
    }
    0
}

#[inline(always)]
fn submit<M: Memory>(control: Address, program: u32) {
    let pages = M::wide(control, &OFF_RAC_PAGES);
    if pages == 0 {
        return;
    }
    let ids = task::ids();
    let Some(reading) = Reading::of(ids.tid) else {
        return;
    };
    // Being noted, it was admitted, and its start is when the window came: the
    // clock is not asked again.
    let is_noted = reading.tid == ids.tid;
    let now = if is_noted {
        reading.start_ns
    } else if admit::task(ids, program) {
        task::now()
    } else {
        return;
    };
    let inode = book::inode::<M>(control);
    let index = M::read::<u64, _>(control, &OFF_RAC_INDEX);
    let window = Stream::new(index, pages, now);
    let step = stream::step(reading, ids.tid, inode, window);
    if setting!(WithReadahead) != 0
        && let Some(flight) = inflight::of(ids.tid)
    {
        let sums = inflight::readahead(flight);
        sums.calls += 1;
        sums.pages += pages;
    }
    let kind = reading.kind(ids.tid, reading.flags(ids.tid));
    let device = book::device::<M>(inode);
    let Some(place) = book::place(reading, ids.tid, device, kind) else {
        return;
    };
    if is_noted {
        reading.control = control as u64;
        reading.counted = place + 1;
    }
    let Some(value) = book::value(place) else {
        return;
    };
    value.add::<{ readahead::CALLS }>(1);
    value.add::<{ readahead::PAGES_SUBMITTED }>(pages);
    match step {
        Step::Begins => value.add::<{ readahead::STREAMS }>(1),
        Step::Advances { pages, ns } => {
            value.add::<{ readahead::PAGES_ADVANCED }>(pages);
            value.add::<{ readahead::ACTIVE_NS }>(ns);
        }
    }
    if pages >= cap::<M>(control) {
        value.add::<{ readahead::PAGES_AT_CAP }>(pages);
    }
    value.count_near::<PAGES_AT, PAGE_BUCKETS>(pages, &mut reading.pages_shift);
    value.touch();
}

/// The file's own cap of a window, pages: `fadvise` may have changed it, so it
/// is not the device's. No window is at the cap of a file that is not known.
#[inline(always)]
fn cap<M: Memory>(control: Address) -> u64 {
    let file = M::pointer(control, &OFF_RAC_FILE);
    if file.is_null() {
        return u64::MAX;
    }
    M::wide(file, &OFF_FILE_RA_PAGES)
}
