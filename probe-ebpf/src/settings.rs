//! What the loader sets: read-only globals, known to the verifier, so that a
//! feature that is off costs nothing; and the state word, which may change.

use crate::maps::ARMED;
use aya_ebpf::Global;
use probe_common::state;

/// volprobe's own process id: its copies and reads are in no count.
#[unsafe(no_mangle)]
pub static OWN_TGID: Global<u32> = Global::new(0);

/// Shards of a series' value, a power of two.
#[unsafe(no_mangle)]
pub static SHARDS: Global<u32> = Global::new(1);

/// The state word, bits of [`state`].
#[inline(always)]
pub fn state_word() -> u32 {
    // The loader changes it while programs run: read it each time, whole.
    //
    // SAFETY: a value of the map.
    ARMED
        .get_ptr(0)
        .map_or(0, |word| unsafe { word.read_volatile() })
}

/// Whether events and counts are wanted.
#[inline(always)]
pub fn armed() -> bool {
    state_word() & state::ARMED != 0
}
