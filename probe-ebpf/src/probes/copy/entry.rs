//! Calls of `copy_file_range(2)` that are refused before
//! `vfs_copy_file_range`: bad descriptors, pointers or flags. They have no
//! device, and so are a row of their own, `via: "entry"`. Opt-in.

use super::count::{self, Copy};
use crate::{admit, inflight, task::Task};
use aya_ebpf::{
    macros::{fexit, kretprobe},
    programs::{FExitContext, RetProbeContext},
};
use probe_common::{programs, series::Via};

// long __x64_sys_copy_file_range(const struct pt_regs *regs)
#[fexit(function = "__x64_sys_copy_file_range")]
fn copy_entry_exit(ctx: FExitContext) -> u32 {
    refused(ctx.arg(1), const { programs::number("copy_entry_exit") });
    0
}

#[kretprobe(function = "__x64_sys_copy_file_range")]
fn copy_entry_exit_kp(ctx: RetProbeContext) -> u32 {
    refused(ctx.ret(), const { programs::number("copy_entry_exit_kp") });
    0
}

#[inline(always)]
fn refused(result: i64, program: u32) {
    let task = Task::current();
    let Some(slot) = inflight::slot(task.ids.tid) else {
        return;
    };
    // SAFETY: a value of the map.
    let reached = unsafe { &mut (*slot).reached };
    if *reached == task.ids.tid {
        *reached = 0;
        return;
    }
    if result < 0 && admit::task(task.ids, program) {
        let call = Copy::unknown(Via::Entry, result);
        count::count(&task, None, None, &call, 0, || false);
    }
}

/// Notes that the running system call of this thread got further.
#[inline(always)]
pub fn reached(tid: u32) {
    if let Some(slot) = inflight::slot(tid) {
        // SAFETY: a value of the map.
        unsafe { (*slot).reached = tid };
    }
}
