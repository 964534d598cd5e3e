//! Counting what could not be counted or sent.

use crate::{atomic, maps::LOSSES};
use aya_log_ebpf::warn;
use probe_common::loss::Loss;

/// Counts one loss of this kind. `--kernel-log` tells of each as it happens;
/// without it the message is code that the verifier never sees.
#[inline(always)]
pub fn count(loss: Loss) {
    if let Some(counter) = LOSSES.get_ptr_mut(loss as u32) {
        // SAFETY: a value of the map.
        unsafe { atomic::add(counter, 1) };
    }
    warn!((), "a loss of kind {}", loss as u32);
}
