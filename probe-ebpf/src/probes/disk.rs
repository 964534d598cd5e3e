//! What a `struct gendisk` says of itself.

use crate::kernel::{
    self, Address, OFF_BDEV_DISK, OFF_GENDISK_FIRST_MINOR, OFF_GENDISK_MAJOR, OFF_GENDISK_NAME,
};

/// A whole disk.
pub struct Disk {
    /// Kernel `dev_t`; 0 where it could not be read.
    pub dev: u32,
    /// The kernel's name, NUL-padded; empty where it could not be read.
    pub name: [u8; 32],
}

impl Disk {
    /// The disk of a `struct gendisk`.
    #[inline(always)]
    pub fn of_gendisk(gendisk: Address) -> Self {
        Self {
            dev: dev(gendisk).unwrap_or(0),
            name: kernel::text_of(gendisk, &OFF_GENDISK_NAME),
        }
    }

    /// The disk of a `struct block_device`, which may be a partition.
    #[inline(always)]
    pub fn of_bdev(bdev: Address) -> Self {
        // Null is not readable, so gives a disk without number and name.
        Self::of_gendisk(kernel::follow(bdev, &OFF_BDEV_DISK).unwrap_or(core::ptr::null()))
    }
}

/// The `dev_t` of a `struct gendisk`.
#[inline(always)]
pub fn dev(gendisk: Address) -> Option<u32> {
    let major: u32 = kernel::probe(gendisk, &OFF_GENDISK_MAJOR)?;
    let minor: u32 = kernel::probe(gendisk, &OFF_GENDISK_FIRST_MINOR)?;
    Some(major << 20 | minor)
}
