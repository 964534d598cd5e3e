//! Where a file system was mounted when something happened to its mount. The
//! kernel decides on the place after it tells of the mount, so that event itself
//! seldom knows it; the next look at the mount table does.

use crate::model::Devices;
use crate::sample::event::Detail;
use crate::sample::{Dev, Event, MountChange};
use std::collections::BTreeSet;
use std::ops::Bound;

/// When devices were mounted: number and boot time in ns.
pub(super) struct Mountings(BTreeSet<(u32, u64)>);

impl Mountings {
    pub(super) fn of<'a>(events: impl Iterator<Item = &'a Event>) -> Self {
        let added = |event: &Event| match &event.detail {
            Some(Detail::Mount(change)) if change.op == "add" => Some((change.dev, event.boot_ns)),
            _ => None,
        };
        Self(events.filter_map(added).collect())
    }

    /// The mount point of a change at a boot time; `None` if no look at the
    /// mount table belongs to it.
    pub(super) fn point(
        &self,
        change: &MountChange,
        boot_ns: u64,
        devices: &Devices,
    ) -> Option<String> {
        if !change.mount_point.is_empty() {
            return Some(change.mount_point.clone());
        }
        let states = devices.mounts_of(Dev(change.dev)).into_iter();
        let state = if change.op == "add" {
            // Seen before the next mounting, it is of this one.
            let this = (change.dev, boot_ns);
            let mut later = self.0.range((Bound::Excluded(this), Bound::Unbounded));
            let next = later.next().filter(|(dev, _)| *dev == change.dev);
            let until = next.map_or(u64::MAX, |(_, at)| *at);
            states
                .filter(|state| (boot_ns..until).contains(&state.since_ns))
                .min_by_key(|state| state.since_ns)
        } else {
            let mut earlier = self.0.range((change.dev, 0)..(change.dev, boot_ns));
            let from = earlier.next_back().map_or(0, |(_, at)| *at);
            states
                .filter(|state| (from..=boot_ns).contains(&state.since_ns))
                .max_by_key(|state| state.since_ns)
        };
        Some(state?.mount.mount_point.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::Mountings;
    use crate::analysis::{Detail, report};
    use crate::model::Devices;
    use crate::model::testing::{Story, VDB, ext4};
    use crate::sample::event::Detail as Seen;
    use crate::sample::{Event, MountChange};

    const GIB: u64 = 1 << 30;

    fn change(story: &mut Story, ms: u64, op: &str) {
        let change = MountChange {
            op: op.to_owned(),
            dev: VDB.0,
            fs: "ext4".to_owned(),
            ..MountChange::default()
        };
        story.at(ms).event(7, "mount", Seen::Mount(change));
    }

    fn look(story: &mut Story, ms: u64, at: &[&str]) {
        let mounts = at.iter().map(|at| ext4(VDB, at, GIB)).collect();
        story.at(ms).inventory(Vec::new(), mounts, true);
    }

    /// Mount points of the timeline's changes of mounts.
    fn points(story: &mut Story) -> Vec<Option<String>> {
        let report = report(&story.end(60_000).recording());
        let point = |detail: Detail| match detail {
            Detail::Mount { mount_point, .. } => Some(mount_point),
            _ => None,
        };
        let details = report.timeline.into_iter().map(|row| row.detail);
        details.filter_map(point).collect()
    }

    #[test]
    fn the_next_look_says_where_it_was_mounted() {
        let mut story = Story::bare();
        look(&mut story, 500, &[]);
        change(&mut story, 1_000, "add");
        look(&mut story, 1_100, &["/data"]);
        change(&mut story, 2_000, "remove");
        let data = || Some("/data".to_owned());
        assert_eq!(points(&mut story), [data(), data()]);
    }

    #[test]
    fn a_mount_that_no_look_saw_is_nowhere() {
        let mut story = Story::bare();
        change(&mut story, 1_000, "add");
        change(&mut story, 1_010, "remove");
        change(&mut story, 2_000, "add");
        look(&mut story, 2_100, &["/data"]);
        assert_eq!(points(&mut story), [None, None, Some("/data".to_owned())]);
    }

    #[test]
    fn a_mount_at_the_end_of_time_is_no_overflow() {
        let change = MountChange {
            op: "add".to_owned(),
            dev: VDB.0,
            ..MountChange::default()
        };
        let event = Event {
            boot_ns: u64::MAX,
            detail: Some(Seen::Mount(change.clone())),
            ..Event::default()
        };
        let mountings = Mountings::of([&event].into_iter());
        assert_eq!(
            mountings.point(&change, u64::MAX, &Devices::default()),
            None
        );
    }
}
