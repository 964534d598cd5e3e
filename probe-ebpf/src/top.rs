//! The sums of copies by process.

use crate::{atomic, loss, maps::TOP, task, zero};
use aya_ebpf::bindings::BPF_NOEXIST;
use probe_common::{
    loss::Loss,
    slot::{Slot, Top, TopKey},
};

/// Adds to the sums of a process.
#[inline(always)]
pub fn add(key: &TopKey, sums: &Top) {
    let mut top = TOP.get_ptr_mut(key);
    if top.is_none() {
        if TOP.insert(key, sums, u64::from(BPF_NOEXIST)).is_ok() {
            return;
        }
        // Another CPU was first, or the map is full.
        top = TOP.get_ptr_mut(key);
    }
    let Some(top) = top else {
        loss::count(Loss::Top);
        return;
    };
    // SAFETY: a value of the map.
    unsafe {
        atomic::add(&raw mut (*top).calls, sums.calls);
        atomic::add(&raw mut (*top).bytes, sums.bytes);
        atomic::add(&raw mut (*top).time_ns, sums.time_ns);
    }
}

/// Gives a slot to another process or pair of devices: its sums move to the
/// hash, and it begins anew.
#[inline(always)]
pub fn hand_over(slot: &mut Slot, pid: u32, via: u32, dev_in: u32, dev_out: u32, cgroup: u64) {
    if slot.calls != 0 {
        let key = TopKey {
            pid: slot.pid,
            dev_in: slot.dev_in,
            dev_out: slot.dev_out,
            reserved: 0,
        };
        let sums = Top {
            calls: slot.calls,
            bytes: slot.bytes,
            time_ns: slot.time_ns,
            cgroup: slot.cgroup,
            comm: slot.comm,
        };
        zero::clear([&mut slot.calls, &mut slot.bytes, &mut slot.time_ns]);
        add(&key, &sums);
    }
    if slot.pid != pid {
        slot.pid = pid;
        slot.comm = task::comm();
    }
    slot.via = via;
    slot.dev_in = dev_in;
    slot.dev_out = dev_out;
    slot.cgroup = cgroup;
    zero::clear(slot.cells.each_mut());
}
