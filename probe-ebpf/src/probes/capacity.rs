//! The capacity of block devices: the moment at which one grew.
//!
//! 6.12 and later pass every change through `bdev_set_nr_sectors`; before that
//! it takes several hooks. Only real changes are sent: old and new differ. Of
//! partitions the partition hooks tell, on every kernel in the same way.
//!
//! fentry, with twins as kprobes that share their bodies.

use crate::{
    emit,
    kernel::{
        self, Address, OFF_BDEV_DEV, OFF_BDEV_INODE, OFF_BDEV_NR_SECTORS, OFF_BDEV_PART,
        OFF_GENDISK_PART0, OFF_HD_NR_SECTS, OFF_INODE_SIZE,
    },
    maps::CAPACITIES,
    probes::disk::{self, Disk},
    settings,
};
use aya_ebpf::{
    macros::{fentry, kprobe},
    programs::{FEntryContext, ProbeContext},
};
use core::ptr;
use probe_common::event::{Capacity, CapacityHook, UNKNOWN};

#[inline(always)]
fn changed(dev: u32, disk: &Disk, from: u64, to: u64, hook: CapacityHook) {
    emit::send(Capacity {
        header: emit::header::<Capacity>(),
        dev,
        disk_dev: disk.dev,
        hook: hook as u32,
        reserved: 0,
        from_sectors: from,
        to_sectors: to,
        disk: disk.name,
    });
}

/// The capacity that a disk has, in sectors: from 5.11 `part0` is a
/// `block_device`, before that an `hd_struct` within the `gendisk`.
#[inline(always)]
fn capacity(gendisk: Address) -> Option<u64> {
    if OFF_BDEV_NR_SECTORS.exists() {
        let part0 = kernel::follow(gendisk, &OFF_GENDISK_PART0)?;
        kernel::probe(part0, &OFF_BDEV_NR_SECTORS)
    } else {
        let part0 = gendisk.wrapping_add(OFF_GENDISK_PART0.offset());
        kernel::probe(part0, &OFF_HD_NR_SECTS)
    }
}

/// A whole disk is about to be given a capacity.
#[inline(always)]
fn disk_set(gendisk: Address, to: u64, hook: CapacityHook) {
    if !settings::armed() {
        return;
    }
    let from = capacity(gendisk).unwrap_or(UNKNOWN);
    if from != to {
        let disk = Disk::of_gendisk(gendisk);
        changed(disk.dev, &disk, from, to, hook);
    }
}

/// The size of a `block_device` changes.
#[inline(always)]
fn bdev_changed(bdev: Address, from: u64, to: u64, hook: CapacityHook) {
    let disk = Disk::of_bdev(bdev);
    let dev = kernel::probe(bdev, &OFF_BDEV_DEV).unwrap_or(0);
    // A partition that is being made has no number yet. Device mapper on 5.10
    // has not tied a new device to its disk yet.
    if dev == disk.dev || disk.dev == 0 {
        changed(dev, &disk, from, to, hook);
    }
}

/// The size of a `block_device` is about to be set (5.11 and later).
#[inline(always)]
fn bdev_set(bdev: Address, to: u64) {
    if !settings::armed() {
        return;
    }
    let from = kernel::probe(bdev, &OFF_BDEV_NR_SECTORS).unwrap_or(UNKNOWN);
    if from != to {
        bdev_changed(bdev, from, to, CapacityHook::BdevSetNrSectors);
    }
}

#[inline(always)]
fn notified(gendisk: Address, to: u64) {
    disk_set(gendisk, to, CapacityHook::SetCapacityAndNotify);
    // On 5.10 `check_disk_size_change` will find the same change.
    if OFF_HD_NR_SECTS.exists()
        && let Some(dev) = disk::dev(gendisk)
    {
        let _ = CAPACITIES.insert(dev, to, 0);
    }
}

/// The size in sectors that the inode of a `block_device` has (5.10).
#[inline(always)]
fn inode_sectors(bdev: Address) -> u64 {
    kernel::follow(bdev, &OFF_BDEV_INODE)
        .and_then(|inode| kernel::probe::<u64, _>(inode, &OFF_INODE_SIZE))
        .map_or(UNKNOWN, |bytes| bytes >> 9)
}

/// The size of a `block_device` is about to be set (5.10).
#[inline(always)]
fn bdev_set_5_10(bdev: Address, to: u64) {
    if !settings::armed() {
        return;
    }
    let from = inode_sectors(bdev);
    // Every first opening of a device comes here too, with an inode that is new
    // and empty; the device is then tied to its partition (or disk) already,
    // which it is not where device mapper sets the size of a new one.
    let opening = from == 0 && kernel::follow(bdev, &OFF_BDEV_PART).is_some();
    if from != to && !opening {
        bdev_changed(bdev, from, to, CapacityHook::BdSetNrSectors);
    }
}

/// The size of a disk is compared with that of its `block_device` (5.10).
#[inline(always)]
fn checked(gendisk: Address, bdev: Address) {
    if !settings::armed() {
        return;
    }
    let from = inode_sectors(bdev);
    let Some(to) = capacity(gendisk) else {
        return;
    };
    let disk = Disk::of_gendisk(gendisk);
    // SAFETY: read once, and copied.
    let told = unsafe { CAPACITIES.get(disk.dev) }.is_some_and(|&last| last == to);
    if from != to && !told {
        changed(disk.dev, &disk, from, to, CapacityHook::CheckDiskSizeChange);
    }
}

// void bdev_set_nr_sectors(struct block_device *bdev, sector_t sectors)
#[fentry(function = "bdev_set_nr_sectors")]
fn capacity_bdev(ctx: FEntryContext) -> u32 {
    bdev_set(ctx.arg(0), ctx.arg(1));
    0
}

// bool set_capacity_and_notify(struct gendisk *disk, sector_t size)
#[fentry(function = "set_capacity_and_notify")]
fn capacity_notify(ctx: FEntryContext) -> u32 {
    notified(ctx.arg(0), ctx.arg(1));
    0
}

// void set_capacity(struct gendisk *disk, sector_t sectors)
#[fentry(function = "set_capacity")]
fn capacity_set(ctx: FEntryContext) -> u32 {
    disk_set(ctx.arg(0), ctx.arg(1), CapacityHook::SetCapacity);
    0
}

// void bd_set_nr_sectors(struct block_device *bdev, sector_t sectors)
#[fentry(function = "bd_set_nr_sectors")]
fn capacity_bdev_5_10(ctx: FEntryContext) -> u32 {
    bdev_set_5_10(ctx.arg(0), ctx.arg(1));
    0
}

// void check_disk_size_change(struct gendisk *disk, struct block_device *bdev,
//         bool verbose)
#[fentry(function = "check_disk_size_change")]
fn capacity_check_5_10(ctx: FEntryContext) -> u32 {
    checked(ctx.arg(0), ctx.arg(1));
    0
}

/// The first two arguments of the function that is entered.
#[inline(always)]
fn two(ctx: &ProbeContext) -> (Address, u64) {
    (ctx.arg(0).unwrap_or(ptr::null()), ctx.arg(1).unwrap_or(0))
}

#[kprobe(function = "bdev_set_nr_sectors")]
fn capacity_bdev_kp(ctx: ProbeContext) -> u32 {
    let (bdev, to) = two(&ctx);
    bdev_set(bdev, to);
    0
}

#[kprobe(function = "set_capacity_and_notify")]
fn capacity_notify_kp(ctx: ProbeContext) -> u32 {
    let (gendisk, to) = two(&ctx);
    notified(gendisk, to);
    0
}

#[kprobe(function = "set_capacity")]
fn capacity_set_kp(ctx: ProbeContext) -> u32 {
    let (gendisk, to) = two(&ctx);
    disk_set(gendisk, to, CapacityHook::SetCapacity);
    0
}

#[kprobe(function = "bd_set_nr_sectors")]
fn capacity_bdev_5_10_kp(ctx: ProbeContext) -> u32 {
    let (bdev, to) = two(&ctx);
    bdev_set_5_10(bdev, to);
    0
}

#[kprobe(function = "check_disk_size_change")]
fn capacity_check_5_10_kp(ctx: ProbeContext) -> u32 {
    let (gendisk, bdev) = two(&ctx);
    checked(gendisk, bdev as Address);
    0
}
