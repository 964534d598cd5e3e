//! Sending rare events to user space.

use crate::{loss, maps::EVENTS, self_test, settings, task};
use aya_ebpf::helpers;
use core::mem::MaybeUninit;
use probe_common::event::{Header, Record};

/// The header of a record of type `T`, of now and the current task.
#[inline(always)]
pub fn header<T: Record>() -> Header {
    let ids = task::ids();
    Header {
        boot_ns: task::now(),
        // SAFETY: no argument.
        cgroup: unsafe { helpers::generated::bpf_get_current_cgroup_id() },
        kind: T::KIND as u32,
        pid: ids.pid,
        tid: ids.tid,
        self_test: self_test::includes(ids.pid, settings::state_word()).into(),
        comm: helpers::bpf_get_current_comm().unwrap_or_default(),
    }
}

/// Sends a record, or counts it as lost where the ring buffer is full.
#[inline(always)]
pub fn send<T: Record>(record: T) {
    fill::<T>(|place| {
        place.write(record);
    });
}

/// Sends a record that is too large to be made on the stack: `write` makes all
/// of it in its place. The ring buffer does not clear its memory.
#[inline(always)]
pub fn fill<T: Record>(write: impl FnOnce(&mut MaybeUninit<T>)) {
    if let Some(mut entry) = EVENTS.reserve::<T>(0) {
        write(&mut entry);
        entry.submit(0);
    } else {
        loss::count(T::KIND.loss());
    }
}
