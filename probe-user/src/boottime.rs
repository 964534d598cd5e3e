//! The one clock that events, readings and states share.

use rustix::time::{ClockId, clock_gettime};

/// Time since boot (`CLOCK_BOOTTIME`), ns.
pub fn boot_ns() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
