//! The events of a stream, as many as a report can show.

use crate::sample::event::Detail;
use crate::sample::{Dev, Event, Gap};
use std::collections::{BTreeMap, VecDeque};

/// Events that findings rest on, kept at most. A node has a few a day.
const WEIGHTY: usize = 1 << 15;

/// All others, kept at most: tools that were run, mounts of containers.
const ORDINARY: usize = 1 << 13;

/// Events of one kind that are counted but not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folded {
    /// How many.
    pub count: u64,
    /// Boot time of the first, ns.
    pub from_ns: u64,
    /// Boot time of the last, ns.
    pub to_ns: u64,
}

/// Events in the order of their ids: of each band the first and the latest;
/// those between are folded into counts, so that memory does not grow with
/// the length of a recording.
#[derive(Clone, Debug)]
pub(super) struct Events {
    kept: BTreeMap<u64, Event>,
    weighty: Band,
    ordinary: Band,
}

impl Default for Events {
    fn default() -> Self {
        Self::with_limits(WEIGHTY, ORDINARY)
    }
}

impl Events {
    fn with_limits(weighty: usize, ordinary: usize) -> Self {
        Self {
            kept: BTreeMap::new(),
            weighty: Band::new(weighty),
            ordinary: Band::new(ordinary),
        }
    }

    /// Adds an event.
    pub(super) fn add(&mut self, event: Event) {
        let id = event.id;
        let band = if is_weighty(&event) {
            &mut self.weighty
        } else {
            &mut self.ordinary
        };
        if self.kept.insert(id, event).is_some() {
            return;
        }
        if let Some(over) = band.take(id)
            && let Some(event) = self.kept.remove(&over)
        {
            band.fold(&event);
        }
    }

    /// Forgets the oldest of those kept, uncounted.
    pub(super) fn keep_newest(&mut self, count: usize) {
        while self.kept.len() > count {
            self.kept.pop_first();
        }
    }

    /// Those kept.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &Event> + Clone {
        self.kept.values()
    }

    /// Those counted only, by kind.
    pub(super) fn folded(&self) -> impl Iterator<Item = (&'static str, Folded)> {
        let bands = [&self.ordinary, &self.weighty].into_iter();
        bands.flat_map(|band| band.folded.iter().map(|(kind, folded)| (*kind, *folded)))
    }

    /// What is not known for want of them: nothing can be said to be absent
    /// where events that would show it were not kept.
    pub(super) fn gaps(&self) -> impl Iterator<Item = Gap> {
        self.weighty.folded.iter().map(|(kind, folded)| Gap {
            probe: String::new(),
            from_boot_ns: folded.from_ns,
            to_boot_ns: folded.to_ns.saturating_add(1),
            why: format!("{} events {kind} are counted, not kept", folded.count),
        })
    }
}

/// One kind of attention.
#[derive(Clone, Debug)]
struct Band {
    /// How many more are kept for good, and of the others at most.
    first: usize,
    limit: usize,
    latest: VecDeque<u64>,
    folded: BTreeMap<&'static str, Folded>,
}

impl Band {
    fn new(limit: usize) -> Self {
        Self {
            first: limit / 4,
            limit: limit - limit / 4,
            latest: VecDeque::new(),
            folded: BTreeMap::new(),
        }
    }

    /// Takes one in; the id of the one to let go for it, if any.
    fn take(&mut self, id: u64) -> Option<u64> {
        if self.first > 0 {
            self.first -= 1;
            return None;
        }
        self.latest.push_back(id);
        (self.latest.len() > self.limit)
            .then(|| self.latest.pop_front())
            .flatten()
    }

    fn fold(&mut self, event: &Event) {
        let at = event.boot_ns;
        let folded = self.folded.entry(event.kind()).or_insert(Folded {
            count: 0,
            from_ns: at,
            to_ns: at,
        });
        folded.count += 1;
        folded.from_ns = folded.from_ns.min(at);
        folded.to_ns = folded.to_ns.max(at);
    }
}

/// May a finding rest on it? Otherwise it only helps to see what went on.
fn is_weighty(event: &Event) -> bool {
    match &event.detail {
        Some(Detail::ExecStart(start)) => resizes(event, &start.argv),
        Some(Detail::ExecExit(exit)) => resizes(event, &exit.argv),
        // Containers come and go; what they mount lies on no device.
        Some(Detail::Mount(change)) => Dev(change.dev).major() != 0 || change.fs == "btrfs",
        Some(_) => true,
        None => false,
    }
}

/// A tool that resizes file systems, by its name.
fn resizes(event: &Event, argv: &[String]) -> bool {
    let called = argv.first().map_or(event.comm.as_str(), String::as_str);
    let name = called.rsplit('/').next().unwrap_or(called);
    RESIZE_TOOLS.contains(&name)
}

/// Tools whose runs tell of a resize. btrfs is not among them: it asks the
/// kernel whether or not there is anything to do, so its silence cannot be told
/// from success.
pub(crate) const RESIZE_TOOLS: [&str; 2] = ["resize2fs", "xfs_growfs"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{DeviceCapacity, ExecExit};

    fn tool(id: u64, name: &str) -> Event {
        Event {
            id,
            boot_ns: id * 10,
            detail: Some(Detail::ExecExit(ExecExit {
                argv: vec![format!("/sbin/{name}")],
                ..ExecExit::default()
            })),
            ..Event::default()
        }
    }

    fn capacity(id: u64) -> Event {
        Event {
            id,
            boot_ns: id * 10,
            detail: Some(Detail::DeviceCapacity(DeviceCapacity::default())),
            ..Event::default()
        }
    }

    fn ids(events: &Events) -> Vec<u64> {
        events.all().map(|event| event.id).collect()
    }

    #[test]
    fn of_many_tools_the_first_and_the_last_are_kept() {
        let mut events = Events::with_limits(4, 4);
        events.add(capacity(1));
        (2..10).for_each(|id| events.add(tool(id, "blockdev")));
        events.add(tool(10, "resize2fs"));
        assert_eq!(ids(&events), [1, 2, 7, 8, 9, 10]);
        let folded = Folded {
            count: 4,
            from_ns: 30,
            to_ns: 60,
        };
        assert_eq!(events.folded().collect::<Vec<_>>(), [("exec.exit", folded)]);
        assert_eq!(events.gaps().count(), 0);
    }

    #[test]
    fn what_findings_need_is_a_gap_where_it_is_folded() {
        let mut events = Events::with_limits(4, 4);
        (0..6).for_each(|id| events.add(capacity(id)));
        assert_eq!(ids(&events), [0, 3, 4, 5]);
        let gaps: Vec<Gap> = events.gaps().collect();
        assert_eq!(gaps.len(), 1);
        assert_eq!((gaps[0].from_boot_ns, gaps[0].to_boot_ns), (10, 21));
        assert_eq!(
            gaps[0].why,
            "2 events device.capacity are counted, not kept"
        );
    }

    #[test]
    fn an_event_told_twice_is_one() {
        let mut events = Events::with_limits(4, 4);
        (0..9).for_each(|_| events.add(capacity(1)));
        assert_eq!(ids(&events), [1]);
    }
}
