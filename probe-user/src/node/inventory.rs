//! Work on inventories: what changed between two, and how their rows hang together.

use std::collections::{BTreeMap, BTreeSet};

use crate::sample::{
    Dev, Inventory,
    inventory::{Cgroup, Device, Mount, Volume},
};

/// A row of an inventory: what it is about, and whether that is gone.
trait Row: Clone + PartialEq {
    type Key: Ord;
    fn key(&self) -> Self::Key;
    fn is_removed(&self) -> bool;
    /// Whether nothing changed that is worth a record.
    fn is_as(&self, old: &Self) -> bool {
        self == old
    }
    /// The same row, saying that it is gone; `None` for facts that outlive their object.
    fn gone(self) -> Option<Self>;
}

impl Row for Device {
    type Key = (u32, String);

    fn key(&self) -> Self::Key {
        (self.dev, self.name.clone())
    }

    fn is_removed(&self) -> bool {
        self.removed
    }

    fn gone(self) -> Option<Self> {
        Some(Self {
            removed: true,
            ..self
        })
    }
}

impl Row for Mount {
    type Key = (u64, String, u32, String);

    /// Free space changes all the time.
    fn is_as(&self, old: &Self) -> bool {
        let free = old.fs_free_bytes;
        *old == Self {
            fs_free_bytes: free,
            ..self.clone()
        }
    }

    fn key(&self) -> Self::Key {
        (
            self.mnt_ns,
            self.mount_point.clone(),
            self.dev,
            self.root.clone(),
        )
    }

    fn is_removed(&self) -> bool {
        self.removed
    }

    fn gone(self) -> Option<Self> {
        Some(Self {
            removed: true,
            ..self
        })
    }
}

impl Row for Volume {
    type Key = String;

    fn key(&self) -> Self::Key {
        self.path.clone()
    }

    fn is_removed(&self) -> bool {
        self.removed
    }

    fn gone(self) -> Option<Self> {
        Some(Self {
            removed: true,
            ..self
        })
    }
}

impl Row for Cgroup {
    type Key = u64;

    fn key(&self) -> Self::Key {
        self.id
    }

    fn is_removed(&self) -> bool {
        false
    }

    /// Samples refer to a cgroup's id long after it is gone.
    fn gone(self) -> Option<Self> {
        None
    }
}

/// What changed from `old` to `new`, both whole: new and changed rows as they are
/// now, rows that are gone marked so. `None` where nothing did.
pub fn diff(old: &Inventory, new: &Inventory) -> Option<Inventory> {
    let change = Inventory {
        carried: false,
        boot_ns: new.boot_ns,
        whole: false,
        duration_ns: new.duration_ns,
        devices: changed(&old.devices, &new.devices),
        mounts: changed(&old.mounts, &new.mounts),
        volumes: changed(&old.volumes, &new.volumes),
        cgroups: changed(&old.cgroups, &new.cgroups),
    };
    (!is_empty(&change)).then_some(change)
}

/// Brings `base` to what it is after `change`. A whole inventory replaces all but
/// the cgroups, which are only ever added to.
pub fn apply(base: &mut Inventory, change: &Inventory) {
    if change.whole {
        base.devices.clear();
        base.mounts.clear();
        base.volumes.clear();
        base.whole = true;
    }
    base.boot_ns = change.boot_ns;
    base.duration_ns = change.duration_ns;
    merge(&mut base.devices, &change.devices);
    merge(&mut base.mounts, &change.mounts);
    merge(&mut base.volumes, &change.volumes);
    merge(&mut base.cgroups, &change.cgroups);
}

/// Whether there is no row at all.
pub fn is_empty(inventory: &Inventory) -> bool {
    let Inventory {
        devices,
        mounts,
        volumes,
        cgroups,
        ..
    } = inventory;
    devices.is_empty() && mounts.is_empty() && volumes.is_empty() && cgroups.is_empty()
}

fn changed<R: Row>(old: &[R], new: &[R]) -> Vec<R> {
    let before: BTreeMap<_, _> = old.iter().map(|row| (row.key(), row)).collect();
    let after: BTreeSet<_> = new.iter().map(Row::key).collect();
    let differs = |row: &&R| before.get(&row.key()).is_none_or(|old| !row.is_as(old));
    let gone = old.iter().filter(|row| !after.contains(&row.key()));
    let gone = gone.filter_map(|row| row.clone().gone());
    new.iter().filter(differs).cloned().chain(gone).collect()
}

fn merge<R: Row>(base: &mut Vec<R>, change: &[R]) {
    if change.is_empty() {
        return;
    }
    let keys: Vec<R::Key> = base.iter().map(Row::key).collect();
    let mut places: BTreeMap<_, _> = keys.into_iter().enumerate().map(|(i, k)| (k, i)).collect();
    let mut gone = BTreeSet::new();
    for row in change {
        let next = base.len();
        let place = *places.entry(row.key()).or_insert(next);
        if row.is_removed() {
            gone.insert(row.key());
        } else {
            gone.remove(&row.key());
        }
        match base.get_mut(place) {
            Some(known) => *known = row.clone(),
            None => base.push(row.clone()),
        }
    }
    base.retain(|row| !gone.contains(&row.key()));
}

/// The device with this number.
pub fn device(inventory: &Inventory, dev: Dev) -> Option<&Device> {
    inventory.devices.iter().find(|device| device.dev == dev.0)
}

/// The whole disks beneath a partition, a mapping or a btrfs; of a whole disk itself.
pub fn disks_of(inventory: &Inventory, dev: Dev) -> Vec<Dev> {
    let mut seen = BTreeSet::new();
    let mut disks = BTreeSet::new();
    let mut open = vec![dev.0];
    while let Some(dev) = open.pop().filter(|_| seen.len() < 1024) {
        if !seen.insert(dev) {
            continue;
        }
        let Some(device) = device(inventory, Dev(dev)) else {
            // A file system with a number of its own lies on what its mounts name.
            let mounts = inventory.mounts.iter().filter(|mount| mount.dev == dev);
            open.extend(mounts.filter_map(|mount| mount.source_dev));
            continue;
        };
        match (device.parent_dev, device.slaves.as_slice()) {
            (Some(disk), _) => open.push(disk),
            (None, []) => drop(disks.insert(device.dev)),
            (None, below) => open.extend(below),
        }
    }
    disks.into_iter().map(Dev).collect()
}

/// A device with all that its disks carry: partitions, and mappings over them.
pub fn family(inventory: &Inventory, dev: Dev) -> BTreeSet<u32> {
    let mut family = BTreeSet::new();
    let mut open: Vec<u32> = disks_of(inventory, dev).iter().map(|disk| disk.0).collect();
    while let Some(below) = open.pop() {
        if family.insert(below) {
            let lies_on = |d: &&Device| d.parent_dev == Some(below) || d.slaves.contains(&below);
            let above = inventory.devices.iter().filter(lies_on);
            open.extend(above.map(|device| device.dev));
        }
    }
    family.insert(dev.0);
    family
}

/// The mounts of a device, those of the host's namespace first, and the shortest first.
pub fn mounts_of(inventory: &Inventory, dev: Dev) -> Vec<&Mount> {
    let is_on = |mount: &&Mount| mount.dev == dev.0 || mount.source_dev == Some(dev.0);
    let mut mounts: Vec<&Mount> = inventory.mounts.iter().filter(is_on).collect();
    mounts.sort_by_key(|mount| (mount.mnt_ns, mount.mount_point.len(), &mount.mount_point));
    mounts
}

/// The name reports give a device: the kernel's, or of a file system without one
/// `<fstype>:<mount point>`, or the bare number.
pub fn label(inventory: &Inventory, dev: Dev) -> String {
    if let Some(device) = device(inventory, dev) {
        return device.name.clone();
    }
    match mounts_of(inventory, dev).first() {
        Some(mount) => format!("{}:{}", mount.fs, mount.mount_point),
        None => dev.to_string(),
    }
}

#[cfg(test)]
#[path = "inventory_tests.rs"]
mod tests;
