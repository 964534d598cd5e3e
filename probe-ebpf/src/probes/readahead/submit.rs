//! `read_pages`: the pages that are really submitted, on every kernel and for
//! every kind of readahead.

use super::{
    book,
    reading::Reading,
    stream::{self, Step},
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
    let pages = u64::from(M::read::<u32, _>(control, &OFF_RAC_PAGES));
    if pages == 0 {
        return;
    }
    let ids = task::ids();
    if !admit::task(ids, program) {
        return;
    }
    let Some(reading) = Reading::of(ids.tid) else {
        return;
    };
    let kind = reading.kind(ids.tid, reading.flags(ids.tid));
    let inode = book::inode::<M>(control);
    let index = M::read::<u64, _>(control, &OFF_RAC_INDEX);
    let step = stream::step(ids.tid, inode, index, pages, task::now());
    if setting!(WithReadahead) != 0
        && let Some(flight) = inflight::of(ids.tid)
    {
        let sums = inflight::readahead(flight);
        sums.calls += 1;
        sums.pages += pages;
    }
    let Some(value) = book::value(ids.tid, book::device::<M>(inode), kind) else {
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
    value.count::<PAGES_AT, PAGE_BUCKETS>(pages);
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
    u64::from(M::read::<u32, _>(file, &OFF_FILE_RA_PAGES))
}
