//! The node's volumes: what they are called, what lies on them, and every size
//! that was read of them.

use super::runs::Runs;
use super::{KubeletVolume, kubelet_volume};
use crate::sample::inventory::{Cgroup, Device, Mount, Volume};
use crate::sample::{Dev, Inventory};
use std::collections::BTreeMap;

/// A mount, and when it was there.
#[derive(Clone, Debug)]
pub struct MountState {
    /// As last read.
    pub mount: Mount,
    /// First seen, boot time in ns.
    pub since_ns: u64,
    /// Last seen; the mount is still there if this is the last inventory's time.
    pub last_ns: u64,
    /// Whether it was there at the end.
    pub present: bool,
}

/// Everything the inventories said.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    by_dev: BTreeMap<Dev, Device>,
    mounts: Vec<MountState>,
    cgroups: BTreeMap<u64, Cgroup>,
    volumes: BTreeMap<String, Volume>,
    device_sizes: BTreeMap<Dev, Runs>,
    fs_sizes: BTreeMap<Dev, Runs>,
    read_ahead: BTreeMap<Dev, Runs>,
}

impl Devices {
    /// Adds an inventory: a whole one says that what it lacks is gone.
    pub fn apply(&mut self, inventory: &Inventory) {
        if inventory.whole {
            for device in self.by_dev.values_mut() {
                device.removed = true;
            }
            for state in &mut self.mounts {
                state.present = false;
            }
            for volume in self.volumes.values_mut() {
                volume.removed = true;
            }
        }
        for device in &inventory.devices {
            self.apply_device(device, inventory.boot_ns);
        }
        for mount in &inventory.mounts {
            self.apply_mount(mount, inventory.boot_ns);
        }
        for volume in &inventory.volumes {
            self.volumes.insert(volume.path.clone(), volume.clone());
        }
        for cgroup in &inventory.cgroups {
            self.cgroups.insert(cgroup.id, cgroup.clone());
        }
    }

    fn apply_device(&mut self, device: &Device, boot_ns: u64) {
        let dev = Dev(device.dev);
        if device.removed {
            if let Some(known) = self.by_dev.get_mut(&dev) {
                known.removed = true;
            }
            return;
        }
        if let Some(size) = device.size_bytes {
            self.device_sizes
                .entry(dev)
                .or_default()
                .note(boot_ns, size);
        }
        if let Some(kb) = device.read_ahead_kb {
            self.read_ahead.entry(dev).or_default().note(boot_ns, kb);
        }
        self.by_dev.insert(dev, device.clone());
    }

    fn apply_mount(&mut self, mount: &Mount, boot_ns: u64) {
        let dev = Dev(mount.dev);
        if let Some(size) = mount.fs_size_bytes.filter(|_| !mount.removed) {
            self.fs_sizes.entry(dev).or_default().note(boot_ns, size);
        }
        let same = |state: &&mut MountState| {
            state.mount.dev == mount.dev && state.mount.mount_point == mount.mount_point
        };
        match self.mounts.iter_mut().find(same) {
            Some(state) => {
                state.present = !mount.removed;
                if !mount.removed {
                    state.last_ns = state.last_ns.max(boot_ns);
                    state.mount = mount.clone();
                }
            }
            None if mount.removed => {}
            None => self.mounts.push(MountState {
                mount: mount.clone(),
                since_ns: boot_ns,
                last_ns: boot_ns,
                present: true,
            }),
        }
    }

    /// The block device of a file system: itself, or, for one that has an
    /// anonymous number but lies on a device (btrfs), that device.
    pub fn canonical(&self, dev: Dev) -> Dev {
        if dev.major() != 0 || self.by_dev.contains_key(&dev) {
            return dev;
        }
        let on_device = |state: &&MountState| {
            Dev(state.mount.dev) == dev && state.mount.source.starts_with("/dev/")
        };
        let source = self
            .mounts
            .iter()
            .find(on_device)
            .map(|s| s.mount.source.as_str());
        source.and_then(|path| self.by_path(path)).unwrap_or(dev)
    }

    /// The device that a path under `/dev` names.
    pub fn by_path(&self, path: &str) -> Option<Dev> {
        let mapped = path.strip_prefix("/dev/mapper/");
        let name = path.strip_prefix("/dev/")?;
        let is_it = |device: &Device| {
            device.name == name || mapped.is_some() && device.dm_name.as_deref() == mapped
        };
        let found = |removed: bool| {
            let mut all = self.by_dev.iter();
            all.find(|(_, d)| d.removed == removed && is_it(d))
                .map(|(dev, _)| *dev)
        };
        found(false).or_else(|| found(true))
    }

    /// The name used in every table: the kernel's name of the device, else
    /// `<fstype>:<mount point>`, else `MAJ:MIN`; `None` for no device.
    pub fn name(&self, dev: Dev) -> Option<String> {
        if dev == Dev(0) {
            return None;
        }
        let dev = self.canonical(dev);
        if let Some(device) = self.by_dev.get(&dev).filter(|d| !d.name.is_empty()) {
            return Some(device.name.clone());
        }
        let mount = self.main_mount(dev).map(|state| &state.mount);
        Some(mount.map_or_else(
            || dev.to_string(),
            |m| format!("{}:{}", m.fs, m.mount_point),
        ))
    }

    /// The device as last read.
    pub fn device(&self, dev: Dev) -> Option<&Device> {
        self.by_dev.get(&dev)
    }

    /// All devices, removed ones too.
    pub fn all(&self) -> impl Iterator<Item = (Dev, &Device)> {
        self.by_dev.iter().map(|(dev, device)| (*dev, device))
    }

    /// All mounts, removed ones too.
    pub fn mounts(&self) -> &[MountState] {
        &self.mounts
    }

    /// The mounts of a device, those still there first.
    pub fn mounts_of(&self, dev: Dev) -> Vec<&MountState> {
        let mut found: Vec<_> = self
            .mounts
            .iter()
            .filter(|state| self.canonical(Dev(state.mount.dev)) == dev)
            .collect();
        found.sort_by_key(|state| {
            let mount = &state.mount;
            (!state.present, mount.root != "/", mount.mount_point.len())
        });
        found
    }

    /// The mount that a device is named by: one of the whole file system, with
    /// the shortest path, still there if any is.
    pub fn main_mount(&self, dev: Dev) -> Option<&MountState> {
        self.mounts_of(dev).into_iter().next()
    }

    /// Sizes of the device that were read.
    pub fn sizes(&self, dev: Dev) -> Option<&Runs> {
        self.device_sizes.get(&dev)
    }

    /// Sizes of the file system on the device that were read, from superblock
    /// or geometry.
    pub fn fs_sizes(&self, dev: Dev) -> Option<&Runs> {
        let anonymous = || {
            let mounts = self.mounts_of(dev);
            mounts
                .iter()
                .find_map(|m| self.fs_sizes.get(&Dev(m.mount.dev)))
        };
        self.fs_sizes.get(&dev).or_else(anonymous)
    }

    /// Read-ahead settings of the device that were read, KiB.
    pub fn read_ahead(&self, dev: Dev) -> Option<&Runs> {
        self.read_ahead.get(&dev)
    }

    /// The whole disk that a partition belongs to; the device itself otherwise.
    pub fn disk_of(&self, dev: Dev) -> Dev {
        let parent = self.by_dev.get(&dev).and_then(|device| device.parent_dev);
        parent.map_or(dev, Dev)
    }

    /// The partition of a disk with this number.
    pub fn partition(&self, disk: Dev, number: u32) -> Option<Dev> {
        let is_it = |d: &Device| d.parent_dev == Some(disk.0) && d.partition == Some(number);
        self.all().find(|(_, d)| is_it(d)).map(|(dev, _)| dev)
    }

    /// Everything a device lies on, itself first: partitions and mappings are
    /// followed down to the disks.
    pub fn chain(&self, dev: Dev) -> Vec<Dev> {
        let mut chain = vec![dev];
        let mut next = 0;
        while let Some(&at) = chain.get(next) {
            next += 1;
            let Some(device) = self.by_dev.get(&at) else {
                continue;
            };
            let below = device.parent_dev.iter().chain(&device.slaves);
            for below in below.map(|&below| Dev(below)) {
                if !chain.contains(&below) {
                    chain.push(below);
                }
            }
        }
        chain
    }

    /// kubelet's CSI volumes, removed ones too.
    pub fn volumes(&self) -> impl Iterator<Item = &Volume> {
        self.volumes.values()
    }

    /// The pod of a cgroup: `namespace/name` where known, else its uid.
    pub fn pod(&self, cgroup: u64) -> Option<String> {
        let cgroup = self.cgroups.get(&cgroup)?;
        cgroup.pod.clone().or_else(|| cgroup.pod_uid.clone())
    }

    /// What kubelet's mount of the device says about its volume.
    pub fn kubelet_volume(&self, dev: Dev) -> Option<KubeletVolume<'_>> {
        let mounts = self.mounts_of(dev);
        mounts
            .iter()
            .find_map(|state| kubelet_volume(&state.mount.mount_point))
    }

    /// The pod with this uid: its name where known, else the uid.
    pub fn pod_of_uid(&self, uid: &str) -> String {
        let same = |cgroup: &&Cgroup| cgroup.pod_uid.as_deref() == Some(uid);
        let named = self.cgroups.values().find(same).and_then(|c| c.pod.clone());
        named.unwrap_or_else(|| uid.to_owned())
    }
}
