//! File systems on block devices and networks that are mounted, shut down, or
//! whose unmounting is refused. Others (proc, overlay, tmpfs), which containers
//! mount by the dozen, are left out.
//!
//! fentry and fexit, with twins as kprobes that share their bodies.

use crate::{
    calls::{self, Function},
    emit,
    kernel::{
        self, Address, OFF_DENTRY_SB, OFF_FC_ROOT, OFF_FS_TYPE_NAME, OFF_MNT_SB, OFF_PATH_MNT,
        OFF_SB_BDEV, OFF_SB_DEV, OFF_SB_ID, OFF_SB_MAGIC, OFF_SB_ROOT, OFF_SB_TYPE,
    },
    settings,
};
use aya_ebpf::{
    macros::{fentry, fexit, kprobe, kretprobe},
    programs::{FEntryContext, FExitContext, ProbeContext, RetProbeContext},
};
use core::ptr;
use probe_common::event::{Mount, MountOp};

/// Whether the data of this file system is on a block device or behind a
/// network (`s_magic`: nfs, cifs, smb2, ceph, 9p, fuse, afs).
#[inline(always)]
fn holds_data(superblock: Address) -> bool {
    const NETWORK: [u64; 7] = [
        0x6969,
        0xff53_4d42,
        0xfe53_4d42,
        0x00c3_6400,
        0x0102_1997,
        0x6573_5546,
        0x5346_414f,
    ];
    if kernel::follow(superblock, &OFF_SB_BDEV).is_some() {
        return true;
    }
    let magic: u64 = kernel::probe(superblock, &OFF_SB_MAGIC).unwrap_or(0);
    let mut found = false;
    for network in NETWORK {
        found |= magic == network;
    }
    found
}

#[inline(always)]
fn happened(superblock: Address, op: MountOp, ret: i32) {
    if !settings::armed() || !holds_data(superblock) {
        return;
    }
    let fs = kernel::follow(superblock, &OFF_SB_TYPE)
        .and_then(|kind| kernel::follow(kind, &OFF_FS_TYPE_NAME))
        .unwrap_or(ptr::null());
    emit::send(Mount {
        header: emit::header::<Mount>(),
        dev: kernel::probe(superblock, &OFF_SB_DEV).unwrap_or(0),
        op: op as u32,
        ret,
        reserved: 0,
        fs: kernel::text(fs),
        id: kernel::text_of(superblock, &OFF_SB_ID),
    });
}

/// A file system's tree was got for a mount, or not.
#[inline(always)]
fn added(context: Address, ret: i32) {
    if ret == 0
        && let Some(root) = kernel::follow(context, &OFF_FC_ROOT)
        && let Some(superblock) = kernel::follow(root, &OFF_DENTRY_SB)
    {
        happened(superblock, MountOp::Add, 0);
    }
}

#[inline(always)]
fn removed(superblock: Address) {
    // Without a root the mount had failed: there was nothing.
    if kernel::follow(superblock, &OFF_SB_ROOT).is_some() {
        happened(superblock, MountOp::Remove, 0);
    }
}

/// An unmount returned. `path` is the caller's; where it was refused, its mount
/// still stands.
#[inline(always)]
fn unmounted(path: Address, ret: i32) {
    if ret < 0
        && let Some(mount) = kernel::follow(path, &OFF_PATH_MNT)
        && let Some(superblock) = kernel::follow(mount, &OFF_MNT_SB)
    {
        happened(superblock, MountOp::UmountFailed, ret);
    }
}

// int vfs_get_tree(struct fs_context *fc)
#[fexit(function = "vfs_get_tree")]
fn mount_added(ctx: FExitContext) -> u32 {
    added(ctx.arg(0), ctx.arg(1));
    0
}

#[kprobe(function = "vfs_get_tree")]
fn mount_added_enter_kp(ctx: ProbeContext) -> u32 {
    calls::keep(&ctx, Function::VfsGetTree);
    0
}

#[kretprobe(function = "vfs_get_tree")]
fn mount_added_exit_kp(ctx: RetProbeContext) -> u32 {
    if let Some(call) = calls::take(Function::VfsGetTree) {
        added(call.address::<0>(), ctx.ret());
    }
    0
}

// void generic_shutdown_super(struct super_block *sb)
#[fentry(function = "generic_shutdown_super")]
fn mount_removed(ctx: FEntryContext) -> u32 {
    removed(ctx.arg(0));
    0
}

#[kprobe(function = "generic_shutdown_super")]
fn mount_removed_kp(ctx: ProbeContext) -> u32 {
    removed(ctx.arg(0).unwrap_or(ptr::null()));
    0
}

// int path_umount(struct path *path, int flags)
#[fexit(function = "path_umount")]
fn umount_refused(ctx: FExitContext) -> u32 {
    unmounted(ctx.arg(0), ctx.arg(2));
    0
}

#[kprobe(function = "path_umount")]
fn umount_refused_enter_kp(ctx: ProbeContext) -> u32 {
    calls::keep(&ctx, Function::PathUmount);
    0
}

#[kretprobe(function = "path_umount")]
fn umount_refused_exit_kp(ctx: RetProbeContext) -> u32 {
    if let Some(call) = calls::take(Function::PathUmount) {
        unmounted(call.address::<0>(), ctx.ret());
    }
    0
}
