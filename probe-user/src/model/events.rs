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
            weighty: Band::new(weighty),
            ordinary: Band::new(ordinary),
        }
    }

    /// Adds an event; one with the same id takes the place of the former.
    pub(super) fn add(&mut self, event: Box<Event>) {
        if is_weighty(&event) {
            self.weighty.add(event);
        } else {
            self.ordinary.add(event);
        }
    }

    /// Forgets the oldest of those kept, uncounted.
    pub(super) fn keep_newest(&mut self, count: usize) {
        let over = (self.weighty.len() + self.ordinary.len()).saturating_sub(count);
        if over > 0 {
            let oldest = self.all().nth(over).map_or(u64::MAX, |event| event.id);
            self.weighty.forget_before(oldest);
            self.ordinary.forget_before(oldest);
        }
    }

    /// Those kept.
    pub(super) fn all(&self) -> impl Iterator<Item = &Event> + Clone {
        let mut weighty = self.weighty.kept().peekable();
        let mut ordinary = self.ordinary.kept().peekable();
        std::iter::from_fn(move || match (weighty.peek(), ordinary.peek()) {
            (Some(one), Some(other)) if one.id > other.id => ordinary.next(),
            (Some(_), _) => weighty.next(),
            (None, _) => ordinary.next(),
        })
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

/// One kind of attention. All of the first have lower ids than any of the latest.
#[derive(Clone, Debug)]
struct Band {
    first: VecDeque<Box<Event>>,
    latest: VecDeque<Box<Event>>,
    limit: usize,
    folded: BTreeMap<&'static str, Folded>,
}

impl Band {
    fn new(limit: usize) -> Self {
        Self {
            first: VecDeque::new(),
            latest: VecDeque::new(),
            limit,
            folded: BTreeMap::new(),
        }
    }

    fn add(&mut self, event: Box<Event>) {
        let for_first = self.limit / 4;
        let among_first = match self.first.back() {
            Some(last) if event.id <= last.id => true,
            _ => self.latest.is_empty() && self.first.len() < for_first,
        };
        if among_first {
            place(&mut self.first, event);
        } else {
            place(&mut self.latest, event);
        }
        if self.first.len() > for_first
            && let Some(event) = self.first.pop_back()
        {
            self.latest.push_front(event);
        }
        if self.latest.len() > self.limit - for_first
            && let Some(event) = self.latest.pop_front()
        {
            self.fold(&event);
        }
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

    fn forget_before(&mut self, id: u64) {
        for events in [&mut self.first, &mut self.latest] {
            events.drain(..events.partition_point(|event| event.id < id));
        }
    }

    fn len(&self) -> usize {
        self.first.len() + self.latest.len()
    }

    fn kept(&self) -> impl Iterator<Item = &Event> + Clone {
        self.first.iter().chain(&self.latest).map(Box::as_ref)
    }
}

/// Puts an event at its place, mostly the end.
fn place(events: &mut VecDeque<Box<Event>>, event: Box<Event>) {
    if events.back().is_none_or(|last| last.id < event.id) {
        events.push_back(event);
        return;
    }
    match events.binary_search_by_key(&event.id, |event| event.id) {
        Ok(at) => events[at] = event,
        Err(at) => events.insert(at, event),
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
    use proptest::prelude::*;

    fn tool(id: u64, name: &str) -> Box<Event> {
        Box::new(Event {
            id,
            boot_ns: id * 10,
            detail: Some(Detail::ExecExit(ExecExit {
                argv: vec![format!("/sbin/{name}")],
                ..ExecExit::default()
            })),
            ..Event::default()
        })
    }

    fn capacity(id: u64) -> Box<Event> {
        Box::new(Event {
            id,
            boot_ns: id * 10,
            detail: Some(Detail::DeviceCapacity(DeviceCapacity::default())),
            ..Event::default()
        })
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

    #[test]
    fn the_oldest_are_forgotten_of_both_bands() {
        let mut events = Events::with_limits(8, 8);
        for id in 0..8 {
            events.add(if id % 2 == 0 {
                capacity(id)
            } else {
                tool(id, "mount")
            });
        }
        events.keep_newest(3);
        assert_eq!(ids(&events), [5, 6, 7]);
        events.add(capacity(8));
        events.keep_newest(9);
        assert_eq!(ids(&events), [5, 6, 7, 8]);
        events.keep_newest(0);
        assert_eq!(ids(&events), [0; 0]);
        assert_eq!(events.folded().count(), 0);
    }

    proptest! {
        #[test]
        fn each_is_kept_in_order_or_counted(
            known in prop::collection::btree_set(0u64..200, 0..60),
            from in any::<prop::sample::Index>(),
        ) {
            // Some come late.
            let mut order: Vec<u64> = known.iter().copied().collect();
            if !order.is_empty() {
                let middle = from.index(order.len());
                order.rotate_left(middle);
            }
            let mut events = Events::with_limits(8, 12);
            for &id in &order {
                events.add(if id % 3 == 0 { capacity(id) } else { tool(id, "mount") });
            }
            let kept = ids(&events);
            prop_assert!(kept.is_sorted_by(|one, next| one < next));
            let folded: u64 = events.folded().map(|(_, folded)| folded.count).sum();
            prop_assert_eq!(kept.len() as u64 + folded, known.len() as u64);
            let weighty = kept.iter().filter(|&id| id % 3 == 0).count();
            prop_assert!(weighty <= 8 && kept.len() - weighty <= 12);
        }
    }
}
