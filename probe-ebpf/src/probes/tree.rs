//! The processes of one command (`record --tree -- CMD`): it, and whatever it
//! starts, followed from fork to exit. Used by the filter alone, and attached
//! only where it is set.

use crate::{
    kernel::{self, Address, OFF_TASK_TGID},
    loss,
    maps::TREE,
    task,
};
use aya_ebpf::{
    macros::{btf_tracepoint, fentry, kprobe, tracepoint},
    programs::{BtfTracePointContext, FEntryContext, ProbeContext, TracePointContext},
};
use probe_common::loss::Loss;

/// The current process made a task, which does not run yet.
#[inline(always)]
fn forked(child: Address) {
    // SAFETY: the value is not used.
    if unsafe { TREE.get(task::ids().pid) }.is_none() {
        return;
    }
    // A thread is of its maker's process, which is in the map.
    if let Some(pid) = kernel::probe::<u32, _>(child, &OFF_TASK_TGID)
        && TREE.insert(pid, 1, 0).is_err()
    {
        loss::count(Loss::Tree);
    }
}

/// A thread ends: with the last one the number of its process becomes free for
/// another.
#[inline(always)]
fn exited() {
    if task::is_last_thread(task::current()) {
        // Nearly all processes are not in the map.
        let _ = TREE.remove(task::ids().pid);
    }
}

// void wake_up_new_task(struct task_struct *p)
#[fentry(function = "wake_up_new_task")]
fn tree_forked(ctx: FEntryContext) -> u32 {
    forked(ctx.arg(0));
    0
}

#[kprobe(function = "wake_up_new_task")]
fn tree_forked_kp(ctx: ProbeContext) -> u32 {
    if let Some(child) = ctx.arg(0) {
        forked(child);
    }
    0
}

// sched_process_exit(struct task_struct *p), on 7.3 also bool group_dead
#[btf_tracepoint(function = "sched_process_exit")]
fn tree_exited(_: BtfTracePointContext) -> i32 {
    exited();
    0
}

#[tracepoint(category = "sched", name = "sched_process_exit")]
fn tree_exited_tp(_: TracePointContext) -> u32 {
    exited();
    0
}
