//! `filemap_fault`: readahead inside it is for a mapped file.
//!
//! The function is hot, so nothing is done but to note the thread.

use super::reading::Reading;
use crate::task;
use aya_ebpf::{
    macros::{fentry, fexit, kprobe, kretprobe},
    programs::{FEntryContext, FExitContext, ProbeContext, RetProbeContext},
};

// vm_fault_t filemap_fault(struct vm_fault *vmf)
#[fentry(function = "filemap_fault")]
fn readahead_fault_enter(_: FEntryContext) -> u32 {
    enter();
    0
}

#[fexit(function = "filemap_fault")]
fn readahead_fault_exit(_: FExitContext) -> u32 {
    exit();
    0
}

#[kprobe(function = "filemap_fault")]
fn readahead_fault_enter_kp(_: ProbeContext) -> u32 {
    enter();
    0
}

#[kretprobe(function = "filemap_fault")]
fn readahead_fault_exit_kp(_: RetProbeContext) -> u32 {
    exit();
    0
}

#[inline(always)]
fn enter() {
    let tid = task::ids().tid;
    if let Some(reading) = Reading::of(tid) {
        reading.fault = tid;
    }
}

#[inline(always)]
fn exit() {
    // Whoever shares the place is noted again at its next fault.
    if let Some(reading) = Reading::of(task::ids().tid) {
        reading.fault = 0;
    }
}
