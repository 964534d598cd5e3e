//! The last known state of devices, mounts, volumes and control groups.

use std::collections::{BTreeMap, BTreeSet};

use super::bounded::insert;
use crate::sample::{
    Inventory,
    inventory::{Cgroup, Device, Mount, Volume},
};

/// What tells one mount from another: namespace, mount point, device number,
/// root.
type MountKey = (u64, String, u32, String);

/// State of the node's volumes. What has gone is kept and marked removed while
/// series may refer to it; of mounts and volumes, the first of each device that
/// has no present one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Volumes {
    /// When this was last read; 0: never.
    pub boot_ns: u64,
    /// Devices by device number.
    pub devices: BTreeMap<u32, Device>,
    /// Mounts.
    pub mounts: BTreeMap<MountKey, Mount>,
    /// Volumes of the container orchestrator, by path.
    pub volumes: BTreeMap<String, Volume>,
    /// Control groups by id.
    pub cgroups: BTreeMap<u64, Cgroup>,
}

impl Volumes {
    /// Takes a snapshot or a change; returns how many records were too many.
    pub fn take(&mut self, inventory: &Inventory) -> u64 {
        let Inventory {
            boot_ns,
            whole,
            devices,
            mounts,
            cgroups,
            duration_ns: _,
            volumes,
            carried: _,
        } = inventory;
        self.boot_ns = self.boot_ns.max(*boot_ns);
        if *whole {
            self.remove_all_but(inventory);
        }
        let mut refused = 0;
        for device in devices {
            refused += insert(&mut self.devices, device.dev, device.clone());
        }
        for mount in mounts {
            refused += insert(&mut self.mounts, mount_key(mount), mount.clone());
        }
        for volume in volumes {
            refused += insert(&mut self.volumes, volume.path.clone(), volume.clone());
        }
        for cgroup in cgroups {
            refused += insert(&mut self.cgroups, cgroup.id, cgroup.clone());
        }
        self.forget();
        refused
    }

    fn remove_all_but(&mut self, whole: &Inventory) {
        let devices: BTreeSet<_> = whole.devices.iter().map(|d| d.dev).collect();
        for (dev, device) in &mut self.devices {
            device.removed |= !devices.contains(dev);
        }
        let mounts: BTreeSet<_> = whole.mounts.iter().map(mount_key).collect();
        for (key, mount) in &mut self.mounts {
            mount.removed |= !mounts.contains(key);
        }
        let volumes: BTreeSet<_> = whole.volumes.iter().map(|v| &v.path).collect();
        for (path, volume) in &mut self.volumes {
            volume.removed |= !volumes.contains(path);
        }
    }

    /// Forgets what has gone and is not needed for the name of a device: on a
    /// busy node pods come and go all day.
    fn forget(&mut self) {
        let present = self.mounts.values().filter(|mount| !mount.removed);
        let mut named: BTreeSet<u32> = present.map(|mount| mount.dev).collect();
        self.mounts
            .retain(|_, mount| !mount.removed || named.insert(mount.dev));
        let present = self.volumes.values().filter(|volume| !volume.removed);
        let mut named: BTreeSet<Option<u32>> = present.map(|volume| volume.dev).collect();
        named.insert(None);
        self.volumes
            .retain(|_, volume| !volume.removed || named.insert(volume.dev));
    }

    /// As one whole snapshot.
    pub fn to_inventory(&self) -> Inventory {
        Inventory {
            carried: false,
            boot_ns: self.boot_ns,
            whole: true,
            devices: self.devices.values().cloned().collect(),
            mounts: self.mounts.values().cloned().collect(),
            cgroups: self.cgroups.values().cloned().collect(),
            duration_ns: 0,
            volumes: self.volumes.values().cloned().collect(),
        }
    }
}

fn mount_key(mount: &Mount) -> MountKey {
    (
        mount.mnt_ns,
        mount.mount_point.clone(),
        mount.dev,
        mount.root.clone(),
    )
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

    #[test]
    fn a_device_keeps_one_name_after_its_mounts_are_gone() {
        let mount = |dev, mount_point: &str, removed| Mount {
            dev,
            mount_point: mount_point.into(),
            removed,
            ..Mount::default()
        };
        let mounts = |mounts| Inventory {
            mounts,
            ..Inventory::default()
        };
        let mut volumes = Volumes::default();
        let names = |volumes: &Volumes| -> Vec<String> {
            let mounts = volumes.mounts.values();
            mounts.map(|mount| mount.mount_point.clone()).collect()
        };
        volumes.take(&mounts(vec![mount(1, "/a", false), mount(1, "/b", false)]));
        volumes.take(&mounts(vec![mount(1, "/a", true)]));
        assert_eq!(names(&volumes), ["/b"]);
        volumes.take(&mounts(vec![mount(1, "/b", true)]));
        assert_eq!(names(&volumes), ["/b"]);
        // The number is given to another file system.
        volumes.take(&mounts(vec![mount(1, "/c", false)]));
        assert_eq!(names(&volumes), ["/c"]);
    }
}
