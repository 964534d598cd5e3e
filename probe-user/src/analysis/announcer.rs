//! Findings while the stream still runs: each told once, when it has settled.
//!
//! The same rules as a report's look at the model of the running stream: soon
//! after something happened, and now and then in between, for there are rules
//! that need no event (counts of errors) or that wait for something not to
//! happen. Nothing of this is on the way of the events themselves.

use super::rules;
use super::{Finding, Severity};
use crate::model::Recording;
use crate::sample::{Record, Window};
use std::collections::{BTreeMap, BTreeSet};

/// A finding must hold for this long, by the stream's own time: who enlarges a
/// volume does one thing after the other, and between two of them the first
/// looks like a mistake.
const SETTLED_NS: u64 = 3_000_000_000;

/// So often the rules look where nothing happened.
const EVERY_NS: u64 = 10_000_000_000;

/// Rule and device.
type Key = (&'static str, Option<String>);

/// Remembers what has been told.
#[derive(Clone, Debug, Default)]
pub struct Announcer {
    told: BTreeSet<Key>,
    /// What holds and is not told yet, and since when.
    holding: BTreeMap<Key, u64>,
    looked_ns: u64,
}

impl Announcer {
    /// The findings above information that are to be told with this window, most
    /// important first; the recording must have the window already. With the
    /// end of the stream all that hold are told.
    pub fn news(&mut self, recording: &Recording, window: &Window) -> Vec<Finding> {
        let now_ns = window.to_boot_ns;
        let records = || window.samples.iter().filter_map(|s| s.record.as_ref());
        let ends = records().any(|record| matches!(record, Record::End(_)));
        let happened = records().any(is_news);
        let waited = now_ns.saturating_sub(self.looked_ns) >= EVERY_NS;
        if !ends && !happened && !waited && self.holding.is_empty() {
            return Vec::new();
        }
        self.looked_ns = now_ns;
        let findings = rules::findings(recording).into_iter();
        let untold = findings
            .filter(|finding| finding.severity > Severity::Info)
            .filter(|finding| !self.told.contains(&key(finding)));
        let untold: Vec<Finding> = untold.collect();
        self.holding = untold
            .iter()
            .map(|finding| {
                let key = key(finding);
                let since = self.holding.get(&key).copied().unwrap_or(now_ns);
                (key, since)
            })
            .collect();
        let told: Vec<Finding> = untold
            .into_iter()
            .filter(|f| ends || now_ns.saturating_sub(self.holding[&key(f)]) >= SETTLED_NS)
            .collect();
        for finding in &told {
            self.holding.remove(&key(finding));
            self.told.insert(key(finding));
        }
        told
    }
}

fn key(finding: &Finding) -> Key {
    (finding.rule, finding.device.clone())
}

/// Whether a rule may hold now that did not before. Counts come with every
/// window of a busy node, and are looked at now and then.
fn is_news(record: &Record) -> bool {
    match record {
        Record::Event(event) => !event.self_test,
        Record::Inventory(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::{GIB, Story, VDB};

    /// When each finding is told, in seconds.
    fn told(story: &Story) -> Vec<(u64, &'static str)> {
        let (mut recording, mut announcer) = (Recording::default(), Announcer::default());
        let mut told = Vec::new();
        for window in &story.windows {
            recording.apply(window);
            let news = announcer.news(&recording, window);
            let second = window.to_boot_ns / 1_000_000_000;
            told.extend(news.iter().map(|finding| (second, finding.rule)));
        }
        told
    }

    /// Nothing happens in these seconds.
    fn quiet(story: &mut Story, seconds: std::ops::RangeInclusive<u64>) {
        for second in seconds {
            story.at(second * 1000).miss("resize", Some(0));
        }
    }

    fn too_early() -> Story {
        let mut story = Story::new();
        story
            .at(2_000)
            .tool(&["resize2fs", "/dev/vdb"], 0, 0, &[(VDB, 20 * GIB)]);
        story.at(5_000).capacity(VDB, "vdb", 20, 40);
        story
    }

    #[test]
    fn a_finding_is_told_once_and_when_it_has_settled() {
        let mut story = too_early();
        quiet(&mut story, 6..=40);
        story.at(41_000).measure(40, 20).end(42_000);
        assert_eq!(told(&story), [(8, "resize/no-op-before-capacity")]);
    }

    #[test]
    fn what_is_put_right_at_once_is_not_told() {
        let mut story = too_early();
        story.at(6_000).resize(VDB, 20, 40, "");
        story.at(6_500).measure(40, 40);
        quiet(&mut story, 7..=40);
        story.end(41_000);
        assert_eq!(told(&story), []);
    }

    #[test]
    fn at_the_end_all_is_told_that_holds() {
        let mut story = too_early();
        story.end(6_000);
        assert_eq!(told(&story), [(6, "resize/no-op-before-capacity")]);
    }

    /// The disk grows at second 10 and nothing more comes of it; the recorder was
    /// told how long that is no finding.
    fn unused(after_seconds: Option<u64>, end_seconds: u64) -> Story {
        let mut story = Story::new();
        for sample in story.windows.iter_mut().flat_map(|w| &mut w.samples) {
            if let Some(Record::Session(session)) = &mut sample.record {
                session.unused_after_ns = after_seconds.map(|s| s * 1_000_000_000);
            }
        }
        story
            .at(10_000)
            .capacity(VDB, "vdb", 20, 40)
            .measure(40, 20);
        quiet(&mut story, 11..=end_seconds);
        story.end(end_seconds * 1000);
        story
    }

    #[test]
    fn a_growth_is_told_when_it_was_unused_for_as_long_as_was_asked() {
        let rule = "resize/fs-not-grown";
        assert_eq!(told(&unused(None, 60)), [(43, rule)]);
        assert_eq!(told(&unused(Some(5), 60)), [(23, rule)]);
        assert_eq!(told(&unused(Some(90), 60)), []);
    }

    #[test]
    fn a_report_of_the_file_says_what_was_announced() {
        let verdict = |story: &Story| rules::findings(&story.recording())[0].rule;
        assert_eq!(verdict(&unused(None, 20)), "resize/unknown");
        assert_eq!(verdict(&unused(Some(5), 20)), "resize/fs-not-grown");
        assert_eq!(verdict(&unused(Some(90), 60)), "resize/unknown");
    }

    #[test]
    fn counts_are_looked_at_now_and_then() {
        let mut story = Story::new();
        story
            .at(1_000)
            .failed_copies(VDB, VDB, "syscall", &[("EIO", 3)]);
        quiet(&mut story, 2..=30);
        let told = told(&story);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].1, "copy/errors");
        assert!(told[0].0 <= 14, "{told:?}");
    }
}
