//! Whole-file clones by ioctl (`FICLONE`, `FICLONERANGE`), which is what `cp`
//! tries first: on xfs it never calls `copy_file_range`.
//!
//! The ioctl is the call, as it may be refused before any file system is asked;
//! the first `vfs_clone_file_range` inside it knows the files.

use super::count::{self, Copy};
use crate::{
    admit,
    files::device,
    inflight,
    kernel::{Address, Memory, OFF_FILE_INODE, OFF_INODE_SIZE, Probed, Typed},
    loss, self_test,
    task::{self, Task},
};
use aya_ebpf::{
    macros::{fentry, fexit, kprobe, kretprobe},
    programs::{FEntryContext, FExitContext, ProbeContext, RetProbeContext},
};
use probe_common::{
    loss::Loss,
    programs,
    series::{Route, Via},
    slot::{Flight, flag},
};

// long ioctl_file_clone(struct file *dst_file, unsigned long srcfd, u64 off,
//         u64 olen, u64 destoff)   (int from 7.x on)
#[fentry(function = "ioctl_file_clone")]
fn clone_enter(ctx: FEntryContext) -> u32 {
    let program = const { programs::number("clone_enter") };
    enter(ctx.arg(0), ctx.arg(4), ctx.arg(3), program);
    0
}

#[fexit(function = "ioctl_file_clone")]
fn clone_exit(ctx: FExitContext) -> u32 {
    let result: i32 = ctx.arg(5);
    exit(
        ctx.arg(0),
        ctx.arg(4),
        ctx.arg(1),
        ctx.arg(3),
        i64::from(result),
    );
    0
}

#[kprobe(function = "ioctl_file_clone")]
fn clone_enter_kp(ctx: ProbeContext) -> u32 {
    if let (Some(file), Some(position), Some(asked)) = (ctx.arg(0), ctx.arg(4), ctx.arg(3)) {
        let program = const { programs::number("clone_enter_kp") };
        enter(file, position, asked, program);
    }
    0
}

#[kretprobe(function = "ioctl_file_clone")]
fn clone_exit_kp(ctx: RetProbeContext) -> u32 {
    let result: i32 = ctx.ret();
    exit_kp(i64::from(result));
    0
}

// loff_t vfs_clone_file_range(struct file *file_in, loff_t pos_in,
//         struct file *file_out, loff_t pos_out, loff_t len, unsigned int remap_flags)
#[fexit(function = "vfs_clone_file_range")]
fn clone_inner(ctx: FExitContext) -> u32 {
    self_test::saw_own(const { programs::number("clone_inner") });
    let cloned: i64 = ctx.arg(6);
    let program = const { programs::number("clone_inner") };
    inner::<Typed>(
        ctx.arg(0),
        ctx.arg(1),
        ctx.arg(2),
        ctx.arg(4),
        cloned,
        program,
    );
    0
}

// At its entry, as its return has no arguments: what is cloned is then what was
// asked for, if the ioctl says that it was done.
#[kprobe(function = "vfs_clone_file_range")]
fn clone_inner_kp(ctx: ProbeContext) -> u32 {
    self_test::saw_own(const { programs::number("clone_inner_kp") });
    if let (Some(file_in), Some(position), Some(file_out), Some(asked)) =
        (ctx.arg(0), ctx.arg(1), ctx.arg(2), ctx.arg(4))
    {
        let program = const { programs::number("clone_inner_kp") };
        inner::<Probed>(file_in, position, file_out, asked, 0, program);
    }
    0
}

/// Notes the start of a clone; the file written to and the position in it tell
/// it from others of the thread.
#[inline(always)]
fn enter(file_out: Address, position: u64, asked: u64, program: u32) {
    let task = Task::current();
    if !admit::task(task.ids, program) {
        return;
    }
    let Some(flight) = inflight::place(task.ids.tid) else {
        return;
    };
    if flight.tid == task.ids.tid {
        loss::count(Loss::LostReturn);
    }
    flight.flags = flag::IOCTL;
    flight.file_in = file_out as u64;
    flight.position = position;
    flight.length = asked;
    inflight::begin(flight, &task);
}

/// Notes the devices of the clone in flight, and its length: none given means
/// the whole rest of the file.
#[inline(always)]
fn inner<M: Memory>(
    file_in: Address,
    position: u64,
    file_out: Address,
    asked: u64,
    cloned: i64,
    program: u32,
) {
    let ids = task::ids();
    let Some(flight) = inflight::of(ids.tid) else {
        // Not inside an ioctl that is counted; perhaps the self-test's, which
        // wants to know that it was seen.
        admit::task(ids, program);
        return;
    };
    // The first is the one beneath, where an overlay asks another file system.
    if flight.flags & (flag::IOCTL | flag::DEVICES) != flag::IOCTL {
        return;
    }
    flight.dev_in = device::<M>(file_in);
    flight.dev_out = device::<M>(file_out);
    flight.length = if cloned > 0 {
        cloned as u64
    } else if asked != 0 {
        asked
    } else {
        rest::<M>(file_in, position)
    };
    flight.flags |= flag::DEVICES;
}

/// Bytes of a file from `position` on.
#[inline(always)]
fn rest<M: Memory>(file: Address, position: u64) -> u64 {
    let inode = M::pointer(file, &OFF_FILE_INODE);
    let size: u64 = M::read(inode, &OFF_INODE_SIZE);
    size.saturating_sub(position)
}

#[inline(always)]
fn exit(file_out: Address, position: u64, source: u64, asked: u64, result: i64) {
    let end_ns = task::now();
    let task = Task::current();
    let Some((slot, flight)) = inflight::at(task.ids.tid) else {
        return;
    };
    let flight = match flight {
        Some(flight)
            if flight.flags & flag::IOCTL != 0
                && flight.file_in == file_out as u64
                && flight.position == position =>
        {
            Some(flight)
        }
        noted => {
            if let Some(flight) = noted {
                loss::count(Loss::LostReturn);
                inflight::end(flight, slot.is_some(), task.ids.tid);
            }
            if !admit::task(task.ids, const { programs::number("clone_exit") }) {
                return;
            }
            None
        }
    };
    let copy = match &flight {
        Some(flight) if flight.flags & flag::DEVICES != 0 => describe(flight, result),
        _ => from_arguments(file_out, source, asked, result),
    };
    count::count(&task, slot, flight, &copy, end_ns, || false);
}

#[inline(always)]
fn exit_kp(result: i64) {
    let end_ns = task::now();
    let task = Task::current();
    let Some((slot, flight)) = inflight::at(task.ids.tid) else {
        return;
    };
    let Some(flight) = flight else {
        if admit::task(task.ids, const { programs::number("clone_exit_kp") }) {
            let copy = Copy::unknown(Via::Ioctl, result);
            count::count(&task, slot, None, &copy, end_ns, || false);
        }
        return;
    };
    let mut copy = describe(flight, result);
    if flight.flags & flag::DEVICES == 0 {
        copy.dev_out = device::<Probed>(flight.file_in as Address);
        copy.dev_in = 0;
    }
    count::count(&task, slot, Some(flight), &copy, end_ns, || false);
}

/// The clone that `flight` has the devices of.
#[inline(always)]
fn describe(flight: &Flight, result: i64) -> Copy {
    clone(flight.dev_in, flight.dev_out, flight.length, result)
}

/// The clone of which only the ioctl's arguments are known: it was refused
/// before a file system was asked, or its start was not seen.
#[inline(always)]
fn from_arguments(file_out: Address, source: u64, asked: u64, result: i64) -> Copy {
    let file_in = task::file(source as u32);
    let asked = if asked == 0 {
        rest::<Probed>(file_in, 0)
    } else {
        asked
    };
    clone(
        device::<Probed>(file_in),
        device::<Typed>(file_out),
        asked,
        result,
    )
}

/// A clone is all or nothing: the ioctl returns 0 if all was cloned.
#[inline(always)]
fn clone(dev_in: u32, dev_out: u32, asked: u64, result: i64) -> Copy {
    let done = result == 0 && asked != 0;
    Copy {
        dev_in,
        dev_out,
        route: if done { Route::Clone } else { Route::None },
        via: Via::Ioctl,
        asked,
        result: if done { asked as i64 } else { result },
    }
}
