//! Who writes a read-ahead value: sysfs of the queue, sysfs of the backing
//! device, and the ioctls of `blockdev --setra`. Before and after, in pages.
//!
//! What the kernel changes by itself (a table reload of device mapper) does not
//! come here; user space polls for that.
//!
//! fentry and fexit, with twins as kprobes that share their bodies.

use crate::{
    calls::{self, Function},
    emit,
    kernel::{
        self, Address, OFF_BDEV_BDI, OFF_BDEV_DISK, OFF_BDI_DEV_NAME, OFF_BDI_RA_PAGES,
        OFF_DEVICE_DRVDATA, OFF_GENDISK_BDI, OFF_QUEUE_BDI, OFF_QUEUE_DISK,
    },
    maps::READ_AHEAD_WRITES,
    probes::disk,
    settings, task,
};
use aya_ebpf::{
    macros::{fentry, fexit, kprobe, kretprobe},
    programs::{FEntryContext, FExitContext, ProbeContext, RetProbeContext},
};
use probe_common::event::{ReadAheadSet, ReadAheadVia, UNKNOWN};

/// A `struct backing_dev_info`, and the disk's `dev_t` where it was reached
/// through one (else 0).
struct Backing {
    bdi: Address,
    dev: u32,
}

impl Backing {
    #[inline(always)]
    fn of_gendisk(gendisk: Address) -> Option<Self> {
        Some(Self {
            bdi: kernel::follow(gendisk, &OFF_GENDISK_BDI)?,
            dev: disk::dev(gendisk).unwrap_or(0),
        })
    }

    /// Up to 5.14 the queue has the backing device, later its disk.
    #[inline(always)]
    fn of_queue(queue: Address) -> Option<Self> {
        if OFF_QUEUE_BDI.exists() {
            let bdi = kernel::follow(queue, &OFF_QUEUE_BDI)?;
            Some(Self { bdi, dev: 0 })
        } else {
            Self::of_gendisk(kernel::follow(queue, &OFF_QUEUE_DISK)?)
        }
    }

    /// `dev_get_drvdata` of the device in class bdi.
    #[inline(always)]
    fn of_device(device: Address) -> Option<Self> {
        let bdi = kernel::follow(device, &OFF_DEVICE_DRVDATA)?;
        Some(Self { bdi, dev: 0 })
    }

    /// Of a partition, its disk's.
    #[inline(always)]
    fn of_bdev(bdev: Address) -> Option<Self> {
        let gendisk = kernel::follow(bdev, &OFF_BDEV_DISK)?;
        if OFF_BDEV_BDI.exists() {
            let bdi = kernel::follow(bdev, &OFF_BDEV_BDI)?;
            let dev = disk::dev(gendisk).unwrap_or(0);
            Some(Self { bdi, dev })
        } else {
            Self::of_gendisk(gendisk)
        }
    }

    #[inline(always)]
    fn pages(&self) -> u64 {
        kernel::probe(self.bdi, &OFF_BDI_RA_PAGES).unwrap_or(UNKNOWN)
    }
}

#[inline(always)]
fn enter(backing: Option<Backing>) {
    if settings::armed()
        && let Some(backing) = backing
    {
        // A full map costs the value before, no more.
        let _ = READ_AHEAD_WRITES.insert(task::ids().tid, backing.pages(), 0);
    }
}

#[inline(always)]
fn exit(backing: Option<Backing>, via: ReadAheadVia, ret: i64) {
    if !settings::armed() {
        return;
    }
    let Some(backing) = backing else { return };
    let tid = task::ids().tid;
    // SAFETY: this thread's own value, copied.
    let before = unsafe { READ_AHEAD_WRITES.get(tid) }.copied();
    let _ = READ_AHEAD_WRITES.remove(tid);
    emit::send(ReadAheadSet {
        header: emit::header::<ReadAheadSet>(),
        dev: backing.dev,
        via: via as u32,
        from_pages: before.unwrap_or(UNKNOWN),
        to_pages: backing.pages(),
        ret,
        bdi: kernel::text_of(backing.bdi, &OFF_BDI_DEV_NAME),
    });
}

// ssize_t queue_ra_store(struct gendisk *disk, const char *page, size_t count)
#[fentry(function = "queue_ra_store")]
fn ra_queue_enter(ctx: FEntryContext) -> u32 {
    enter(Backing::of_gendisk(ctx.arg(0)));
    0
}

#[fexit(function = "queue_ra_store")]
fn ra_queue_exit(ctx: FExitContext) -> u32 {
    let backing = Backing::of_gendisk(ctx.arg(0));
    exit(backing, ReadAheadVia::SysfsQueue, ctx.arg(3));
    0
}

// ssize_t queue_ra_store(struct request_queue *q, const char *page, size_t count)
#[fentry(function = "queue_ra_store")]
fn ra_queue_enter_6_1(ctx: FEntryContext) -> u32 {
    enter(Backing::of_queue(ctx.arg(0)));
    0
}

#[fexit(function = "queue_ra_store")]
fn ra_queue_exit_6_1(ctx: FExitContext) -> u32 {
    let backing = Backing::of_queue(ctx.arg(0));
    exit(backing, ReadAheadVia::SysfsQueue, ctx.arg(3));
    0
}

// ssize_t read_ahead_kb_store(struct device *dev, struct device_attribute *attr,
//         const char *buf, size_t count)
#[fentry(function = "read_ahead_kb_store")]
fn ra_bdi_enter(ctx: FEntryContext) -> u32 {
    enter(Backing::of_device(ctx.arg(0)));
    0
}

#[fexit(function = "read_ahead_kb_store")]
fn ra_bdi_exit(ctx: FExitContext) -> u32 {
    let backing = Backing::of_device(ctx.arg(0));
    exit(backing, ReadAheadVia::SysfsBdi, ctx.arg(4));
    0
}

/// `BLKRASET` or `BLKFRASET`: both set the one value.
#[inline(always)]
fn sets(ioctl: u32) -> bool {
    matches!(ioctl, 0x1262 | 0x1264)
}

// int blkdev_common_ioctl(struct block_device *bdev, blk_mode_t mode,
//         unsigned int cmd, unsigned long arg, void __user *argp)
#[fentry(function = "blkdev_common_ioctl")]
fn ra_ioctl_enter(ctx: FEntryContext) -> u32 {
    if sets(ctx.arg(2)) {
        enter(Backing::of_bdev(ctx.arg(0)));
    }
    0
}

#[fexit(function = "blkdev_common_ioctl")]
fn ra_ioctl_exit(ctx: FExitContext) -> u32 {
    if sets(ctx.arg(2)) {
        let ret: i32 = ctx.arg(5);
        exit(
            Backing::of_bdev(ctx.arg(0)),
            ReadAheadVia::Ioctl,
            ret.into(),
        );
    }
    0
}

/// A call by name is entered: its first argument leads to the backing device.
#[inline(always)]
fn enter_kp(ctx: &ProbeContext, function: Function, of: impl FnOnce(Address) -> Option<Backing>) {
    if let Some(first) = ctx.arg(0) {
        calls::keep(ctx, function);
        enter(of(first));
    }
}

/// It returns.
#[inline(always)]
fn exit_kp(
    function: Function,
    via: ReadAheadVia,
    ret: i64,
    of: impl FnOnce(Address) -> Option<Backing>,
) {
    if let Some(call) = calls::take(function) {
        exit(of(call.address::<0>()), via, ret);
    }
}

#[kprobe(function = "queue_ra_store")]
fn ra_queue_enter_kp(ctx: ProbeContext) -> u32 {
    enter_kp(&ctx, Function::QueueRaStore, Backing::of_gendisk);
    0
}

#[kretprobe(function = "queue_ra_store")]
fn ra_queue_exit_kp(ctx: RetProbeContext) -> u32 {
    let (function, via) = (Function::QueueRaStore, ReadAheadVia::SysfsQueue);
    exit_kp(function, via, ctx.ret(), Backing::of_gendisk);
    0
}

#[kprobe(function = "queue_ra_store")]
fn ra_queue_enter_kp_6_1(ctx: ProbeContext) -> u32 {
    enter_kp(&ctx, Function::QueueRaStore, Backing::of_queue);
    0
}

#[kretprobe(function = "queue_ra_store")]
fn ra_queue_exit_kp_6_1(ctx: RetProbeContext) -> u32 {
    let (function, via) = (Function::QueueRaStore, ReadAheadVia::SysfsQueue);
    exit_kp(function, via, ctx.ret(), Backing::of_queue);
    0
}

#[kprobe(function = "read_ahead_kb_store")]
fn ra_bdi_enter_kp(ctx: ProbeContext) -> u32 {
    enter_kp(&ctx, Function::BdiRaStore, Backing::of_device);
    0
}

#[kretprobe(function = "read_ahead_kb_store")]
fn ra_bdi_exit_kp(ctx: RetProbeContext) -> u32 {
    let (function, via) = (Function::BdiRaStore, ReadAheadVia::SysfsBdi);
    exit_kp(function, via, ctx.ret(), Backing::of_device);
    0
}

#[kprobe(function = "blkdev_common_ioctl")]
fn ra_ioctl_enter_kp(ctx: ProbeContext) -> u32 {
    if ctx.arg(2).is_some_and(sets) {
        enter_kp(&ctx, Function::BlkdevCommonIoctl, Backing::of_bdev);
    }
    0
}

#[kretprobe(function = "blkdev_common_ioctl")]
fn ra_ioctl_exit_kp(ctx: RetProbeContext) -> u32 {
    let (function, via) = (Function::BlkdevCommonIoctl, ReadAheadVia::Ioctl);
    let ret: i32 = ctx.ret();
    exit_kp(function, via, ret.into(), Backing::of_bdev);
    0
}
