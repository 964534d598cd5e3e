//! The copies that shared blocks instead of copying them, which xfs and btrfs can
//! do: seen inside a copy, that is its route.
//!
//! The functions are the ones that run once a clone is allowed. Their entry is
//! enough, and a kprobe there runs only where blocks are shared. The return of
//! the method itself would cost more, and be lost where many clone at once.

use crate::{inflight, task};
use aya_ebpf::{macros::kprobe, programs::ProbeContext};
use probe_common::slot::flag;

// int xfs_reflink_update_dest(struct xfs_inode *dest, xfs_off_t newlen,
//         xfs_extlen_t cowextsize, unsigned int remap_flags)
#[kprobe(function = "xfs_reflink_update_dest")]
fn xfs_cloned_kp(_: ProbeContext) -> u32 {
    cloned();
    0
}

// int btrfs_clone(struct inode *src, struct inode *inode, const u64 off,
//         const u64 olen, const u64 olen_aligned, const u64 destoff, int no_time_update)
#[kprobe(function = "btrfs_clone")]
fn btrfs_cloned_kp(_: ProbeContext) -> u32 {
    cloned();
    0
}

#[inline(always)]
fn cloned() {
    if let Some(flight) = inflight::of(task::ids().tid) {
        flight.flags |= flag::CLONED;
    }
}
