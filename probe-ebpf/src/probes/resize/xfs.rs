//! xfs: `xfs_file_ioctl` and `xfs_growfs_data`, functions of a module, so by
//! kprobe and kretprobe.

use super::{
    attempt_exit, begin_ioctl, effect_enter, effect_exit, none_in_flight, superblock_of, xfs_blocks,
};
use crate::{
    kernel::{self, Address, OFF_SB_BLOCKSIZE, OFF_SB_DEV, OFF_SB_FS_INFO},
    probes::tool,
    self_test, settings, task,
};
use aya_ebpf::{
    macros::{kprobe, kretprobe},
    programs::{ProbeContext, RetProbeContext},
};
use probe_common::{
    event::{Asked, Command, Fs, Question, UNKNOWN},
    programs::number,
};

/// The resize command of an ioctl number.
#[inline(always)]
fn command(ioctl: u32) -> Option<Command> {
    match ioctl {
        0x4010_586e => Some(Command::GrowfsData),
        0x4008_586f => Some(Command::GrowfsLog),
        0x4010_5870 => Some(Command::GrowfsRt),
        _ => None,
    }
}

/// Whether the ioctl asks for the geometry: `XFS_IOC_FSGEOMETRY` and its two
/// older forms.
#[inline(always)]
fn asks_geometry(ioctl: u32) -> bool {
    matches!(ioctl, 0x8100_587e | 0x8070_587c | 0x8070_5864)
}

#[inline(always)]
fn attempt_enter(file: Address, command: Command, argument: u64) {
    self_test::saw_own(const { number("xfs_ioctl_enter_kp") });
    begin_ioctl(file, Fs::Xfs, command, |_| match command {
        // struct xfs_growfs_data: newblocks is its first member.
        Command::GrowfsData => kernel::peek_user(argument).unwrap_or(UNKNOWN),
        _ => UNKNOWN,
    });
}

/// A watched tool asks for the geometry of a mounted file system.
#[inline(always)]
fn ask_geometry(file: Address) -> Option<()> {
    let pid = task::ids().pid;
    if !tool::watches(pid) {
        return None;
    }
    let superblock = superblock_of(file)?;
    let block_size: u64 = kernel::probe(superblock, &OFF_SB_BLOCKSIZE)?;
    let asked = Asked {
        dev: kernel::probe(superblock, &OFF_SB_DEV)?,
        question: Question::Geometry as u32,
        bytes: xfs_blocks(superblock)?.wrapping_mul(block_size),
    };
    tool::note_question(pid, asked);
    Some(())
}

// long xfs_file_ioctl(struct file *filp, unsigned int cmd, unsigned long p)
#[kprobe(function = "xfs_file_ioctl")]
fn xfs_ioctl_enter_kp(ctx: ProbeContext) -> u32 {
    let (Some(file), Some(ioctl), Some(argument)) = (ctx.arg(0), ctx.arg(1), ctx.arg(2)) else {
        return 0;
    };
    if !settings::armed() {
        return 0;
    }
    if let Some(command) = command(ioctl) {
        attempt_enter(file, command, argument);
    } else {
        none_in_flight();
        if asks_geometry(ioctl) {
            let _ = ask_geometry(file);
        }
    }
    0
}

#[kretprobe(function = "xfs_file_ioctl")]
fn xfs_ioctl_exit_kp(ctx: RetProbeContext) -> u32 {
    let program = const { number("xfs_ioctl_exit_kp") };
    attempt_exit(Fs::Xfs, ctx.ret(), program);
    0
}

/// `m_super` of a `struct xfs_mount`: the one pointer in it whose `s_fs_info`
/// points back. Only needed where the ioctl was not seen.
#[inline(always)]
fn superblock_of_mount(mount: Address) -> Option<Address> {
    // 264 up to 6.12, 304 on 7.3.
    for offset in (192..448).step_by(8) {
        let candidate = kernel::peek::<u64>(mount.wrapping_add(offset))? as Address;
        if kernel::probe::<u64, _>(candidate, &OFF_SB_FS_INFO) == Some(mount as u64) {
            return Some(candidate);
        }
    }
    None
}

// int xfs_growfs_data(struct xfs_mount *mp, struct xfs_growfs_data *in)
#[kprobe(function = "xfs_growfs_data")]
fn xfs_grow_enter_kp(ctx: ProbeContext) -> u32 {
    self_test::saw_own(const { number("xfs_grow_enter_kp") });
    let (Some(mount), Some(asked)) = (ctx.arg(0), ctx.arg::<Address>(1)) else {
        return 0;
    };
    let requested = kernel::peek(asked).unwrap_or(UNKNOWN);
    effect_enter(Fs::Xfs, Command::GrowfsData, requested, || {
        superblock_of_mount(mount)
    });
    0
}

#[kretprobe(function = "xfs_growfs_data")]
fn xfs_grow_exit_kp(ctx: RetProbeContext) -> u32 {
    self_test::saw_own(const { number("xfs_grow_exit_kp") });
    effect_exit(Fs::Xfs, i64::from(ctx.ret::<i32>()));
    0
}
