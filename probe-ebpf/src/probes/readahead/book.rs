//! The series of a readahead window, and its device.

use crate::{
    admit,
    cells::Cell,
    kernel::{
        Address, Memory, OFF_INODE_RDEV, OFF_INODE_SB, OFF_MAPPING_HOST, OFF_RAC_MAPPING,
        OFF_SB_DEV, OFF_SB_MAGIC,
    },
    maps::{READAHEAD_BY_ID, READAHEAD_CELLS, READAHEAD_FREE, READAHEAD_KEYS},
    series::{Series, cell},
    task,
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
pub fn device<M: Memory>(inode: Address) -> u32 {
    let super_block = M::pointer(inode, &OFF_INODE_SB);
    let device: u32 = M::read(super_block, &OFF_SB_DEV);
    // Anonymous devices have major 0, and 12 bits are above the minor's 20.
    if device >> 20 == 0 && M::read::<u64, _>(super_block, &OFF_SB_MAGIC) == BDEVFS_MAGIC {
        return M::read(inode, &OFF_INODE_RDEV);
    }
    device
}

/// The value to add to; `None` if a filter excludes it.
#[inline(always)]
pub fn value(tid: u32, device: u32, kind: Readahead) -> Option<Cell<READAHEAD_WORDS>> {
    let cgroup = task::cgroup();
    if !admit::call(device, device) {
        return None;
    }
    let number = SERIES.number(&SeriesKey {
        dev_in: device,
        dev_out: 0,
        kind: kind as u32,
        reserved: 0,
        cgroup,
    });
    let words = READAHEAD_CELLS.get_ptr_mut(cell(number, tid))?;
    // SAFETY: a value of the map.
    Some(unsafe { Cell::new(words) })
}
