//! Counting what could not be counted or sent.

use crate::{atomic, maps::LOSSES};
use probe_common::loss::Loss;

/// Counts one loss of this kind.
#[inline(always)]
pub fn count(loss: Loss) {
    if let Some(counter) = LOSSES.get_ptr_mut(loss as u32) {
        // SAFETY: a value of the map.
        unsafe { atomic::add(counter, 1) };
    }
}
