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

/// 1 if the kernel has `bpf_get_current_task_btf` (5.11).
#[unsafe(no_mangle)]
pub static HAS_TASK_BTF: Global<u32> = Global::new(0);

/// 1 to split the time of copies into on and off CPU.
#[unsafe(no_mangle)]
pub static WITH_ON_CPU: Global<u32> = Global::new(1);

/// 1 to count the calls refused in the entry of `copy_file_range(2)`.
#[unsafe(no_mangle)]
pub static WITH_COPY_ENTRY: Global<u32> = Global::new(0);

/// Which filters of copies and readahead are set: bits of [`state::filter`].
#[unsafe(no_mangle)]
pub static FILTERS: Global<u32> = Global::new(0);

/// The one process that is counted.
#[unsafe(no_mangle)]
pub static FILTER_PID: Global<u32> = Global::new(0);

/// The one device, as the kernel's `dev_t`.
#[unsafe(no_mangle)]
pub static FILTER_DEV: Global<u32> = Global::new(0);

/// The one cgroup, by id.
#[unsafe(no_mangle)]
pub static FILTER_CGROUP: Global<u64> = Global::new(0);

/// The one name of tasks, NUL-padded.
#[unsafe(no_mangle)]
pub static FILTER_COMM: Global<[u64; 2]> = Global::new([0; 2]);

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
