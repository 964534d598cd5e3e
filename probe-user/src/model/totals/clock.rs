//! What the anchors of a stream say about its clock.

use crate::sample::{ClockAnchor, ClockStep};

/// Steps kept with their anchors; further ones are only counted.
pub(super) const MAX_STEPS: usize = 256;

/// Real time may drift against boottime by this share (1000 ppm; the kernel
/// slews by at most 500), without having stepped.
const MAX_DRIFT: u64 = 1000;

/// And by this much, ns, for readings that were not taken at one moment.
const SLACK_NS: u64 = 1_000_000;

/// The clock over a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// First anchor.
    pub first: Option<ClockAnchor>,
    /// Last anchor.
    pub last: Option<ClockAnchor>,
    /// Number of anchors.
    pub anchors: u64,
    /// Anchors at which the kernel called the clock unsynchronised.
    pub unsynchronised: u64,
    /// Largest error that the kernel stated, ns.
    pub max_error_ns: u64,
    /// Number of steps.
    pub step_count: u64,
    /// The first of them: the anchors before and after.
    pub steps: Vec<ClockStep>,
}

impl Clock {
    /// Takes the next anchor.
    pub fn add(&mut self, anchor: &ClockAnchor) {
        if let Some(before) = &self.last
            && stepped(before, anchor)
        {
            self.step_count += 1;
            if self.steps.len() < MAX_STEPS {
                self.steps.push(ClockStep {
                    before: Some(*before),
                    after: Some(*anchor),
                });
            }
        }
        self.first.get_or_insert(*anchor);
        self.last = Some(*anchor);
        self.anchors += 1;
        self.unsynchronised += u64::from(!anchor.synchronised);
        self.max_error_ns = self.max_error_ns.max(anchor.max_error_ns);
    }
}

/// Was the real time set between these anchors?
pub(crate) fn stepped(before: &ClockAnchor, after: &ClockAnchor) -> bool {
    let boot = i128::from(after.boot_ns) - i128::from(before.boot_ns);
    let real = i128::from(after.real_ns) - i128::from(before.real_ns);
    let allowed = boot.unsigned_abs() * u128::from(MAX_DRIFT) / 1_000_000
        + u128::from(before.read_ns)
        + u128::from(after.read_ns)
        + u128::from(SLACK_NS);
    (real - boot).unsigned_abs() > allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(boot_ns: u64, real_ns: i64) -> ClockAnchor {
        ClockAnchor {
            boot_ns,
            real_ns,
            synchronised: true,
            max_error_ns: 10,
            read_ns: 200,
        }
    }

    #[test]
    fn drift_is_no_step() {
        let second = 1_000_000_000;
        assert!(!stepped(&anchor(0, 0), &anchor(second, 1_000_500_000)));
        assert!(!stepped(&anchor(0, 0), &anchor(second, 999_500_000)));
    }

    #[test]
    fn a_set_clock_is_a_step_in_either_direction() {
        let second = 1_000_000_000;
        assert!(stepped(&anchor(0, 0), &anchor(second, 1_010_000_000)));
        assert!(stepped(&anchor(0, 0), &anchor(second, -3_600_000_000_000)));
    }

    #[test]
    fn steps_are_counted_beyond_those_kept() {
        let mut clock = Clock::default();
        for i in 0..1000u64 {
            clock.add(&anchor(i, (i as i64) * 1_000_000_000));
        }
        assert_eq!(clock.step_count, 999);
        assert_eq!(clock.steps.len(), MAX_STEPS);
        assert_eq!(clock.anchors, 1000);
    }
}
