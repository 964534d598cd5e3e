//! The remap methods of xfs and btrfs, which share blocks instead of copying
//! them. They run only where a clone is tried; seen inside a copy, they are its
//! route.

use crate::{inflight, task};
use aya_ebpf::{
    macros::{kprobe, kretprobe},
    programs::{ProbeContext, RetProbeContext},
};
use probe_common::slot::flag;

// loff_t xfs_file_remap_range(struct file *file_in, loff_t pos_in,
//         struct file *file_out, loff_t pos_out, loff_t len, unsigned int remap_flags)
#[kprobe(function = "xfs_file_remap_range")]
fn xfs_remap_enter_kp(_: ProbeContext) -> u32 {
    enter();
    0
}

#[kretprobe(function = "xfs_file_remap_range")]
fn xfs_remap_exit_kp(ctx: RetProbeContext) -> u32 {
    exit(ctx.ret());
    0
}

// As of xfs.
#[kprobe(function = "btrfs_remap_file_range")]
fn btrfs_remap_enter_kp(_: ProbeContext) -> u32 {
    enter();
    0
}

#[kretprobe(function = "btrfs_remap_file_range")]
fn btrfs_remap_exit_kp(ctx: RetProbeContext) -> u32 {
    exit(ctx.ret());
    0
}

#[inline(always)]
fn enter() {
    if let Some(flight) = inflight::of(task::ids().tid) {
        flight.flags |= flag::REMAPPING;
    }
}

#[inline(always)]
fn exit(result: i64) {
    if let Some(flight) = inflight::of(task::ids().tid) {
        flight.flags &= !flag::REMAPPING;
        if result > 0 {
            flight.flags |= flag::REMAPPED;
        }
    }
}
