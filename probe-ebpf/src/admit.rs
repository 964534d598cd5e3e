//! Who is counted: not volprobe itself, not its self-test, and of the rest what
//! the filters let through.

use crate::{
    maps::TREE,
    patched::{self, setting},
    self_test,
    settings::{
        FILTER_CGROUP, FILTER_CGROUP_LEVEL, FILTER_COMM, FILTER_DEV, FILTER_PID, state_word,
    },
    task::{self, Ids},
};
use probe_common::{
    patch::Setting,
    state::{self, filter},
};

/// Whether calls of this task are counted; `program` is the number of the
/// asking program, which the self-test wants to see.
#[inline(always)]
pub fn task(ids: Ids, program: u32) -> bool {
    process(ids.pid.into(), program)
}

/// The same by the process alone, as a register holds it.
#[inline(always)]
pub fn process(pid: u64, program: u32) -> bool {
    let word = state_word();
    if self_test::includes(pid as u32, word) {
        self_test::saw(program);
        return false;
    }
    if word & state::ARMED == 0 || pid == patched::wide::<{ Setting::OwnTgid as i32 }>() {
        return false;
    }
    let filters = setting!(Filters);
    if filters == 0 {
        return true;
    }
    if filters & filter::PID != 0 && pid as u32 != FILTER_PID.load() {
        return false;
    }
    if filters & filter::COMM != 0 && !has_name() {
        return false;
    }
    // SAFETY: the value is not used.
    if filters & filter::TREE != 0 && unsafe { TREE.get(pid as u32) }.is_none() {
        return false;
    }
    true
}

#[inline(always)]
fn has_name() -> bool {
    let name = task::comm();
    let [low, high] = FILTER_COMM.load();
    let half = |at: usize| {
        let mut word = 0;
        let mut i = 8;
        while i > 0 {
            i -= 1;
            word = word << 8 | u64::from(name[at + i]);
        }
        word
    };
    half(0) == low && half(8) == high
}

/// Whether a call of the current task, which is admitted, with these devices is
/// counted.
#[inline(always)]
pub fn call(dev_in: u32, dev_out: u32) -> bool {
    let filters = setting!(Filters);
    if filters == 0 {
        return true;
    }
    if filters & filter::CGROUP != 0 && !is_in_cgroup() {
        return false;
    }
    if filters & filter::DEV != 0 {
        let wanted = FILTER_DEV.load();
        return dev_in == wanted || dev_out == wanted;
    }
    true
}

/// Whether the current task is in the cgroup or in one below it: also in one
/// that was made since, as a container's is when it is started again.
#[inline(always)]
fn is_in_cgroup() -> bool {
    task::cgroup_at(FILTER_CGROUP_LEVEL.load()) == FILTER_CGROUP.load()
}
