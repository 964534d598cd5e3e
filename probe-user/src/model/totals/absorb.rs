//! Totals of one part of a stream, and of the part that follows it.

use super::{Clock, Totals, bounded};
use crate::model::totals::LossTotal;
use crate::sample::Record;

impl Totals {
    /// Adds the totals of the part that follows: what is a sum is added, of the
    /// rest the later value counts.
    pub fn absorb(&mut self, later: &Self) {
        let (windows, events) = (self.windows, self.events);
        let not_kept = self.not_kept;
        let losses = std::mem::take(&mut self.losses);
        // What is a sum, and what has a last value, as one window; its losses
        // would have lost their times, and its clock its count.
        let mut window = later.since(&Self::default());
        window.samples.retain(|sample| {
            !matches!(
                sample.record,
                Some(Record::Loss(_) | Record::Anchor(_) | Record::Gap(_))
            )
        });
        self.fold(&window);
        self.losses = losses;
        for (kind, loss) in &later.losses {
            match bounded::entry(&mut self.losses, kind.clone()) {
                Some(total) => total.absorb(*loss),
                None => self.not_kept += 1,
            }
        }
        for (key, to) in &later.gaps {
            self.not_kept += bounded::insert(&mut self.gaps, key.clone(), *to);
        }
        self.clock.absorb(&later.clock);
        self.windows = windows.saturating_add(later.windows);
        self.events = events.saturating_add(later.events);
        self.not_kept = self.not_kept.max(not_kept).saturating_add(later.not_kept);
    }
}

impl LossTotal {
    fn absorb(&mut self, later: Self) {
        if self.count == 0 {
            *self = later;
        } else if later.count > 0 {
            self.count = self.count.saturating_add(later.count);
            self.from_boot_ns = self.from_boot_ns.min(later.from_boot_ns);
            self.to_boot_ns = self.to_boot_ns.max(later.to_boot_ns);
        }
    }
}

impl Clock {
    /// Adds what the part that follows says. A step between the two is one too.
    fn absorb(&mut self, later: &Self) {
        let Some(first) = &later.first else { return };
        let (anchors, unsynchronised) = (self.anchors, self.unsynchronised);
        // Both parts may hold the anchor at which one ended.
        if self.last.as_ref() != Some(first) {
            self.add(first);
        }
        self.anchors = anchors.saturating_add(later.anchors);
        self.unsynchronised = unsynchronised.saturating_add(later.unsynchronised);
        self.max_error_ns = self.max_error_ns.max(later.max_error_ns);
        self.step_count = self.step_count.saturating_add(later.step_count);
        let room = super::clock::MAX_STEPS.saturating_sub(self.steps.len());
        self.steps.extend(later.steps.iter().take(room).copied());
        self.last = later.last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::{MS, SECOND, Story, VDB};
    use crate::sample::Window;

    fn fold(windows: &[Window]) -> Totals {
        let mut totals = Totals::default();
        for window in windows {
            totals.fold(window);
        }
        totals
    }

    #[test]
    fn two_parts_are_the_whole() {
        let mut story = Story::new();
        for second in 1..20_u64 {
            story
                .at(second * 1000)
                .copies(VDB, VDB, "splice", "syscall", &[second * MS])
                .lose("ring/exec", second % 3)
                .miss("copy", Some(second % 2))
                .capacity(VDB, "vdb", second, second + 1);
        }
        story.at(21_000).gap("resize", 3000, 4000, "a test");
        let whole = fold(&story.windows);
        for at in 1..story.windows.len() {
            let (first, second) = story.windows.split_at(at);
            let mut both = fold(first);
            both.absorb(&fold(second));
            assert_eq!(both, whole, "cut at {at}");
        }
        assert!(whole.to_boot_ns > 20 * SECOND);
    }
}
