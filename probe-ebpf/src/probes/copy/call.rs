//! `vfs_copy_file_range`: every copy by `copy_file_range(2)`, and those that an
//! overlay makes of one.
//!
//! An overlay calls the function again for the files beneath it. The inner call
//! is none of its own: it gives the outer one its real devices.

use super::count::{self, Copy};
use crate::{
    admit,
    files::{device, super_block},
    inflight,
    kernel::{Address, Memory, OFF_FILE_OP, OFF_FOPS_COPY, OFF_SB_MAGIC, Probed, Typed},
    loss,
    settings::WITH_COPY_ENTRY,
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

/// `s_magic` of an overlay.
const OVERLAYFS_MAGIC: u64 = 0x794c_7630;

/// The arguments of a call that matter. The first two identify it among those
/// of its thread.
#[derive(Clone, Copy)]
struct Call {
    file_in: Address,
    position: u64,
    file_out: Address,
    asked: u64,
}

// ssize_t vfs_copy_file_range(struct file *file_in, loff_t pos_in,
//         struct file *file_out, loff_t pos_out, size_t len, unsigned int flags)
#[fentry(function = "vfs_copy_file_range")]
fn copy_enter(ctx: FEntryContext) -> u32 {
    let call = Call {
        file_in: ctx.arg(0),
        position: ctx.arg(1),
        file_out: ctx.arg(2),
        asked: ctx.arg(4),
    };
    enter::<Typed, false>(&call, const { programs::number("copy_enter") });
    0
}

#[fexit(function = "vfs_copy_file_range")]
fn copy_exit(ctx: FExitContext) -> u32 {
    let call = Call {
        file_in: ctx.arg(0),
        position: ctx.arg(1),
        file_out: ctx.arg(2),
        asked: ctx.arg(4),
    };
    // The return value follows the arguments. `ret()` needs 5.17.
    exit(&call, ctx.arg(6));
    0
}

#[kprobe(function = "vfs_copy_file_range")]
fn copy_enter_kp(ctx: ProbeContext) -> u32 {
    let (Some(file_in), Some(position), Some(file_out), Some(asked)) =
        (ctx.arg(0), ctx.arg(1), ctx.arg(2), ctx.arg(4))
    else {
        return 0;
    };
    let call = Call {
        file_in,
        position,
        file_out,
        asked,
    };
    enter::<Probed, true>(&call, const { programs::number("copy_enter_kp") });
    0
}

#[kretprobe(function = "vfs_copy_file_range")]
fn copy_exit_kp(ctx: RetProbeContext) -> u32 {
    exit_kp(ctx.ret());
    0
}

/// Notes the start of a call. A kprobe's return sees no arguments, and so has
/// them noted, and the calls inside it counted.
#[inline(always)]
fn enter<M: Memory, const KPROBE: bool>(call: &Call, program: u32) {
    let task = Task::current();
    if WITH_COPY_ENTRY.load() != 0 {
        super::entry::reached(task.ids.tid);
    }
    if !admit::task(task.ids, program) {
        return;
    }
    let Some(flight) = inflight::place(task.ids.tid) else {
        return;
    };
    if flight.tid == task.ids.tid {
        if inside::<M>(flight, call) {
            if KPROBE {
                flight.flags += 1 << flag::DEPTH_SHIFT;
            }
            return;
        }
        loss::count(Loss::LostReturn);
    }
    flight.flags = 0;
    flight.file_in = call.file_in as u64;
    flight.position = call.position;
    if KPROBE {
        flight.file_out = call.file_out as u64;
        flight.length = call.asked;
    }
    inflight::begin(flight, &task);
}

/// The return of a call, with its arguments.
#[inline(always)]
fn exit(call: &Call, result: i64) {
    let end_ns = task::now();
    let task = Task::current();
    if WITH_COPY_ENTRY.load() != 0 {
        super::entry::reached(task.ids.tid);
    }
    let Some((slot, flight)) = inflight::at(task.ids.tid) else {
        return;
    };
    let flight = match flight {
        // Nearly every call. Being in flight, it was admitted.
        Some(flight)
            if flight.file_in == call.file_in as u64 && flight.position == call.position =>
        {
            Some(flight)
        }
        noted => {
            if let Some(flight) = noted {
                if inside::<Typed>(flight, call) {
                    return;
                }
                // An earlier return was not seen, nor was this call's start,
                // which must not be taken for the earlier one's.
                loss::count(Loss::LostReturn);
                inflight::end(flight, slot.is_some(), task.ids.tid);
            }
            if !admit::task(task.ids, const { programs::number("copy_exit") }) {
                return;
            }
            None
        }
    };
    let copy = describe::<Typed>(call, result, flight.as_deref());
    count::count(&task, slot, flight, &copy, end_ns);
}

/// The return of a call, without its arguments.
#[inline(always)]
fn exit_kp(result: i64) {
    let end_ns = task::now();
    let task = Task::current();
    let Some((slot, flight)) = inflight::at(task.ids.tid) else {
        return;
    };
    let Some(flight) = flight else {
        // The start was not seen, so nothing is known but the result.
        if admit::task(task.ids, const { programs::number("copy_exit_kp") }) {
            let copy = Copy::unknown(Via::Syscall, result);
            count::count(&task, slot, None, &copy, end_ns);
        }
        return;
    };
    if flight.flags >> flag::DEPTH_SHIFT != 0 {
        flight.flags -= 1 << flag::DEPTH_SHIFT;
        return;
    }
    let call = Call {
        file_in: flight.file_in as Address,
        position: flight.position,
        file_out: flight.file_out as Address,
        asked: flight.length,
    };
    let copy = describe::<Probed>(&call, result, Some(flight));
    count::count(&task, slot, Some(flight), &copy, end_ns);
}

/// Whether `call` is one that an overlay makes inside the call in flight; if
/// so, takes its devices.
#[inline(always)]
fn inside<M: Memory>(flight: &mut Flight, call: &Call) -> bool {
    if flight.flags & flag::IOCTL != 0 || flight.file_in == call.file_in as u64 {
        return false;
    }
    let outer = super_block::<Probed>(flight.file_in as Address);
    if Probed::read::<u64>(outer, &OFF_SB_MAGIC) != OVERLAYFS_MAGIC
        || outer == super_block::<M>(call.file_in)
    {
        return false;
    }
    flight.dev_in = device::<M>(call.file_in);
    flight.dev_out = device::<M>(call.file_out);
    flight.flags = flight.flags & !flag::INNER_METHOD | flag::DEVICES;
    if has_method::<M>(call.file_out) {
        flight.flags |= flag::INNER_METHOD;
    }
    true
}

/// Devices and route of a call.
#[inline(always)]
fn describe<M: Memory>(call: &Call, result: i64, flight: Option<&Flight>) -> Copy {
    let flags = flight.map_or(0, |flight| flight.flags);
    let (dev_in, dev_out, via) = match flight {
        Some(flight) if flags & flag::DEVICES != 0 => (flight.dev_in, flight.dev_out, Via::Overlay),
        _ => (
            device::<M>(call.file_in),
            device::<M>(call.file_out),
            Via::Syscall,
        ),
    };
    // A file system without a method of its own, and whose remap method (if it
    // has one) did not share the blocks, copies through the page cache.
    let route = if result <= 0 {
        Route::None
    } else if flags & flag::REMAPPED != 0 {
        Route::Clone
    } else if flags & flag::REMAPPING != 0 {
        // The method's return was not seen. It seldom fails.
        loss::count(Loss::LostReturn);
        Route::Clone
    } else if flags & flag::INNER_METHOD != 0
        || flags & flag::DEVICES == 0 && has_method::<M>(call.file_out)
    {
        Route::Fs
    } else {
        Route::Splice
    };
    Copy {
        dev_in,
        dev_out,
        route,
        via,
        asked: call.asked,
        result,
    }
}

#[inline(always)]
fn has_method<M: Memory>(file: Address) -> bool {
    let methods = M::pointer(file, &OFF_FILE_OP);
    !M::pointer(methods, &OFF_FOPS_COPY).is_null()
}
