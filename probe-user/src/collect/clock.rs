//! What the node's clocks say of each other.

use crate::boottime::boot_ns;
use crate::sample::ClockAnchor;
use rustix::time::{ClockId, clock_gettime};
use std::io;

/// Pairs read for one anchor; the narrowest is taken.
const TRIES: usize = 5;

/// `STA_UNSYNC` of `adjtimex(2)`: nobody disciplines the clock.
const UNSYNCHRONISED: i32 = libc::STA_UNSYNC;

/// Relates boot time to real time, now.
pub fn anchor() -> ClockAnchor {
    let (middle, real_ns, width) = narrowest((0..TRIES).map(|_| {
        let before = boot_ns();
        let real = nanoseconds(ClockId::Realtime);
        (before, real, boot_ns())
    }));
    let (synchronised, max_error_ns) = discipline().unwrap_or((false, 0));
    ClockAnchor {
        boot_ns: middle,
        real_ns,
        synchronised,
        max_error_ns,
        read_ns: width,
    }
}

fn nanoseconds(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Of (boot, real, boot) readings the one whose boot readings are closest:
/// their middle, the real time, and their distance.
fn narrowest(readings: impl Iterator<Item = (u64, i64, u64)>) -> (u64, i64, u64) {
    readings
        .map(|(before, real, after)| {
            let width = after.saturating_sub(before);
            (before + width / 2, real, width)
        })
        .min_by_key(|&(_, _, width)| width)
        .unwrap_or_default()
}

/// Whether the clock is disciplined, and its maximum error, ns.
fn discipline() -> io::Result<(bool, u64)> {
    // SAFETY: `timex` is plain integers, for which all zeroes is a value; zero
    // modes make the call a query.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live `timex`, which the call fills.
    let state = unsafe { libc::adjtimex(&raw mut timex) };
    if state < 0 {
        return Err(io::Error::last_os_error());
    }
    let synchronised = state != libc::TIME_ERROR && timex.status & UNSYNCHRONISED == 0;
    Ok((synchronised, timex.maxerror as u64 * 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_reading_counts() {
        let readings = [(100, 7, 180), (200, 8, 210), (300, 9, 399)];
        assert_eq!(narrowest(readings.into_iter()), (205, 8, 10));
    }

    #[test]
    fn an_anchor_lies_between_two_readings() {
        let before = boot_ns();
        let anchor = anchor();
        assert!(before <= anchor.boot_ns && anchor.boot_ns <= boot_ns());
        assert!(anchor.real_ns > 0);
    }
}
