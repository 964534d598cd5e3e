//! `vfs_copy_file_range`: every copy by `copy_file_range(2)`, and those that an
//! overlay makes of one.
//!
//! An overlay calls the function again for the files beneath it. The inner call
//! is none of its own: it gives the outer one its real devices.

use super::{
    count::{self, Copy},
    steady,
};
use crate::{
    admit,
    args::arg,
    files::{device, super_block},
    inflight,
    kernel::{Address, Memory, OFF_FILE_OP, OFF_FOPS_COPY, OFF_SB_MAGIC, Probed, Typed},
    loss,
    patched::setting,
    task::{self, Current, Task, TypedTask},
};
use aya_ebpf::{
    macros::{fentry, fexit, kprobe, kretprobe},
    programs::{FEntryContext, FExitContext, ProbeContext, RetProbeContext},
};
use probe_common::{
    loss::Loss,
    programs,
    series::{Route, Via},
    slot::{Flight, Slot, flag},
};

/// `s_magic` of an overlay.
const OVERLAYFS_MAGIC: u64 = 0x794c_7630;

/// The arguments of a call that matter. The first two tell it from others of its
/// thread. They are read where they are needed: the compiler would keep them on
/// the stack, from which reading is no cheaper.
trait Arguments {
    type Memory: Memory;
    fn file_in(&self) -> Address;
    fn position(&self) -> u64;
    fn file_out(&self) -> Address;
    fn asked(&self) -> u64;
}

/// A call whose arguments are gone: a kprobe's, at its return.
struct Noted {
    file_in: Address,
    position: u64,
    file_out: Address,
    asked: u64,
}

macro_rules! arguments {
    ($context:ty, $memory:ty, |$self:ident| $file_in:expr, $position:expr, $file_out:expr, $asked:expr) => {
        impl Arguments for $context {
            type Memory = $memory;
            #[inline(always)]
            fn file_in(&$self) -> Address {
                $file_in
            }
            #[inline(always)]
            fn position(&$self) -> u64 {
                $position
            }
            #[inline(always)]
            fn file_out(&$self) -> Address {
                $file_out
            }
            #[inline(always)]
            fn asked(&$self) -> u64 {
                $asked
            }
        }
    };
}

// ssize_t vfs_copy_file_range(struct file *file_in, loff_t pos_in,
//         struct file *file_out, loff_t pos_out, size_t len, unsigned int flags)
arguments!(
    FEntryContext,
    Typed,
    |self| arg(self, 0) as Address,
    arg(self, 1),
    arg(self, 2) as Address,
    arg(self, 4)
);
arguments!(
    FExitContext,
    Typed,
    |self| arg(self, 0) as Address,
    arg(self, 1),
    arg(self, 2) as Address,
    arg(self, 4)
);
arguments!(
    ProbeContext,
    Probed,
    |self| self.arg(0).unwrap_or(core::ptr::null()),
    self.arg(1).unwrap_or(0),
    self.arg(2).unwrap_or(core::ptr::null()),
    self.arg(4).unwrap_or(0)
);
arguments!(
    Noted,
    Probed,
    |self| self.file_in,
    self.position,
    self.file_out,
    self.asked
);

#[fentry(function = "vfs_copy_file_range")]
fn copy_enter(ctx: FEntryContext) -> u32 {
    enter::<_, false>(&ctx, const { programs::number("copy_enter") });
    0
}

#[fexit(function = "vfs_copy_file_range")]
fn copy_exit(ctx: FExitContext) -> u32 {
    exit(&ctx);
    0
}

#[kprobe(function = "vfs_copy_file_range")]
fn copy_enter_kp(ctx: ProbeContext) -> u32 {
    enter::<_, true>(&ctx, const { programs::number("copy_enter_kp") });
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
fn enter<A: Arguments, const KPROBE: bool>(call: &A, program: u32) {
    // Twice, so that neither keeps what the other does without.
    if task::is_typed() {
        enter_by::<A, KPROBE>(&TypedTask::current(), call, program);
    } else {
        enter_by::<A, KPROBE>(&Task::current(), call, program);
    }
}

#[inline(always)]
fn enter_by<A: Arguments, const KPROBE: bool>(task: &impl Current, call: &A, program: u32) {
    let tid = task.tid() as u32;
    if setting!(WithCopyEntry) != 0 {
        super::entry::reached(tid);
    }
    if !admit::process(task.pid(), program) {
        return;
    }
    let Some(slot) = inflight::slot(tid) else {
        return;
    };
    // SAFETY: a value of the map.
    let free = unsafe { &mut (*slot).flight };
    if free.tid == 0 {
        // Nearly every call.
        return note::<A, KPROBE>(free, task, call);
    }
    let Some(flight) = inflight::place(tid) else {
        return;
    };
    if flight.tid == tid {
        if inside(flight, call) {
            if KPROBE {
                flight.flags += 1 << flag::DEPTH_SHIFT;
            }
            return;
        }
        loss::count(Loss::LostReturn);
    }
    note::<A, KPROBE>(flight, task, call);
}

#[inline(always)]
fn note<A: Arguments, const KPROBE: bool>(flight: &mut Flight, task: &impl Current, call: &A) {
    flight.flags = 0;
    flight.file_in = call.file_in() as u64;
    flight.position = call.position();
    if KPROBE {
        flight.file_out = call.file_out() as u64;
        flight.length = call.asked();
    }
    inflight::begin(flight, task);
}

/// The return of a call, with its arguments.
#[inline(always)]
fn exit(call: &FExitContext) {
    let end_ns = task::now();
    // Twice, so that neither keeps what the other does without.
    let is_counted = if task::is_typed() {
        steady::count(call, &TypedTask::current(), end_ns)
    } else {
        steady::count(call, &Task::current(), end_ns)
    };
    if is_counted {
        return;
    }
    let task = Task::current();
    if setting!(WithCopyEntry) != 0 {
        super::entry::reached(task.ids.tid);
    }
    let Some((slot, flight)) = inflight::at(task.ids.tid) else {
        return;
    };
    let flight = match flight {
        // Nearly every call. Being in flight, it was admitted.
        Some(flight)
            if flight.file_in == call.file_in() as u64 && flight.position == call.position() =>
        {
            Some(flight)
        }
        noted => {
            if let Some(flight) = noted {
                if inside(flight, call) {
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
    finish(&task, slot, flight, call, arg(call, 6) as i64, end_ns);
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
            count::count(&task, slot, None, &copy, end_ns, || false);
        }
        return;
    };
    if flight.flags >> flag::DEPTH_SHIFT != 0 {
        flight.flags -= 1 << flag::DEPTH_SHIFT;
        return;
    }
    let call = Noted {
        file_in: flight.file_in as Address,
        position: flight.position,
        file_out: flight.file_out as Address,
        asked: flight.length,
    };
    finish(&task, slot, Some(flight), &call, result, end_ns);
}

/// Whether `call` is one that an overlay makes inside the call in flight; if
/// so, takes its devices.
#[inline(always)]
fn inside<A: Arguments>(flight: &mut Flight, call: &A) -> bool {
    if flight.flags & flag::IOCTL != 0 || flight.file_in == call.file_in() as u64 {
        return false;
    }
    let outer = super_block::<Probed>(flight.file_in as Address);
    if Probed::read::<u64, _>(outer, &OFF_SB_MAGIC) != OVERLAYFS_MAGIC
        || outer == super_block::<A::Memory>(call.file_in())
    {
        return false;
    }
    flight.dev_in = device::<A::Memory>(call.file_in());
    flight.dev_out = device::<A::Memory>(call.file_out());
    flight.flags = flight.flags & !flag::INNER_METHOD | flag::DEVICES;
    if has_method::<A::Memory>(call.file_out()) {
        flight.flags |= flag::INNER_METHOD;
    }
    true
}

/// Counts a call that returned.
#[inline(always)]
fn finish<A: Arguments>(
    task: &Task,
    slot: Option<*mut Slot>,
    flight: Option<&mut Flight>,
    call: &A,
    result: i64,
    end_ns: u64,
) {
    let flags = flight.as_ref().map_or(0, |flight| flight.flags);
    let (dev_in, dev_out, via) = match &flight {
        Some(flight) if flags & flag::DEVICES != 0 => (flight.dev_in, flight.dev_out, Via::Overlay),
        _ if setting!(WithDevices) != 0 => (
            device::<A::Memory>(call.file_in()),
            device::<A::Memory>(call.file_out()),
            Via::Syscall,
        ),
        _ => (0, 0, Via::Syscall),
    };
    let copy = Copy {
        dev_in,
        dev_out,
        route: if result <= 0 {
            Route::None
        } else if flight.is_none() {
            Route::Unknown
        } else if flags & flag::CLONED != 0 {
            Route::Clone
        } else {
            Route::Splice
        },
        via,
        asked: call.asked(),
        result,
    };
    count::count(task, slot, flight, &copy, end_ns, || {
        if flags & flag::DEVICES != 0 {
            flags & flag::INNER_METHOD != 0
        } else {
            has_method::<A::Memory>(call.file_out())
        }
    });
}

#[inline(always)]
fn has_method<M: Memory>(file: Address) -> bool {
    let methods = M::pointer(file, &OFF_FILE_OP);
    !M::pointer(methods, &OFF_FOPS_COPY).is_null()
}
