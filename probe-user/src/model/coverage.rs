//! For which time something was not seen.

use crate::sample::Gap;
use std::collections::BTreeMap;

/// A count that belongs to a time: losses of one kind, missed runs of one probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Kind of the loss, or name of the probe.
    pub what: String,
    /// How many.
    pub count: u64,
    /// Boot time, ns.
    pub from_ns: u64,
    /// Boot time, ns.
    pub to_ns: u64,
}

/// Intervals kept of each kind; later ones lengthen the last.
const MAX_EACH: usize = 256;

/// Adds a count, lengthening the last interval of its kind if it follows it.
pub(super) fn add(intervals: &mut Vec<Interval>, new: Interval) {
    if new.count == 0 {
        return;
    }
    let of_kind = intervals.iter().filter(|i| i.what == new.what).count();
    let last = intervals.iter_mut().rev().find(|i| i.what == new.what);
    match last {
        Some(last) if last.to_ns >= new.from_ns || of_kind >= MAX_EACH => {
            last.count = last.count.saturating_add(new.count);
            last.to_ns = last.to_ns.max(new.to_ns);
        }
        _ => intervals.push(new),
    }
}

/// What reading a file showed that is not in the stream itself.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The file has no end statement.
    pub truncated: bool,
    /// Frames that could not be read.
    pub damaged_frames: u64,
    /// Bytes after the end statement.
    pub trailing_bytes: u64,
    /// Times for which the file has no detail.
    pub gaps: Vec<Gap>,
    /// Frames that were passed over unread.
    pub unchecked_frames: u64,
    /// Kinds of frames, and records, that this version does not know.
    pub unknown: BTreeMap<String, u64>,
}

impl Reading {
    /// Adds what reading the file that follows showed. Only the last file says
    /// how the recording ended.
    pub fn follow(&mut self, next: Self) {
        let mut earlier = std::mem::replace(self, next);
        self.damaged_frames += earlier.damaged_frames;
        self.trailing_bytes += earlier.trailing_bytes;
        self.unchecked_frames += earlier.unchecked_frames;
        earlier.gaps.append(&mut self.gaps);
        self.gaps = earlier.gaps;
        for (kind, count) in earlier.unknown {
            *self.unknown.entry(kind).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(what: &str, from_ns: u64, to_ns: u64) -> Interval {
        Interval {
            what: what.to_owned(),
            count: 2,
            from_ns,
            to_ns,
        }
    }

    #[test]
    fn windows_in_a_row_are_one_interval() {
        let mut all = Vec::new();
        for new in [
            loss("a", 0, 10),
            loss("b", 0, 10),
            loss("a", 10, 20),
            loss("a", 40, 50),
        ] {
            add(&mut all, new);
        }
        let spans: Vec<_> = all
            .iter()
            .map(|i| (i.what.as_str(), i.count, i.from_ns, i.to_ns))
            .collect();
        assert_eq!(spans, [("a", 4, 0, 20), ("b", 2, 0, 10), ("a", 2, 40, 50)]);
    }

    #[test]
    fn memory_is_bounded_and_no_count_lost() {
        let mut all = Vec::new();
        for i in 0..2000 {
            add(&mut all, loss("a", i * 100, i * 100 + 1));
        }
        assert_eq!(all.len(), MAX_EACH);
        assert_eq!(all.iter().map(|i| i.count).sum::<u64>(), 4000);
    }
}
