//! What one series is counted by.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The key of a series. One map of keys a probe, so the probe is not in it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct SeriesKey {
    /// Kernel `dev_t` (major << 20 | minor) of the device read from.
    pub dev_in: u32,
    /// Kernel `dev_t` of the device written to; 0 where there is none.
    pub dev_out: u32,
    /// For `copy`: [`Route`] | [`Via`] << 8. For `readahead`: [`Readahead`].
    pub kind: u32,
    /// 0, as no padding byte may differ between equal keys; [`USED`] in the
    /// rows of the arrays by id.
    pub reserved: u32,
    /// cgroup id of the task (inode of its cgroup v2 directory).
    pub cgroup: u64,
}

/// `reserved` of a row in use of `COPY_BY_ID` and `READAHEAD_BY_ID`: tells a
/// key of zeros from no key.
pub const USED: u32 = 1;

/// The series that takes what finds no place of its own.
pub const OTHER: u32 = 0;

/// Key of the errors of a probe's series.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct ErrorKey {
    /// Number of the series.
    pub series: u32,
    /// The error, positive.
    pub errno: u32,
}

/// How the bytes of a copy went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Route {
    /// Nothing was copied: the call returned 0 or an error.
    None = 0,
    /// Blocks were shared (`remap_file_range`).
    Clone = 1,
    /// The file system copied (its own `copy_file_range` method).
    Fs = 2,
    /// Through the page cache (`do_splice_direct`).
    Splice = 3,
    /// Something was copied by a call whose start was not seen, and with it not
    /// whether blocks were shared.
    Unknown = 4,
}

/// What the copy came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Via {
    /// The system call itself.
    Syscall = 0,
    /// The clone ioctls (`FICLONE`, `FICLONERANGE`).
    Ioctl = 1,
    /// An overlay file system; the devices are those beneath it.
    Overlay = 2,
    /// Refused in the system call's entry, before the file system layer: no
    /// device is known. Counted on request only.
    Entry = 3,
}

/// Why a readahead window was submitted; the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Readahead {
    /// Inside `page_cache_sync_ra`: the page was missing.
    Sync = 0,
    /// Inside `page_cache_async_ra`: the marked page was reached.
    Async = 1,
    /// Inside `force_page_cache_ra`: `fadvise`, `readahead(2)`, random access.
    Forced = 2,
    /// Inside `filemap_fault`: a mapped page was touched.
    Mmap = 3,
}

macro_rules! numbered {
    ($type:ident: $($variant:ident $name:literal),+) => {
        impl TryFrom<u8> for $type {
            type Error = u8;
            fn try_from(number: u8) -> Result<Self, u8> {
                $(if number == Self::$variant as u8 { return Ok(Self::$variant); })+
                Err(number)
            }
        }

        impl $type {
            /// The name used in recordings and reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}
numbered!(Route: None "none", Clone "clone", Fs "fs", Splice "splice", Unknown "unknown");
numbered!(Via: Syscall "syscall", Ioctl "ioctl", Overlay "overlay", Entry "entry");
numbered!(Readahead: Sync "sync", Async "async", Forced "forced", Mmap "mmap");
