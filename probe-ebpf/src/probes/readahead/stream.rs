//! Streams: a thread that reads on in a file, window after window. Their pace is
//! what a plain reader (one without `copy_file_range`) experiences.

use crate::{kernel::Address, loss, maps::STREAMS};
use aya_ebpf::bindings::BPF_ANY;
use probe_common::loss::Loss;

/// Key of the `STREAMS` hash.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct StreamKey {
    inode: u64,
    tid: u32,
    reserved: u32,
}

/// The last window of a stream.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Stream {
    /// Its first page.
    index: u64,
    /// Its pages.
    pages: u64,
    /// When it was submitted, `CLOCK_BOOTTIME`, ns.
    boot_ns: u64,
}

/// What a window does to its stream.
pub enum Step {
    /// It follows no other.
    Begins,
    /// It follows the last one.
    Advances {
        /// Distance of their first pages.
        pages: u64,
        /// Time between their submissions.
        ns: u64,
    },
}

/// Takes a window of `pages` pages from page `index` of `inode` on.
#[inline(always)]
pub fn step(tid: u32, inode: Address, index: u64, pages: u64, now: u64) -> Step {
    let key = StreamKey {
        inode: inode as u64,
        tid,
        reserved: 0,
    };
    let window = Stream {
        index,
        pages,
        boot_ns: now,
    };
    let Some(last) = STREAMS.get_ptr_mut(key) else {
        if STREAMS.insert(key, window, u64::from(BPF_ANY)).is_err() {
            loss::count(Loss::Streams);
        }
        return Step::Begins;
    };
    // SAFETY: a value of the map, written to by this thread only.
    let last = unsafe { &mut *last };
    let before = *last;
    *last = window;
    // Pages that were cached already leave gaps; one wider than a window is
    // another place of the file.
    if index > before.index && index <= before.index + 2 * before.pages {
        Step::Advances {
            pages: index - before.index,
            ns: now - before.boot_ns,
        }
    } else {
        Step::Begins
    }
}
