//! Files: the device they are on.

use crate::kernel::{Address, Memory, OFF_FILE_INODE, OFF_INODE_SB, OFF_SB_DEV};

/// The super block of a file.
#[inline(always)]
pub fn super_block<M: Memory>(file: Address) -> Address {
    let inode = M::pointer(file, &OFF_FILE_INODE);
    M::pointer(inode, &OFF_INODE_SB)
}

/// The device of a file, as it is compared at least cost.
#[inline(always)]
pub fn wide_device<M: Memory>(file: Address) -> u64 {
    M::wide(super_block::<M>(file), &OFF_SB_DEV)
}

/// The device of a file, as the kernel's `dev_t`; anonymous (major 0) where the
/// file system has no block device.
#[inline(always)]
pub fn device<M: Memory>(file: Address) -> u32 {
    M::read(super_block::<M>(file), &OFF_SB_DEV)
}
