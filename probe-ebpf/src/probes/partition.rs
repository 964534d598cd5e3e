//! The kernel's partition tables: partitions added, grown, deleted, tables read
//! again, and refusals of any of these.
//!
//! Up to 5.13 most of these functions take a `block_device`, later a `gendisk`.
//! fexit, with twins as pairs of kprobe and kretprobe that share their bodies.

use crate::{
    calls::{self, Function},
    emit,
    kernel::{self, Address, OFF_BDEV_DISK},
    probes::disk::Disk,
    settings,
};
use aya_ebpf::{
    macros::{fexit, kprobe, kretprobe},
    programs::{FExitContext, ProbeContext, RetProbeContext},
};
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

/// A partition was made, or not.
#[inline(always)]
fn added(gendisk: Address, number: u32, start: u64, len: u64, ret: i64) {
    // An error is the negative errno as a pointer.
    let ret = if (-4095..0).contains(&ret) {
        ret as i32
    } else {
        0
    };
    changed(gendisk, PartitionOp::Add, number, start, len, ret);
}

/// `bdev_add_partition` returned: what succeeded, `add_partition` has told.
#[inline(always)]
fn refused(gendisk: impl FnOnce() -> Address, number: u32, start: u64, len: u64, ret: i32) {
    if ret < 0 {
        changed(gendisk(), PartitionOp::Add, number, start, len, ret);
    }
}

#[inline(always)]
fn deleted(gendisk: Address, number: u32, ret: i32) {
    changed(gendisk, PartitionOp::Delete, number, UNKNOWN, UNKNOWN, ret);
}

#[inline(always)]
fn reread(gendisk: Address, ret: i32) {
    changed(gendisk, PartitionOp::Reread, 0, UNKNOWN, UNKNOWN, ret);
}

// struct block_device *add_partition(struct gendisk *disk, int partno,
//         sector_t start, sector_t len, int flags, struct partition_meta_info *info)
#[fexit(function = "add_partition")]
fn partition_added(ctx: FExitContext) -> u32 {
    added(ctx.arg(0), ctx.arg(1), ctx.arg(2), ctx.arg(3), ctx.arg(6));
    0
}

#[kprobe(function = "add_partition")]
fn partition_added_enter_kp(ctx: ProbeContext) -> u32 {
    calls::keep(&ctx, Function::AddPartition);
    0
}

#[kretprobe(function = "add_partition")]
fn partition_added_exit_kp(ctx: RetProbeContext) -> u32 {
    if let Some(call) = calls::take(Function::AddPartition) {
        let (start, len) = (call.number::<2>(), call.number::<3>());
        let number = call.number::<1>() as u32;
        added(call.address::<0>(), number, start, len, ctx.ret());
    }
    0
}

// int bdev_add_partition(struct gendisk *disk, int partno, sector_t start,
//         sector_t length)
#[fexit(function = "bdev_add_partition")]
fn partition_refused(ctx: FExitContext) -> u32 {
    let gendisk = || ctx.arg(0);
    refused(gendisk, ctx.arg(1), ctx.arg(2), ctx.arg(3), ctx.arg(4));
    0
}

// int bdev_add_partition(struct block_device *bdev, int partno, …)
#[fexit(function = "bdev_add_partition")]
fn partition_refused_5_10(ctx: FExitContext) -> u32 {
    let gendisk = || gendisk_of(ctx.arg(0));
    refused(gendisk, ctx.arg(1), ctx.arg(2), ctx.arg(3), ctx.arg(4));
    0
}

#[kprobe(function = "bdev_add_partition")]
fn partition_refused_enter_kp(ctx: ProbeContext) -> u32 {
    calls::keep(&ctx, Function::BdevAddPartition);
    0
}

#[inline(always)]
fn refused_kp(ctx: &RetProbeContext, gendisk: impl FnOnce(Address) -> Address) {
    if let Some(call) = calls::take(Function::BdevAddPartition) {
        let (start, len) = (call.number::<2>(), call.number::<3>());
        let number = call.number::<1>() as u32;
        refused(
            || gendisk(call.address::<0>()),
            number,
            start,
            len,
            ctx.ret(),
        );
    }
}

#[kretprobe(function = "bdev_add_partition")]
fn partition_refused_exit_kp(ctx: RetProbeContext) -> u32 {
    refused_kp(&ctx, |gendisk| gendisk);
    0
}

#[kretprobe(function = "bdev_add_partition")]
fn partition_refused_exit_kp_5_10(ctx: RetProbeContext) -> u32 {
    refused_kp(&ctx, gendisk_of);
    0
}

// int bdev_resize_partition(struct gendisk *disk, int partno, sector_t start,
//         sector_t length)
#[fexit(function = "bdev_resize_partition")]
fn partition_resized(ctx: FExitContext) -> u32 {
    let (start, len) = (ctx.arg(2), ctx.arg(3));
    let op = PartitionOp::Resize;
    changed(ctx.arg(0), op, ctx.arg(1), start, len, ctx.arg(4));
    0
}

// int bdev_resize_partition(struct block_device *bdev, int partno, …)
#[fexit(function = "bdev_resize_partition")]
fn partition_resized_5_10(ctx: FExitContext) -> u32 {
    let (start, len) = (ctx.arg(2), ctx.arg(3));
    let (gendisk, op) = (gendisk_of(ctx.arg(0)), PartitionOp::Resize);
    changed(gendisk, op, ctx.arg(1), start, len, ctx.arg(4));
    0
}

#[kprobe(function = "bdev_resize_partition")]
fn partition_resized_enter_kp(ctx: ProbeContext) -> u32 {
    calls::keep(&ctx, Function::BdevResizePartition);
    0
}

#[inline(always)]
fn resized_kp(ctx: &RetProbeContext, gendisk: impl FnOnce(Address) -> Address) {
    if let Some(call) = calls::take(Function::BdevResizePartition) {
        let (start, len) = (call.number::<2>(), call.number::<3>());
        let (number, op) = (call.number::<1>() as u32, PartitionOp::Resize);
        let gendisk = gendisk(call.address::<0>());
        changed(gendisk, op, number, start, len, ctx.ret());
    }
}

#[kretprobe(function = "bdev_resize_partition")]
fn partition_resized_exit_kp(ctx: RetProbeContext) -> u32 {
    resized_kp(&ctx, |gendisk| gendisk);
    0
}

#[kretprobe(function = "bdev_resize_partition")]
fn partition_resized_exit_kp_5_10(ctx: RetProbeContext) -> u32 {
    resized_kp(&ctx, gendisk_of);
    0
}

// int bdev_del_partition(struct gendisk *disk, int partno)
#[fexit(function = "bdev_del_partition")]
fn partition_deleted(ctx: FExitContext) -> u32 {
    deleted(ctx.arg(0), ctx.arg(1), ctx.arg(2));
    0
}

// int bdev_del_partition(struct block_device *bdev, int partno)
#[fexit(function = "bdev_del_partition")]
fn partition_deleted_5_10(ctx: FExitContext) -> u32 {
    deleted(gendisk_of(ctx.arg(0)), ctx.arg(1), ctx.arg(2));
    0
}

#[kprobe(function = "bdev_del_partition")]
fn partition_deleted_enter_kp(ctx: ProbeContext) -> u32 {
    calls::keep(&ctx, Function::BdevDelPartition);
    0
}

#[kretprobe(function = "bdev_del_partition")]
fn partition_deleted_exit_kp(ctx: RetProbeContext) -> u32 {
    if let Some(call) = calls::take(Function::BdevDelPartition) {
        deleted(call.address::<0>(), call.number::<1>() as u32, ctx.ret());
    }
    0
}

#[kretprobe(function = "bdev_del_partition")]
fn partition_deleted_exit_kp_5_10(ctx: RetProbeContext) -> u32 {
    if let Some(call) = calls::take(Function::BdevDelPartition) {
        let gendisk = gendisk_of(call.address::<0>());
        deleted(gendisk, call.number::<1>() as u32, ctx.ret());
    }
    0
}

// int bdev_disk_changed(struct gendisk *disk, bool invalidate)
#[fexit(function = "bdev_disk_changed")]
fn disk_reread(ctx: FExitContext) -> u32 {
    reread(ctx.arg(0), ctx.arg(2));
    0
}

// int bdev_disk_changed(struct block_device *bdev, bool invalidate)
#[fexit(function = "bdev_disk_changed")]
fn disk_reread_5_10(ctx: FExitContext) -> u32 {
    reread(gendisk_of(ctx.arg(0)), ctx.arg(2));
    0
}

#[kprobe(function = "bdev_disk_changed")]
fn disk_reread_enter_kp(ctx: ProbeContext) -> u32 {
    calls::keep(&ctx, Function::BdevDiskChanged);
    0
}

#[kretprobe(function = "bdev_disk_changed")]
fn disk_reread_exit_kp(ctx: RetProbeContext) -> u32 {
    if let Some(call) = calls::take(Function::BdevDiskChanged) {
        reread(call.address::<0>(), ctx.ret());
    }
    0
}

#[kretprobe(function = "bdev_disk_changed")]
fn disk_reread_exit_kp_5_10(ctx: RetProbeContext) -> u32 {
    if let Some(call) = calls::take(Function::BdevDiskChanged) {
        reread(gendisk_of(call.address::<0>()), ctx.ret());
    }
    0
}
