//! ext4: `__ext4_ioctl`, and the three functions that grow.
//!
//! fentry and fexit, with twins as kprobes that share their bodies.

use super::{attempt_exit, begin_ioctl, effect_enter, effect_exit, none_in_flight};
use crate::{
    kernel::{self, Address},
    self_test, settings,
};
use aya_ebpf::{
    macros::{fentry, fexit, kprobe, kretprobe},
    programs::{FEntryContext, FExitContext, ProbeContext, RetProbeContext},
};
use probe_common::{
    event::{Command, Fs, UNKNOWN},
    programs::number,
};

/// The resize command of an ioctl number (as on every 64-bit machine that
/// numbers ioctls as x86 does: arm64 and riscv too).
#[inline(always)]
fn command(ioctl: u32) -> Option<Command> {
    match ioctl {
        0x4008_6610 => Some(Command::ResizeFs),
        0x4008_6607 => Some(Command::GroupExtend),
        0x4028_6608 => Some(Command::GroupAdd),
        _ => None,
    }
}

/// The size in blocks that the ioctl asks for, given the present one.
#[inline(always)]
fn requested(command: Command, argument: u64, from: u64) -> u64 {
    match command {
        Command::GroupExtend => kernel::peek_user::<u32>(argument).map(u64::from),
        // struct ext4_new_group_input: blocks_count of the one new group.
        Command::GroupAdd => kernel::peek_user::<u32>(argument.wrapping_add(32))
            .filter(|_| from != UNKNOWN)
            .map(|added| from.wrapping_add(added.into())),
        _ => kernel::peek_user::<u64>(argument),
    }
    .unwrap_or(UNKNOWN)
}

#[inline(always)]
fn attempt_enter(file: Address, command: Command, argument: u64, program: u32) {
    if !settings::armed() {
        return;
    }
    self_test::saw_own(program);
    begin_ioctl(file, Fs::Ext4, command, |from| {
        requested(command, argument, from)
    });
}

// long __ext4_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
#[fentry(function = "__ext4_ioctl")]
fn ext4_ioctl_enter(ctx: FEntryContext) -> u32 {
    // Every ioctl of every file comes here: nothing before this test.
    if let Some(command) = command(ctx.arg(1)) {
        let program = const { number("ext4_ioctl_enter") };
        attempt_enter(ctx.arg(0), command, ctx.arg(2), program);
    }
    0
}

#[fexit(function = "__ext4_ioctl")]
fn ext4_ioctl_exit(ctx: FExitContext) -> u32 {
    if command(ctx.arg(1)).is_some() {
        let program = const { number("ext4_ioctl_exit") };
        attempt_exit(Fs::Ext4, ctx.arg(3), program);
    }
    0
}

#[kprobe(function = "__ext4_ioctl")]
fn ext4_ioctl_enter_kp(ctx: ProbeContext) -> u32 {
    let (Some(file), Some(ioctl), Some(argument)) = (ctx.arg(0), ctx.arg(1), ctx.arg(2)) else {
        return 0;
    };
    if let Some(command) = command(ioctl) {
        let program = const { number("ext4_ioctl_enter_kp") };
        attempt_enter(file, command, argument, program);
    } else {
        none_in_flight();
    }
    0
}

#[kretprobe(function = "__ext4_ioctl")]
fn ext4_ioctl_exit_kp(ctx: RetProbeContext) -> u32 {
    let program = const { number("ext4_ioctl_exit_kp") };
    attempt_exit(Fs::Ext4, ctx.ret(), program);
    0
}

/// One function that grows an ext4: what to do at its entry, at its return.
#[inline(always)]
fn grow_enter(superblock: Address, command: Command, requested: u64) {
    effect_enter(Fs::Ext4, command, requested, || Some(superblock));
}

#[inline(always)]
fn grow_exit(ret: i32) {
    effect_exit(Fs::Ext4, ret.into());
}

// int ext4_resize_fs(struct super_block *sb, ext4_fsblk_t n_blocks_count)
#[fentry(function = "ext4_resize_fs")]
fn ext4_resize_enter(ctx: FEntryContext) -> u32 {
    grow_enter(ctx.arg(0), Command::ResizeFs, ctx.arg(1));
    0
}

#[fexit(function = "ext4_resize_fs")]
fn ext4_resize_exit(ctx: FExitContext) -> u32 {
    grow_exit(ctx.arg(2));
    0
}

// int ext4_group_extend(struct super_block *sb, struct ext4_super_block *es,
//         ext4_fsblk_t n_blocks_count)
#[fentry(function = "ext4_group_extend")]
fn ext4_extend_enter(ctx: FEntryContext) -> u32 {
    grow_enter(ctx.arg(0), Command::GroupExtend, ctx.arg(2));
    0
}

#[fexit(function = "ext4_group_extend")]
fn ext4_extend_exit(ctx: FExitContext) -> u32 {
    grow_exit(ctx.arg(3));
    0
}

// int ext4_group_add(struct super_block *sb, struct ext4_new_group_data *input)
#[fentry(function = "ext4_group_add")]
fn ext4_add_enter(ctx: FEntryContext) -> u32 {
    grow_enter(ctx.arg(0), Command::GroupAdd, UNKNOWN);
    0
}

#[fexit(function = "ext4_group_add")]
fn ext4_add_exit(ctx: FExitContext) -> u32 {
    grow_exit(ctx.arg(2));
    0
}

#[kprobe(function = "ext4_resize_fs")]
fn ext4_resize_enter_kp(ctx: ProbeContext) -> u32 {
    if let (Some(superblock), Some(requested)) = (ctx.arg(0), ctx.arg(1)) {
        grow_enter(superblock, Command::ResizeFs, requested);
    }
    0
}

#[kretprobe(function = "ext4_resize_fs")]
fn ext4_resize_exit_kp(ctx: RetProbeContext) -> u32 {
    grow_exit(ctx.ret());
    0
}

#[kprobe(function = "ext4_group_extend")]
fn ext4_extend_enter_kp(ctx: ProbeContext) -> u32 {
    if let (Some(superblock), Some(requested)) = (ctx.arg(0), ctx.arg(2)) {
        grow_enter(superblock, Command::GroupExtend, requested);
    }
    0
}

#[kretprobe(function = "ext4_group_extend")]
fn ext4_extend_exit_kp(ctx: RetProbeContext) -> u32 {
    grow_exit(ctx.ret());
    0
}

#[kprobe(function = "ext4_group_add")]
fn ext4_add_enter_kp(ctx: ProbeContext) -> u32 {
    if let Some(superblock) = ctx.arg(0) {
        grow_enter(superblock, Command::GroupAdd, UNKNOWN);
    }
    0
}

#[kretprobe(function = "ext4_group_add")]
fn ext4_add_exit_kp(ctx: RetProbeContext) -> u32 {
    grow_exit(ctx.ret());
    0
}
