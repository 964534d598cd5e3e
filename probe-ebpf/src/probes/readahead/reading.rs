//! What a thread is doing in the readahead code, and what its windows have in
//! common, so that the next one needs no look-up by hash.
//!
//! An array by thread id. Where two threads share a place in the same instant,
//! one of them may have its window counted in the other's series; no window is
//! lost by it.

use super::stream::{Stream, StreamKey};
use crate::{kernel::Address, maps::READAHEAD_TASKS};
use probe_common::{series::Readahead, slot::SLOTS_LEN};

/// A place of the array.
#[repr(C)]
pub struct Reading {
    /// Thread inside a readahead function; 0 for none.
    pub tid: u32,
    /// Which: bits of [`flag`].
    pub flags: u32,
    /// Start of the outermost one, `CLOCK_BOOTTIME`, ns.
    pub start_ns: u64,
    /// Its `struct readahead_control`: of kprobes from its entry on, of others
    /// once it has submitted pages.
    pub control: u64,
    /// The pages it is asked for; for kprobes.
    pub asked: u64,
    /// Thread inside `filemap_fault`; 0 for none.
    pub fault: u32,
    /// Where the pages that the function has submitted were counted: the index of
    /// the cell plus 1; 0 for none.
    pub counted: u32,
    /// The cgroup of the series below.
    pub cgroup: u64,
    /// Their device.
    pub device: u32,
    /// Where windows of these keys are counted, by kind: the index of the cell
    /// plus 1; 0 where not known.
    pub cells: [u32; 4],
    /// The power of two that the last time fell into.
    pub time_shift: u32,
    /// The power of two that the last window's pages fell into.
    pub pages_shift: u32,
    reserved: u32,
    /// The stream that began last in this place. It is in no other: see
    /// [`super::stream`].
    pub key: StreamKey,
    /// Its last window.
    pub stream: Stream,
}

/// Bits of [`Reading::flags`].
pub mod flag {
    /// Inside `page_cache_sync_ra`.
    pub const SYNC: u32 = 1;
    /// Inside `page_cache_async_ra`.
    pub const ASYNC: u32 = 2;
    /// Inside `force_page_cache_ra`.
    pub const FORCE: u32 = 4;
    /// `force_page_cache_ra` has run inside the others.
    pub const FORCED: u32 = 8;
}

impl Reading {
    /// The place of a thread.
    #[inline(always)]
    pub fn of(tid: u32) -> Option<&'static mut Self> {
        let place = READAHEAD_TASKS.get_ptr_mut(tid & (SLOTS_LEN - 1))?;
        // SAFETY: a value of the map.
        Some(unsafe { &mut *place })
    }

    /// What thread `tid` is inside of.
    #[inline(always)]
    pub fn flags(&self, tid: u32) -> u32 {
        if self.tid == tid { self.flags } else { 0 }
    }

    /// Whether thread `tid` is inside of `own` and nothing else, and has there
    /// submitted pages of `control`.
    #[inline(always)]
    pub fn has_counted(&self, tid: u32, own: u32, control: Address) -> bool {
        self.tid == tid && self.flags == own && self.counted != 0 && self.control == control as u64
    }

    /// Why a thread that is inside of `flags` reads ahead: the first that holds.
    #[inline(always)]
    pub fn kind(&self, tid: u32, flags: u32) -> Readahead {
        if self.fault == tid {
            Readahead::Mmap
        } else if flags & (flag::FORCE | flag::FORCED) != 0 {
            Readahead::Forced
        } else if flags & flag::SYNC != 0 {
            Readahead::Sync
        } else if flags & flag::ASYNC != 0 {
            Readahead::Async
        } else {
            // Inside none: a file system reads ahead on its own account
            // (`page_cache_ra_unbounded`, as fs-verity does).
            Readahead::Forced
        }
    }
}
