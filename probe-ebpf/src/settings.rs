//! What the loader sets before the programs are verified, and the state word,
//! which may change. What is asked for at every call is in the instructions
//! themselves; what only a filter needs is a read-only global.

use aya_ebpf::Global;
use probe_common::state;

/// The one process that is counted.
#[unsafe(no_mangle)]
pub static FILTER_PID: Global<u32> = Global::new(0);

/// The one device, as the kernel's `dev_t`.
#[unsafe(no_mangle)]
pub static FILTER_DEV: Global<u32> = Global::new(0);

/// The one cgroup, by id.
#[unsafe(no_mangle)]
pub static FILTER_CGROUP: Global<u64> = Global::new(0);

/// How far it is below the root of its hierarchy.
#[unsafe(no_mangle)]
pub static FILTER_CGROUP_LEVEL: Global<u32> = Global::new(0);

/// The one name of tasks, NUL-padded.
#[unsafe(no_mangle)]
pub static FILTER_COMM: Global<[u64; 2]> = Global::new([0; 2]);

/// Bits of [`state`]; nothing is counted before the loader has set them. A
/// variable, because a look-up in a map takes ten instructions.
#[unsafe(no_mangle)]
static mut STATE: u32 = 0;

/// The state word.
#[inline(always)]
pub fn state_word() -> u32 {
    // The loader changes it while programs run: read it each time, whole.
    //
    // SAFETY: no program writes it.
    unsafe { (&raw const STATE).read_volatile() }
}

/// Whether events and counts are wanted.
#[inline(always)]
pub fn armed() -> bool {
    state_word() & state::ARMED != 0
}
