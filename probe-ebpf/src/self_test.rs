//! Telling the self-test's own operations from everything else.

use crate::{
    atomic,
    maps::{SELF_TEST, SELF_TEST_SEEN},
    settings, task,
};
use probe_common::state;

/// Whether process `pid` belongs to the self-test. Costs a test of a bit of
/// `state_word` while none runs.
#[inline(always)]
pub fn includes(pid: u32, state_word: u32) -> bool {
    // SAFETY: the value is not used.
    state_word & state::SELF_TEST != 0 && unsafe { SELF_TEST.get(pid) }.is_some()
}

/// Notes that the program of this number ran for the self-test.
#[inline(always)]
pub fn saw(program: u32) {
    if let Some(seen) = SELF_TEST_SEEN.get_ptr_mut(program) {
        // SAFETY: a value of the map.
        unsafe { atomic::add(seen, 1) };
    }
}

/// Notes that the program of this number ran, if it did so for the self-test.
#[inline(always)]
pub fn saw_own(program: u32) {
    if includes(task::ids().pid, settings::state_word()) {
        saw(program);
    }
}
