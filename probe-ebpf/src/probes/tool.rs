//! The tools that grow and mount volumes, from exec to exit: what they were
//! told, what sizes they saw, what they did.
//!
//! That a tool ran and issued no resize is the evidence of a volume that did
//! not grow, so the kernel side keeps the sum of each run: resize ioctls
//! issued, and sizes asked for with their answers. Everything but exec and exit
//! is for watched processes only.

use crate::{
    calls::{self, Function},
    emit,
    kernel::{
        self, Address, OFF_BDEV_DEV, OFF_BPRM_FILENAME, OFF_FILE_INODE, OFF_INODE_RDEV,
        OFF_MM_ARG_END, OFF_MM_ARG_START, OFF_SIGNAL_FLAGS, OFF_SIGNAL_GROUP_EXIT_CODE,
        OFF_TASK_EXIT_CODE, OFF_TASK_GROUP_LEADER, OFF_TASK_MM, OFF_TASK_SIGNAL,
    },
    loss,
    maps::{TOOLS, WATCHED},
    probes::resize,
    self_test, settings, task,
};
use aya_ebpf::{
    helpers,
    macros::{btf_tracepoint, fexit, kprobe, kretprobe, tracepoint},
    programs::{
        BtfTracePointContext, FExitContext, ProbeContext, RetProbeContext, TracePointContext,
    },
};
use core::ptr;
use probe_common::{
    event::{ARGV_BYTES, ASKED_MAX, Asked, Exec, Exit, FILENAME_BYTES, Question},
    loss::Loss,
    programs::number,
};

/// A watched tool that runs.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Watched {
    start_ns: u64,
    resize_calls: u32,
    asked_len: u32,
    asked_dropped: u32,
    reserved: u32,
    asked: [Asked; ASKED_MAX],
}

/// Whether this process is watched.
#[inline(always)]
pub fn watches(pid: u32) -> bool {
    // SAFETY: the value is not used.
    unsafe { WATCHED.get(pid) }.is_some()
}

/// Counts a resize ioctl of this process, if it is watched.
#[inline(always)]
pub fn count_resize(pid: u32) {
    if let Some(watched) = WATCHED.get_ptr_mut(pid) {
        // SAFETY: a value of the map. Two threads of one tool would have to
        // resize at once for a count to be lost.
        unsafe { (*watched).resize_calls += 1 };
    }
}

/// Notes a question of this process and its answer, if it is watched.
#[inline(always)]
pub fn note_question(pid: u32, new: Asked) {
    let Some(watched) = WATCHED.get_ptr_mut(pid) else {
        return;
    };
    // SAFETY: a value of the map; two threads of one tool at once could at worst
    // lose one of two answers.
    let watched = unsafe { &mut *watched };
    for place in &mut watched.asked {
        // An unused place has no question: questions count from 1.
        let unused = place.question == 0;
        if unused || (place.dev == new.dev && place.question == new.question) {
            *place = new;
            watched.asked_len += u32::from(unused);
            return;
        }
    }
    watched.asked_dropped += 1;
}

#[inline(always)]
fn exec(filename: impl FnOnce() -> Option<Address>, program: u32) {
    if !settings::armed() {
        return;
    }
    let pid = task::ids().pid;
    let own = self_test::includes(pid, settings::state_word());
    let Ok(comm) = helpers::bpf_get_current_comm() else {
        return;
    };
    // SAFETY: the value is not used.
    if !own && unsafe { TOOLS.get(comm) }.is_none() {
        return;
    }
    if own {
        self_test::saw(program);
    }
    let watched = Watched {
        start_ns: task::now(),
        ..Watched::default()
    };
    if WATCHED.insert(pid, watched, 0).is_err() {
        loss::count(Loss::Watched);
    }
    emit::fill::<Exec>(|place| write_exec(place.as_mut_ptr(), watched.start_ns, filename()));
}

/// Makes a whole [`Exec`] at `place`, piece by piece: it is larger than the
/// stack.
#[inline(always)]
fn write_exec(place: *mut Exec, start_ns: u64, filename: Option<Address>) {
    let mut header = emit::header::<Exec>();
    header.boot_ns = start_ns;
    let (start, end) = arguments().unwrap_or((0, 0));
    let len = end.saturating_sub(start);
    // SAFETY: `place` is memory for one record; helpers write no more than they
    // are told, and every byte is written here or by them.
    unsafe {
        let argv = &raw mut (*place).argv;
        clear(argv.cast(), ARGV_BYTES);
        let kept = read_arguments(argv.cast(), start, len);
        (&raw mut (*place).header).write(header);
        (&raw mut (*place).argv_len).write(len.min(u32::MAX.into()) as u32);
        (&raw mut (*place).argv_kept).write(kept);
        let name = &raw mut (*place).filename;
        clear(name.cast(), FILENAME_BYTES);
        helpers::generated::bpf_probe_read_kernel_str(
            name.cast(),
            FILENAME_BYTES as u32,
            filename.unwrap_or(ptr::null()).cast(),
        );
    }
}

/// Reads `len` bytes of the process at `start` to `place`, [`ARGV_BYTES`] at
/// most, and returns how many; 0 where they cannot be read.
///
/// # Safety
///
/// There is place for [`ARGV_BYTES`].
#[inline(always)]
unsafe fn read_arguments(place: *mut u8, start: u64, len: u64) -> u32 {
    let most = ARGV_BYTES as u64;
    // The verifier must see the bound on the very register that it checks, and
    // the compiler would compare a copy: so the one length is a constant, and
    // the other is masked after a load that the compiler knows nothing of.
    // SAFETY: a local; the caller's; the helper checks the process' address.
    let (size, read) = unsafe {
        let size = (&raw const len).read_volatile() & (most - 1);
        let (size, place) = (size as u32, place.cast());
        if len < most {
            let read = helpers::generated::bpf_probe_read_user(place, size, start as *const _);
            (size, read)
        } else {
            let size = most as u32;
            let read = helpers::generated::bpf_probe_read_user(place, size, start as *const _);
            (size, read)
        }
    };
    if read == 0 { size } else { 0 }
}
const _: () = assert!(ARGV_BYTES.is_power_of_two());

/// Clears `bytes` bytes, a multiple of 8.
///
/// # Safety
///
/// They are writable, and aligned to 8.
#[inline(always)]
unsafe fn clear(place: *mut u64, bytes: usize) {
    for word in 0..bytes / 8 {
        // SAFETY: the caller's. Volatile, or the loop would become a call of
        // `memset`, whose loop over bytes costs the verifier eight times this.
        unsafe { place.add(word).write_volatile(0) };
    }
}

/// Where the current process has its arguments.
#[inline(always)]
fn arguments() -> Option<(u64, u64)> {
    let memory = kernel::follow(task::current(), &OFF_TASK_MM)?;
    let start = kernel::probe(memory, &OFF_MM_ARG_START)?;
    let end = kernel::probe(memory, &OFF_MM_ARG_END)?;
    Some((start, end))
}

/// A thread ends.
#[inline(always)]
fn exit(program: u32) {
    resize::none_in_flight();
    let pid = task::ids().pid;
    let Some(watched) = WATCHED.get_ptr(pid) else {
        return;
    };
    let task = task::current();
    if !task::is_last_thread(task) {
        return;
    }
    self_test::saw_own(program);
    // SAFETY: a value of the map.
    let watched = unsafe { *watched };
    if WATCHED.remove(pid).is_err() {
        // Another last thread was quicker.
        return;
    }
    emit::send(Exit {
        header: emit::header::<Exit>(),
        start_ns: watched.start_ns,
        exit_code: exit_code(task),
        resize_calls: watched.resize_calls,
        asked_len: watched.asked_len,
        asked_dropped: watched.asked_dropped,
        asked: watched.asked,
    });
}

/// What the parent will be told, as `wait_task_zombie` decides it: the group's
/// code if the whole group was ended, else that of the first thread.
#[inline(always)]
fn exit_code(task: Address) -> u32 {
    const SIGNAL_GROUP_EXIT: u32 = 4;
    let signal = kernel::follow(task, &OFF_TASK_SIGNAL).unwrap_or(ptr::null());
    let flags: u32 = kernel::probe(signal, &OFF_SIGNAL_FLAGS).unwrap_or(0);
    if flags & SIGNAL_GROUP_EXIT != 0
        && let Some(code) = kernel::probe(signal, &OFF_SIGNAL_GROUP_EXIT_CODE)
    {
        return code;
    }
    let leader = kernel::follow(task, &OFF_TASK_GROUP_LEADER).unwrap_or(task);
    kernel::probe(leader, &OFF_TASK_EXIT_CODE).unwrap_or(0)
}

// sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
#[btf_tracepoint(function = "sched_process_exec")]
fn tool_exec(ctx: BtfTracePointContext) -> i32 {
    let program = const { number("tool_exec") };
    exec(|| kernel::follow(ctx.arg(2), &OFF_BPRM_FILENAME), program);
    0
}

// sched_process_exit(struct task_struct *p), on 7.3 also bool group_dead
#[btf_tracepoint(function = "sched_process_exit")]
fn tool_exit(_: BtfTracePointContext) -> i32 {
    exit(const { number("tool_exit") });
    0
}

#[tracepoint(category = "sched", name = "sched_process_exec")]
fn tool_exec_tp(ctx: TracePointContext) -> u32 {
    /// Place of `__data_loc filename`: its own place within the record in the
    /// low half.
    const FILENAME: usize = 8;
    let filename = || {
        // SAFETY: within the record.
        let location: u32 = unsafe { ctx.read_at(FILENAME) }.ok()?;
        let record = aya_ebpf::EbpfContext::as_ptr(&ctx) as Address;
        Some(record.wrapping_add((location & 0xffff) as usize))
    };
    exec(filename, const { number("tool_exec_tp") });
    0
}

#[tracepoint(category = "sched", name = "sched_process_exit")]
fn tool_exit_tp(_: TracePointContext) -> u32 {
    exit(const { number("tool_exit_tp") });
    0
}

const BLKGETSIZE64: u32 = 0x8008_1272;

/// A watched process asked a block device for its size and was answered.
#[inline(always)]
fn size_answered(dev: impl FnOnce() -> Option<u32>, argument: u64, ret: i32) {
    let pid = task::ids().pid;
    if ret != 0 || !watches(pid) {
        return;
    }
    // The answer itself, where the kernel has just put it.
    if let (Some(dev), Some(bytes)) = (dev(), kernel::peek_user(argument)) {
        let question = Question::DeviceSize as u32;
        note_question(
            pid,
            Asked {
                dev,
                question,
                bytes,
            },
        );
    }
}

/// The device of an open file.
#[inline(always)]
fn dev_of_file(file: Address) -> Option<u32> {
    kernel::probe(kernel::follow(file, &OFF_FILE_INODE)?, &OFF_INODE_RDEV)
}

/// The number of a `block_device`.
#[inline(always)]
fn dev_of_bdev(bdev: Address) -> Option<u32> {
    kernel::probe(bdev, &OFF_BDEV_DEV)
}

// long blkdev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
#[fexit(function = "blkdev_ioctl")]
fn size_asked(ctx: FExitContext) -> u32 {
    if ctx.arg::<u32>(1) == BLKGETSIZE64 {
        size_answered(|| dev_of_file(ctx.arg(0)), ctx.arg(2), ctx.arg(3));
    }
    0
}

// int blkdev_ioctl(struct block_device *bdev, fmode_t mode, unsigned int cmd,
//         unsigned long arg)
#[fexit(function = "blkdev_ioctl")]
fn size_asked_5_10(ctx: FExitContext) -> u32 {
    if ctx.arg::<u32>(2) == BLKGETSIZE64 {
        size_answered(|| dev_of_bdev(ctx.arg(0)), ctx.arg(3), ctx.arg(4));
    }
    0
}

#[inline(always)]
fn size_asked_enter(ctx: &ProbeContext, command: Option<u32>) {
    if command == Some(BLKGETSIZE64) && watches(task::ids().pid) {
        calls::keep(ctx, Function::BlkdevIoctl);
    }
}

#[kprobe(function = "blkdev_ioctl")]
fn size_asked_enter_kp(ctx: ProbeContext) -> u32 {
    size_asked_enter(&ctx, ctx.arg(1));
    0
}

#[kprobe(function = "blkdev_ioctl")]
fn size_asked_enter_kp_5_10(ctx: ProbeContext) -> u32 {
    size_asked_enter(&ctx, ctx.arg(2));
    0
}

#[kretprobe(function = "blkdev_ioctl")]
fn size_asked_exit_kp(ctx: RetProbeContext) -> u32 {
    if let Some(call) = calls::take(Function::BlkdevIoctl) {
        let dev = || dev_of_file(call.address::<0>());
        size_answered(dev, call.number::<2>(), ctx.ret());
    }
    0
}

#[kretprobe(function = "blkdev_ioctl")]
fn size_asked_exit_kp_5_10(ctx: RetProbeContext) -> u32 {
    if let Some(call) = calls::take(Function::BlkdevIoctl) {
        let dev = || dev_of_bdev(call.address::<0>());
        size_answered(dev, call.number::<3>(), ctx.ret());
    }
    0
}
