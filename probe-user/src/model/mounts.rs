//! What was mounted, and when.

use crate::sample::inventory::Mount;
use crate::sample::{Dev, Inventory};
use std::collections::{BTreeMap, BTreeSet};

/// A mount, and when it was there.
#[derive(Clone, Debug)]
pub struct MountState {
    /// As last read.
    pub mount: Mount,
    /// Since when it is there, or was there at last: boot time in ns.
    pub since_ns: u64,
    /// Last seen; the mount is still there if this is the last inventory's time.
    pub last_ns: u64,
    /// Whether it was there at the end.
    pub present: bool,
}

/// Mounts of one device that are gone and still remembered.
const MAX_GONE: usize = 16;

/// The mounts of a node, by device. Pods come and go all day: of what is gone,
/// only the latest of each device is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Mounts(BTreeMap<Dev, Vec<MountState>>);

impl Mounts {
    pub(super) fn apply(&mut self, mount: &Mount, boot_ns: u64) {
        let states = self.0.entry(Dev(mount.dev)).or_default();
        let same = |state: &&mut MountState| {
            let known = &state.mount;
            known.mount_point == mount.mount_point && known.mnt_ns == mount.mnt_ns
        };
        match states.iter_mut().find(same) {
            Some(state) if mount.removed => state.present = false,
            Some(state) => {
                if !state.present {
                    state.since_ns = boot_ns;
                }
                state.present = true;
                state.last_ns = state.last_ns.max(boot_ns);
                state.mount = mount.clone();
            }
            None if mount.removed => {}
            None => states.push(MountState {
                mount: mount.clone(),
                since_ns: boot_ns,
                last_ns: boot_ns,
                present: true,
            }),
        }
    }

    pub(super) fn remove_all_but(&mut self, whole: &Inventory) {
        let key = |mount: &Mount| (mount.dev, mount.mnt_ns, mount.mount_point.clone());
        let there: BTreeSet<_> = whole.mounts.iter().map(key).collect();
        for states in self.0.values_mut() {
            for state in states.iter_mut() {
                state.present &= there.contains(&key(&state.mount));
            }
            let gone = states.iter().filter(|state| !state.present).count();
            let mut forget = gone.saturating_sub(MAX_GONE);
            states.retain(|state| {
                let keep = state.present || forget == 0;
                forget -= usize::from(!keep);
                keep
            });
        }
    }

    /// The mounts of this very device number.
    pub(super) fn of(&self, dev: Dev) -> &[MountState] {
        self.0.get(&dev).map_or(&[], Vec::as_slice)
    }

    /// All of them, those that are gone too.
    pub(super) fn all(&self) -> impl Iterator<Item = &MountState> {
        self.0.values().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::{VDB, ext4};

    fn inventory(mount_points: &[&str]) -> Inventory {
        Inventory {
            whole: true,
            mounts: mount_points.iter().map(|at| ext4(VDB, at, 1)).collect(),
            ..Inventory::default()
        }
    }

    fn take(mounts: &mut Mounts, at: u64, mount_points: &[&str]) {
        let inventory = inventory(mount_points);
        mounts.remove_all_but(&inventory);
        for mount in &inventory.mounts {
            mounts.apply(mount, at);
        }
    }

    #[test]
    fn a_mount_that_comes_back_is_there_since_then() {
        let mut mounts = Mounts::default();
        take(&mut mounts, 1, &["/a", "/b"]);
        take(&mut mounts, 2, &["/b"]);
        take(&mut mounts, 3, &["/a", "/b"]);
        let since: Vec<_> = mounts
            .of(VDB)
            .iter()
            .map(|m| (m.since_ns, m.last_ns, m.present))
            .collect();
        assert_eq!(since, [(3, 3, true), (1, 3, true)]);
    }

    #[test]
    fn a_day_of_pods_is_not_remembered() {
        let mut mounts = Mounts::default();
        for i in 0..1000 {
            take(&mut mounts, i, &["/data", &format!("/pod/{i}")]);
        }
        assert_eq!(mounts.all().count(), MAX_GONE + 2);
        assert!(
            mounts
                .of(VDB)
                .iter()
                .any(|m| m.mount.mount_point == "/data" && m.since_ns == 0)
        );
    }
}
