//! Growing a mounted file system: the attempt (the ioctl) and its effect (the
//! function that grows), joined by thread.
//!
//! A refusal (EPERM, EROFS, EBUSY) ends in the ioctl; the effect is measured on
//! the file system's own block count. An ioctl of [`Command`] gives one
//! [`FsResizeBegin`] at its entry and one [`FsResize`] at its return.

use crate::{
    emit,
    kernel::{
        self, Address, OFF_EXT4_SB_ES, OFF_FILE_INODE, OFF_INODE_SB, OFF_SB_BLOCKSIZE, OFF_SB_DEV,
        OFF_SB_FS_INFO,
    },
    loss,
    maps::RESIZING,
    probes::tool,
    self_test, settings, task,
};
use probe_common::{
    event::{Command, Fs, FsResize, FsResizeBegin, NOT_REACHED, RETURN_LOST, Record, UNKNOWN},
    loss::Loss,
};

pub mod ext4;
pub mod xfs;

/// A resize in flight.
#[repr(C)]
pub struct Resizing {
    /// What is known of it so far; sent at its return.
    record: FsResize,
    /// The `struct super_block`.
    superblock: u64,
    /// 1 if no ioctl was seen: the growing function was called in another way
    /// (a 32-bit process), and its return ends the resize.
    alone: u64,
}

/// The superblock of an open file.
#[inline(always)]
fn superblock_of(file: Address) -> Option<Address> {
    kernel::follow(kernel::follow(file, &OFF_FILE_INODE)?, &OFF_INODE_SB)
}

/// The size of a file system in blocks, by its own count, or [`UNKNOWN`].
#[inline(always)]
fn blocks(fs: Fs, superblock: Address) -> u64 {
    match fs {
        Fs::Ext4 => ext4_blocks(superblock),
        Fs::Xfs => xfs_blocks(superblock),
    }
    .unwrap_or(UNKNOWN)
}

/// `ext4_blocks_count`: two words of the on-disk superblock, which the kernel
/// keeps as it is on disk.
#[inline(always)]
fn ext4_blocks(superblock: Address) -> Option<u64> {
    let info = kernel::follow(superblock, &OFF_SB_FS_INFO)?;
    let on_disk = kernel::follow(info, &OFF_EXT4_SB_ES)?;
    let low: u32 = kernel::peek(on_disk.wrapping_add(0x4))?;
    let high: u32 = kernel::peek(on_disk.wrapping_add(0x150))?;
    Some(u64::from(u32::from_le(high)) << 32 | u64::from(u32::from_le(low)))
}

/// `sb_dblocks`. xfs is a module, which may have no BTF (5.10) or not be loaded
/// yet, so the place is not looked up but checked: `struct xfs_mount` begins
/// with the superblock, and that with its magic number, block size and count.
#[inline(always)]
pub fn xfs_blocks(superblock: Address) -> Option<u64> {
    const MAGIC: u32 = u32::from_be_bytes(*b"XFSB");
    let mount = kernel::follow(superblock, &OFF_SB_FS_INFO)?;
    let magic: u32 = kernel::peek(mount)?;
    let block_size: u32 = kernel::peek(mount.wrapping_add(4))?;
    let expected: u64 = kernel::probe(superblock, &OFF_SB_BLOCKSIZE)?;
    if magic != MAGIC || u64::from(block_size) != expected {
        return None;
    }
    kernel::peek(mount.wrapping_add(8))
}

/// A resize ioctl is entered. `requested` is as for [`begin`].
#[inline(always)]
fn begin_ioctl(file: Address, fs: Fs, command: Command, requested: impl FnOnce(u64) -> u64) {
    if let Some(superblock) = superblock_of(file) {
        begin(superblock, fs, command, false, requested);
    } else {
        // Nothing could be said of it, so nothing is.
        loss::count(Loss::ResizeReturn);
    }
}

/// A resize begins. `requested` is given the present size in blocks and returns
/// the size asked for.
#[inline(always)]
fn begin(
    superblock: Address,
    fs: Fs,
    command: Command,
    alone: bool,
    requested: impl FnOnce(u64) -> u64,
) {
    let ids = task::ids();
    // SAFETY: the value is not used.
    if unsafe { RESIZING.get(ids.tid) }.is_some() {
        loss::count(Loss::ResizeReturn);
    }
    let counted = !matches!(command, Command::GrowfsLog | Command::GrowfsRt);
    let from_blocks = if counted {
        blocks(fs, superblock)
    } else {
        UNKNOWN
    };
    let begin = FsResizeBegin {
        header: emit::header::<FsResizeBegin>(),
        dev: kernel::probe(superblock, &OFF_SB_DEV).unwrap_or(0),
        fs: fs as u32,
        command: command as u32,
        block_size: kernel::probe::<u64, _>(superblock, &OFF_SB_BLOCKSIZE).unwrap_or(0) as u32,
        from_blocks,
        requested_blocks: requested(from_blocks),
    };
    let state = Resizing {
        record: FsResize {
            header: begin.header,
            start_ns: begin.header.boot_ns,
            dev: begin.dev,
            fs: begin.fs,
            command: begin.command,
            block_size: begin.block_size,
            from_blocks,
            requested_blocks: begin.requested_blocks,
            to_blocks: UNKNOWN,
            ret: RETURN_LOST,
            effect_ret: if alone { RETURN_LOST } else { NOT_REACHED },
        },
        superblock: superblock as u64,
        alone: alone.into(),
    };
    if RESIZING.insert(ids.tid, &state, 0).is_err() {
        // Its return will not be shown.
        loss::count(Loss::ResizeReturn);
    }
    tool::count_resize(ids.pid);
    emit::send(begin);
}

/// This thread is in no resize: an ioctl that is none begins, or the thread
/// ends. If one is still noted for it, its return was not seen (kretprobes have
/// room for few calls at once); what is known of it is sent.
#[inline(always)]
pub fn none_in_flight() {
    let tid = task::ids().tid;
    let Some(state) = RESIZING.get_ptr(tid) else {
        return;
    };
    loss::count(Loss::ResizeReturn);
    // SAFETY: a value of the map, and only this thread uses it.
    let mut record = unsafe { (*state).record };
    record.header.kind = FsResize::KIND as u32;
    if record.effect_ret != NOT_REACHED {
        // The ioctls return what the function that grows does.
        record.ret = record.effect_ret;
    }
    emit::send(record);
    let _ = RESIZING.remove(tid);
}

/// The growing function is entered.
#[inline(always)]
fn effect_enter(
    fs: Fs,
    command: Command,
    requested: u64,
    superblock: impl FnOnce() -> Option<Address>,
) {
    if !settings::armed() {
        return;
    }
    if let Some(state) = RESIZING.get_ptr_mut(task::ids().tid) {
        // SAFETY: a value of the map, and only this thread uses it.
        let state = unsafe { &mut *state };
        state.record.from_blocks = blocks(fs, state.superblock as Address);
        state.record.effect_ret = RETURN_LOST;
    } else if let Some(superblock) = superblock() {
        begin(superblock, fs, command, true, |_| requested);
    }
}

/// The growing function returns.
#[inline(always)]
fn effect_exit(fs: Fs, ret: i64) {
    let Some(state) = RESIZING.get_ptr_mut(task::ids().tid) else {
        return;
    };
    // SAFETY: a value of the map, and only this thread uses it.
    let state = unsafe { &mut *state };
    state.record.to_blocks = blocks(fs, state.superblock as Address);
    state.record.effect_ret = ret;
    state.record.header.boot_ns = task::now();
    if state.alone != 0 {
        end(state, ret);
    }
}

/// The ioctl returns.
#[inline(always)]
fn attempt_exit(fs: Fs, ret: i64, program: u32) {
    let Some(state) = RESIZING.get_ptr_mut(task::ids().tid) else {
        return;
    };
    self_test::saw_own(program);
    // SAFETY: a value of the map, and only this thread uses it.
    let state = unsafe { &mut *state };
    let record = &mut state.record;
    if record.command == Command::GrowfsLog as u32 || record.command == Command::GrowfsRt as u32 {
        record.effect_ret = ret;
    } else if record.to_blocks == UNKNOWN {
        record.to_blocks = blocks(fs, state.superblock as Address);
    }
    end(state, ret);
}

/// Sends the resize and forgets it.
#[inline(always)]
fn end(state: &Resizing, ret: i64) {
    let mut record = state.record;
    record.header.boot_ns = task::now();
    record.header.kind = FsResize::KIND as u32;
    record.ret = ret;
    emit::send(record);
    let _ = RESIZING.remove(record.header.tid);
}
