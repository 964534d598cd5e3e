//! The last known state of devices, mounts and control groups.

use std::collections::{BTreeMap, BTreeSet};

use super::bounded::insert;
use crate::sample::{
    Inventory,
    inventory::{Cgroup, Device, Mount},
};

/// State of the node's volumes. What has gone is kept and marked removed:
/// series still refer to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Volumes {
    /// When this was last read; 0: never.
    pub boot_ns: u64,
    /// Devices by device number.
    pub devices: BTreeMap<u32, Device>,
    /// Mounts by device number and mount point.
    pub mounts: BTreeMap<(u32, String), Mount>,
    /// Control groups by id.
    pub cgroups: BTreeMap<u64, Cgroup>,
}

impl Volumes {
    /// Takes a snapshot or a change; returns how many records were too many.
    pub fn take(&mut self, inventory: &Inventory) -> u64 {
        self.boot_ns = self.boot_ns.max(inventory.boot_ns);
        if inventory.whole {
            self.remove_all_but(inventory);
        }
        let mut refused = 0;
        for device in &inventory.devices {
            refused += insert(&mut self.devices, device.dev, device.clone());
        }
        for mount in &inventory.mounts {
            let key = (mount.dev, mount.mount_point.clone());
            refused += insert(&mut self.mounts, key, mount.clone());
        }
        for cgroup in &inventory.cgroups {
            refused += insert(&mut self.cgroups, cgroup.id, cgroup.clone());
        }
        refused
    }

    fn remove_all_but(&mut self, inventory: &Inventory) {
        let devices: BTreeSet<_> = inventory.devices.iter().map(|d| d.dev).collect();
        for (dev, device) in &mut self.devices {
            device.removed |= !devices.contains(dev);
        }
        let mounts: BTreeSet<_> = inventory
            .mounts
            .iter()
            .map(|m| (m.dev, m.mount_point.as_str()))
            .collect();
        for ((dev, mount_point), mount) in &mut self.mounts {
            mount.removed |= !mounts.contains(&(*dev, mount_point.as_str()));
        }
    }

    /// As one whole snapshot.
    pub fn to_inventory(&self) -> Inventory {
        Inventory {
            boot_ns: self.boot_ns,
            whole: true,
            devices: self.devices.values().cloned().collect(),
            mounts: self.mounts.values().cloned().collect(),
            cgroups: self.cgroups.values().cloned().collect(),
            ..Inventory::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(dev: u32, size_bytes: u64) -> Device {
        Device {
            dev,
            size_bytes: Some(size_bytes),
            ..Device::default()
        }
    }

    fn inventory(whole: bool, devices: Vec<Device>) -> Inventory {
        Inventory {
            whole,
            devices,
            ..Inventory::default()
        }
    }

    #[test]
    fn a_change_leaves_the_others() {
        let mut volumes = Volumes::default();
        volumes.take(&inventory(true, vec![device(1, 20), device(2, 20)]));
        volumes.take(&inventory(false, vec![device(1, 40)]));
        assert_eq!(volumes.devices[&1].size_bytes, Some(40));
        assert_eq!(volumes.devices[&2].size_bytes, Some(20));
    }

    #[test]
    fn what_a_whole_snapshot_lacks_is_gone_but_known() {
        let mut volumes = Volumes::default();
        volumes.take(&inventory(true, vec![device(1, 20), device(2, 20)]));
        volumes.take(&inventory(true, vec![device(2, 20)]));
        assert!(volumes.devices[&1].removed);
        assert!(!volumes.devices[&2].removed);
    }
}
