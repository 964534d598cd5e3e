//! The kernel's partition tables: partitions added, grown, deleted, tables read
//! again, and refusals of any of these.
//!
//! Up to 5.13 most of these functions take a `block_device`, later a `gendisk`.

use crate::{
    emit,
    kernel::{self, Address, OFF_BDEV_DISK},
    probes::disk::Disk,
    settings,
};
use aya_ebpf::{macros::fexit, programs::FExitContext};
use core::ptr;
use probe_common::event::{Partition, PartitionOp, UNKNOWN};

#[inline(always)]
fn changed(gendisk: Address, op: PartitionOp, number: u32, start: u64, len: u64, ret: i32) {
    if !settings::armed() {
        return;
    }
    let disk = Disk::of_gendisk(gendisk);
    emit::send(Partition {
        header: emit::header::<Partition>(),
        disk_dev: disk.dev,
        op: op as u32,
        number,
        ret,
        start_sector: start,
        sectors: len,
        disk: disk.name,
    });
}

/// The `gendisk` of a `block_device`.
#[inline(always)]
fn gendisk_of(bdev: Address) -> Address {
    kernel::follow(bdev, &OFF_BDEV_DISK).unwrap_or(ptr::null())
}

// struct block_device *add_partition(struct gendisk *disk, int partno,
//         sector_t start, sector_t len, int flags, struct partition_meta_info *info)
#[fexit(function = "add_partition")]
fn partition_added(ctx: FExitContext) -> u32 {
    // An error is the negative errno as a pointer.
    let ret: i64 = ctx.arg(6);
    let ret = if (-4095..0).contains(&ret) {
        ret as i32
    } else {
        0
    };
    let (start, len) = (ctx.arg(2), ctx.arg(3));
    changed(ctx.arg(0), PartitionOp::Add, ctx.arg(1), start, len, ret);
    0
}

/// `bdev_add_partition` returned: what succeeded, `add_partition` has told.
#[inline(always)]
fn refused(ctx: &FExitContext, gendisk: impl FnOnce() -> Address) {
    let ret = ctx.arg(4);
    if ret < 0 {
        let (start, len) = (ctx.arg(2), ctx.arg(3));
        changed(gendisk(), PartitionOp::Add, ctx.arg(1), start, len, ret);
    }
}

// int bdev_add_partition(struct gendisk *disk, int partno, sector_t start,
//         sector_t length)
#[fexit(function = "bdev_add_partition")]
fn partition_refused(ctx: FExitContext) -> u32 {
    refused(&ctx, || ctx.arg(0));
    0
}

// int bdev_add_partition(struct block_device *bdev, int partno, …)
#[fexit(function = "bdev_add_partition")]
fn partition_refused_5_10(ctx: FExitContext) -> u32 {
    refused(&ctx, || gendisk_of(ctx.arg(0)));
    0
}

#[inline(always)]
fn resized(ctx: &FExitContext, gendisk: Address) {
    let (start, len) = (ctx.arg(2), ctx.arg(3));
    let op = PartitionOp::Resize;
    changed(gendisk, op, ctx.arg(1), start, len, ctx.arg(4));
}

// int bdev_resize_partition(struct gendisk *disk, int partno, sector_t start,
//         sector_t length)
#[fexit(function = "bdev_resize_partition")]
fn partition_resized(ctx: FExitContext) -> u32 {
    resized(&ctx, ctx.arg(0));
    0
}

// int bdev_resize_partition(struct block_device *bdev, int partno, …)
#[fexit(function = "bdev_resize_partition")]
fn partition_resized_5_10(ctx: FExitContext) -> u32 {
    resized(&ctx, gendisk_of(ctx.arg(0)));
    0
}

#[inline(always)]
fn deleted(ctx: &FExitContext, gendisk: Address) {
    let (number, ret) = (ctx.arg(1), ctx.arg(2));
    changed(gendisk, PartitionOp::Delete, number, UNKNOWN, UNKNOWN, ret);
}

// int bdev_del_partition(struct gendisk *disk, int partno)
#[fexit(function = "bdev_del_partition")]
fn partition_deleted(ctx: FExitContext) -> u32 {
    deleted(&ctx, ctx.arg(0));
    0
}

// int bdev_del_partition(struct block_device *bdev, int partno)
#[fexit(function = "bdev_del_partition")]
fn partition_deleted_5_10(ctx: FExitContext) -> u32 {
    deleted(&ctx, gendisk_of(ctx.arg(0)));
    0
}

#[inline(always)]
fn reread(ctx: &FExitContext, gendisk: Address) {
    let ret = ctx.arg(2);
    changed(gendisk, PartitionOp::Reread, 0, UNKNOWN, UNKNOWN, ret);
}

// int bdev_disk_changed(struct gendisk *disk, bool invalidate)
#[fexit(function = "bdev_disk_changed")]
fn disk_reread(ctx: FExitContext) -> u32 {
    reread(&ctx, ctx.arg(0));
    0
}

// int bdev_disk_changed(struct block_device *bdev, bool invalidate)
#[fexit(function = "bdev_disk_changed")]
fn disk_reread_5_10(ctx: FExitContext) -> u32 {
    reread(&ctx, gendisk_of(ctx.arg(0)));
    0
}
