//! The series of a readahead window, and its device.

use super::reading::Reading;
use crate::{
    admit,
    cells::Cell,
    kernel::{
        Address, Memory, OFF_INODE_RDEV, OFF_INODE_SB, OFF_MAPPING_HOST, OFF_RAC_MAPPING,
        OFF_SB_DEV, OFF_SB_MAGIC,
    },
    maps::{READAHEAD_BY_ID, READAHEAD_CELLS, READAHEAD_FREE, READAHEAD_KEYS},
    patched::setting,
    series::{Series, cell},
    task, zero,
};
use probe_common::{
    cell::READAHEAD_WORDS,
    loss::Loss,
    series::{Readahead, SeriesKey},
};

static SERIES: Series = Series {
    keys: &READAHEAD_KEYS,
    free: &READAHEAD_FREE,
    by_id: &READAHEAD_BY_ID,
    overflow: Loss::ReadaheadSeries,
};

/// `s_magic` of the file system that holds the inodes of block devices.
const BDEVFS_MAGIC: u64 = 0x6264_6576;

/// The inode that a `struct readahead_control` reads.
#[inline(always)]
pub fn inode<M: Memory>(control: Address) -> Address {
    let mapping = M::pointer(control, &OFF_RAC_MAPPING);
    M::pointer(mapping, &OFF_MAPPING_HOST)
}

/// The device of an inode: its file system's, or for a block device itself.
#[inline(always)]
pub fn device<M: Memory>(inode: Address) -> u64 {
    if setting!(WithDevices) == 0 {
        return 0;
    }
    let super_block = M::pointer(inode, &OFF_INODE_SB);
    let device = M::wide(super_block, &OFF_SB_DEV);
    // Anonymous devices have major 0, and 12 bits are above the minor's 20.
    if device >> 20 == 0 && M::read::<u64, _>(super_block, &OFF_SB_MAGIC) == BDEVFS_MAGIC {
        return M::wide(inode, &OFF_INODE_RDEV);
    }
    device
}

/// The index of the cell to add to; `None` if a filter excludes it. The place of
/// a thread that is inside a readahead function knows it from the last window of
/// its keys.
#[inline(always)]
pub fn place(reading: &mut Reading, tid: u32, device: u64, kind: Readahead) -> Option<u32> {
    let cgroup = if setting!(WithCgroup) != 0 {
        task::cgroup()
    } else {
        0
    };
    if !admit::call(device as u32, device as u32) {
        return None;
    }
    if reading.tid != tid {
        return Some(find(tid, device as u32, kind, cgroup));
    }
    if u64::from(reading.device) != device || reading.cgroup != cgroup {
        reading.device = device as u32;
        reading.cgroup = cgroup;
        zero::clear(reading.cells.each_mut());
    }
    let known = match kind {
        Readahead::Sync => &mut reading.cells[0],
        Readahead::Async => &mut reading.cells[1],
        Readahead::Forced => &mut reading.cells[2],
        Readahead::Mmap => &mut reading.cells[3],
    };
    if *known == 0 {
        *known = 1 + find(tid, device as u32, kind, cgroup);
    }
    Some(*known - 1)
}

#[inline(always)]
fn find(tid: u32, device: u32, kind: Readahead, cgroup: u64) -> u32 {
    let number = SERIES.number(&SeriesKey {
        dev_in: device,
        dev_out: 0,
        kind: kind as u32,
        reserved: 0,
        cgroup,
    });
    cell(number, tid)
}

/// The cell of this index.
#[inline(always)]
pub fn value(place: u32) -> Option<Cell<READAHEAD_WORDS>> {
    let words = READAHEAD_CELLS.get_ptr_mut(place)?;
    // SAFETY: a value of the map.
    Some(unsafe { Cell::new(words) })
}
