//! Streams: a thread that reads on in a file, window after window. Their pace is
//! what a plain reader (one without `copy_file_range`) experiences.
//!
//! The stream that began last in a thread's place is kept there, which is where
//! nearly every window finds its own; all others are in the `STREAMS` hash. None
//! is in both.

use super::reading::Reading;
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

impl Stream {
    /// A window of `pages` pages from page `index` on, submitted at `boot_ns`.
    #[inline(always)]
    pub fn new(index: u64, pages: u64, boot_ns: u64) -> Self {
        Self {
            index,
            pages,
            boot_ns,
        }
    }

    /// Goes on to a window.
    #[inline(always)]
    fn step(&mut self, window: Self) -> Step {
        let before = *self;
        *self = window;
        // Pages that were cached already leave gaps; one wider than a window is
        // another place of the file.
        if window.index > before.index
            && window.index <= before.index + 2 * before.pages
            && window.boot_ns >= before.boot_ns
        {
            Step::Advances {
                pages: window.index - before.index,
                ns: window.boot_ns - before.boot_ns,
            }
        } else {
            Step::Begins
        }
    }
}

/// Takes a window of `inode` that thread `tid` reads. `reading` is its place,
/// which another thread may be using.
#[inline(always)]
pub fn step(reading: &mut Reading, tid: u32, inode: Address, window: Stream) -> Step {
    if reading.key.inode == inode as u64 && reading.key.tid == tid {
        return reading.stream.step(window);
    }
    let key = StreamKey {
        inode: inode as u64,
        tid,
        reserved: 0,
    };
    if let Some(stream) = STREAMS.get_ptr_mut(key) {
        // SAFETY: a value of the map, written to by this thread only.
        return unsafe { &mut *stream }.step(window);
    }
    if reading.tid != tid {
        keep(&key, &window);
        return Step::Begins;
    }
    if reading.key.tid != 0 {
        keep(&reading.key, &reading.stream);
    }
    reading.key = key;
    reading.stream = window;
    Step::Begins
}

#[inline(always)]
fn keep(key: &StreamKey, stream: &Stream) {
    if STREAMS.insert(key, stream, u64::from(BPF_ANY)).is_err() {
        loss::count(Loss::Streams);
    }
}
