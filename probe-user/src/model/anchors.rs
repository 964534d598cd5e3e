//! Boot time to real time, and how good that is.

use super::totals::stepped;
use crate::sample::ClockAnchor;

/// A clock that says it is unsynchronised is taken to be this good, and the
/// report says that this is an assumption.
const ASSUMED_ERROR_NS: u64 = 1_000_000_000;

/// Anchors within this of the line between their neighbours are dropped.
const STRAIGHT_NS: u64 = 50_000;

/// Anchors are kept at least this often.
const KEEP_NS: u64 = 600_000_000_000;

/// A point on the real-time axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// ns since the Unix epoch.
    pub t_ns: i64,
    /// The true time lies within this of `t_ns`, to either side.
    pub error_ns: u64,
}

/// The anchors of one recording, thinned to those that the line between their
/// neighbours does not give.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    kept: Vec<ClockAnchor>,
    /// The latest, until another one takes its place.
    latest: Option<ClockAnchor>,
}

impl Anchors {
    /// Adds an anchor. They come in ascending order but for a few that are
    /// learned later, and those stay.
    pub fn add(&mut self, anchor: &ClockAnchor) {
        self.latest = None;
        let at = self.kept.partition_point(|a| a.boot_ns < anchor.boot_ns);
        if self
            .kept
            .get(at)
            .is_some_and(|a| a.boot_ns == anchor.boot_ns)
        {
            return;
        }
        if at == self.kept.len() && self.replaces_last(anchor) {
            self.kept.pop();
            self.kept.push(*anchor);
        } else {
            self.kept.insert(at, *anchor);
        }
    }

    /// Notes the latest anchor, of a window in which nothing happened: it
    /// counts until the next one comes, so that a recording gives the same
    /// times whether all of its windows are read or only those that matter.
    pub fn set_latest(&mut self, anchor: &ClockAnchor) {
        self.latest = Some(*anchor);
    }

    /// The latest anchor of all.
    pub fn last(&self) -> Option<ClockAnchor> {
        self.latest.or_else(|| self.kept.last().copied())
    }

    fn replaces_last(&self, anchor: &ClockAnchor) -> bool {
        match self.kept.as_slice() {
            [.., before, last] => is_on_the_line(before, last, anchor),
            _ => false,
        }
    }

    /// The anchors around a boot time: the last at or before it, the first
    /// after it.
    fn around(&self, boot_ns: u64) -> (Option<&ClockAnchor>, Option<&ClockAnchor>) {
        let newer = |latest: &&ClockAnchor| {
            self.kept
                .last()
                .is_none_or(|last| last.boot_ns < latest.boot_ns)
        };
        let latest = self.latest.as_ref().filter(newer);
        let replaced = latest.is_some_and(|latest| self.replaces_last(latest));
        let kept = &self.kept[..self.kept.len() - usize::from(replaced)];
        let later = kept.partition_point(|a| a.boot_ns <= boot_ns);
        let before = later.checked_sub(1).map(|i| &kept[i]);
        let Some(latest) = latest.filter(|_| later == kept.len()) else {
            return (before, kept.get(later));
        };
        if latest.boot_ns <= boot_ns {
            (Some(latest), None)
        } else {
            (before, Some(latest))
        }
    }

    /// The real time of a boot time; `None` without any anchor.
    pub fn at(&self, boot_ns: u64) -> Option<Instant> {
        let (before, after) = self.around(boot_ns);
        // Between two anchors the offset moves evenly, unless the clock was set
        // there: then it is that of the anchor before, and nobody knows until when.
        let (anchor, offset, spread) = match (before, after) {
            (Some(a), Some(b)) if stepped(a, b) => (a, offset(a), offset(b).abs_diff(offset(a))),
            (Some(a), Some(b)) => (a, interpolate(a, b, boot_ns), 0),
            (Some(a), None) | (None, Some(a)) => (a, offset(a), 0),
            (None, None) => return None,
        };
        Some(Instant {
            t_ns: (i128::from(boot_ns) + offset).clamp(i64::MIN.into(), i64::MAX.into()) as i64,
            error_ns: error(anchor).saturating_add(u64::try_from(spread).unwrap_or(u64::MAX)),
        })
    }
}

fn offset(anchor: &ClockAnchor) -> i128 {
    i128::from(anchor.real_ns) - i128::from(anchor.boot_ns)
}

fn error(anchor: &ClockAnchor) -> u64 {
    if anchor.synchronised && anchor.max_error_ns < ASSUMED_ERROR_NS {
        anchor.max_error_ns.saturating_add(anchor.read_ns)
    } else {
        ASSUMED_ERROR_NS
    }
}

fn interpolate(a: &ClockAnchor, b: &ClockAnchor, boot_ns: u64) -> i128 {
    let whole = i128::from(b.boot_ns - a.boot_ns).max(1);
    let part = i128::from(boot_ns) - i128::from(a.boot_ns);
    offset(a) + (offset(b) - offset(a)).saturating_mul(part) / whole
}

fn is_on_the_line(a: &ClockAnchor, b: &ClockAnchor, c: &ClockAnchor) -> bool {
    c.boot_ns - a.boot_ns < KEEP_NS
        && a.synchronised == b.synchronised
        && b.synchronised == c.synchronised
        && !stepped(a, b)
        && !stepped(b, c)
        && interpolate(a, c, b.boot_ns).abs_diff(offset(b)) <= u128::from(STRAIGHT_NS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const EPOCH: i64 = 1_773_213_000_000_000_000;

    fn anchor(boot_s: u64, offset_ns: i64) -> ClockAnchor {
        ClockAnchor {
            boot_ns: boot_s * SECOND,
            real_ns: EPOCH + (boot_s * SECOND) as i64 + offset_ns,
            synchronised: true,
            max_error_ns: 2_000_000,
            read_ns: 300,
        }
    }

    fn clock(anchors: &[ClockAnchor]) -> Anchors {
        let mut clock = Anchors::default();
        for anchor in anchors {
            clock.add(anchor);
        }
        clock
    }

    #[test]
    fn without_anchors_nothing_is_known() {
        assert_eq!(Anchors::default().at(5), None);
    }

    #[test]
    fn times_between_anchors_follow_the_slew() {
        let clock = clock(&[anchor(10, 0), anchor(20, 1000)]);
        let at = clock.at(15 * SECOND).unwrap();
        assert_eq!(at.t_ns, EPOCH + 15_000_000_500);
        assert_eq!(at.error_ns, 2_000_300);
    }

    #[test]
    fn a_steady_day_keeps_few_anchors() {
        let anchors: Vec<_> = (1..86_400).map(|s| anchor(s, s as i64 * 10_000)).collect();
        let clock = clock(&anchors);
        assert!(clock.kept.len() < 400, "{}", clock.kept.len());
        assert_eq!(
            clock.at(5000 * SECOND).unwrap().t_ns,
            EPOCH + 5_000_050_000_000
        );
    }

    #[test]
    fn a_clock_that_was_set_is_a_step_with_its_uncertainty() {
        let clock = clock(&[anchor(1, 0), anchor(2, 0), anchor(3, 3_000_000_000)]);
        let between = clock.at(2 * SECOND + 500).unwrap();
        assert_eq!(between.t_ns, EPOCH + 2_000_000_500);
        assert!(between.error_ns >= 3_000_000_000);
    }

    #[test]
    fn an_unsynchronised_clock_counts_as_one_second() {
        let mut unsynchronised = anchor(1, 0);
        unsynchronised.synchronised = false;
        unsynchronised.max_error_ns = 16_000_000_000;
        let clock = clock(&[unsynchronised]);
        assert_eq!(clock.at(SECOND).unwrap().error_ns, SECOND);
    }
}
