//! The node's volumes: what they are called, what lies on them, and every size
//! that was read of them.

use super::kubelet::kubelet_volume;
use super::mounts::{MountState, Mounts};
use super::runs::Runs;
use crate::sample::inventory::{Cgroup, Device, Mount, Volume};
use crate::sample::{Dev, Inventory};
use std::collections::{BTreeMap, BTreeSet};

/// Everything the inventories said.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    by_dev: BTreeMap<Dev, Device>,
    mounts: Mounts,
    /// File systems with an anonymous number that lie on a device (btrfs).
    backed: BTreeMap<Dev, Dev>,
    cgroups: BTreeMap<u64, Cgroup>,
    volumes: BTreeMap<String, Volume>,
    device_sizes: BTreeMap<Dev, Runs>,
    fs_sizes: BTreeMap<Dev, Runs>,
    fs_free: BTreeMap<Dev, u64>,
    read_ahead: BTreeMap<Dev, Runs>,
    /// Numbers that were given to another device, and when that was first read.
    taken: BTreeMap<Dev, u64>,
}

impl Devices {
    /// Adds an inventory: a whole one says that what it lacks is gone.
    pub fn apply(&mut self, inventory: &Inventory) {
        if inventory.whole {
            self.remove_all_but(inventory);
        }
        // What is carried over from elsewhere is no reading of this time.
        let read_ns = (!inventory.carried).then_some(inventory.boot_ns);
        for device in &inventory.devices {
            self.apply_device(device, inventory.boot_ns, read_ns);
        }
        for mount in &inventory.mounts {
            self.apply_mount(mount, inventory.boot_ns, read_ns);
        }
        for volume in &inventory.volumes {
            self.volumes.insert(volume.path.clone(), volume.clone());
        }
        for cgroup in &inventory.cgroups {
            self.cgroups.insert(cgroup.id, cgroup.clone());
        }
    }

    fn remove_all_but(&mut self, inventory: &Inventory) {
        let devices: BTreeSet<u32> = inventory.devices.iter().map(|d| d.dev).collect();
        for (dev, device) in &mut self.by_dev {
            device.removed |= !devices.contains(&dev.0);
        }
        for volume in self.volumes.values_mut() {
            volume.removed = true;
        }
        self.mounts.remove_all_but(inventory);
    }

    fn apply_device(&mut self, device: &Device, boot_ns: u64, read_ns: Option<u64>) {
        let dev = Dev(device.dev);
        if device.removed {
            if let Some(known) = self.by_dev.get_mut(&dev) {
                known.removed = true;
            }
            return;
        }
        if self.is_another(device) {
            // What was read of the device that had the number says nothing of this.
            self.device_sizes.remove(&dev);
            self.fs_sizes.remove(&dev);
            self.fs_free.remove(&dev);
            self.read_ahead.remove(&dev);
            self.taken.insert(dev, boot_ns);
        }
        if let Some((boot_ns, size)) = read_ns.zip(device.size_bytes) {
            self.device_sizes
                .entry(dev)
                .or_default()
                .note(boot_ns, size);
        }
        if let Some((boot_ns, kb)) = read_ns.zip(device.read_ahead_kb) {
            self.read_ahead.entry(dev).or_default().note(boot_ns, kb);
        }
        self.by_dev.insert(dev, device.clone());
    }

    /// Whether this device is not the one that had its number before: kernels give
    /// the numbers of disks that were taken away to those that come.
    fn is_another(&self, device: &Device) -> bool {
        let Some(known) = self.by_dev.get(&Dev(device.dev)) else {
            return false;
        };
        if let Some(disk) = device.parent_dev {
            return self.since(Dev(disk)) > self.since(Dev(device.dev));
        }
        match (identity(known), identity(device)) {
            (Some(old), Some(new)) => old != new,
            _ => known.removed,
        }
    }

    /// Since when the device has its number, boot time in ns; 0 if nothing else had
    /// it before.
    pub fn since(&self, dev: Dev) -> u64 {
        self.taken.get(&dev).copied().unwrap_or(0)
    }

    fn apply_mount(&mut self, mount: &Mount, boot_ns: u64, read_ns: Option<u64>) {
        let dev = Dev(mount.dev);
        let size = mount.fs_size_bytes.filter(|_| !mount.removed);
        if let Some((read_ns, size)) = read_ns.zip(size) {
            self.fs_sizes.entry(dev).or_default().note(read_ns, size);
        }
        if let Some(free) = mount.fs_free_bytes {
            self.fs_free.insert(dev, free);
        }
        if dev.major() == 0
            && let Some(beneath) = self.by_path(&mount.source)
        {
            self.backed.insert(dev, beneath);
        }
        self.mounts.apply(mount, boot_ns);
    }

    /// The block device of a file system: itself, or, for one that has an
    /// anonymous number but lies on a device (btrfs), that device.
    pub fn canonical(&self, dev: Dev) -> Dev {
        self.backed.get(&dev).copied().unwrap_or(dev)
    }

    /// The device number itself, and those of file systems that lie on it.
    fn numbers(&self, dev: Dev) -> impl Iterator<Item = Dev> {
        let backed = self
            .backed
            .iter()
            .filter(move |(_, beneath)| **beneath == dev);
        std::iter::once(dev).chain(backed.map(|(number, _)| *number))
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
    pub fn mounts(&self) -> impl Iterator<Item = &MountState> {
        self.mounts.all()
    }

    /// The mounts of a device, those still there first.
    pub fn mounts_of(&self, dev: Dev) -> Vec<&MountState> {
        let mut found: Vec<_> = self
            .numbers(dev)
            .flat_map(|number| self.mounts.of(number))
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
        self.numbers(dev)
            .find_map(|number| self.fs_sizes.get(&number))
    }

    /// Bytes that are given to no file, of the file system on the device, as last
    /// read.
    pub fn fs_free(&self, dev: Dev) -> Option<u64> {
        let mut numbers = self.numbers(dev);
        numbers.find_map(|number| self.fs_free.get(&number).copied())
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

    /// Everything that is there at the end, as one inventory.
    pub fn inventory(&self) -> Inventory {
        let present = |state: &&MountState| state.present;
        Inventory {
            whole: true,
            devices: self
                .by_dev
                .values()
                .filter(|d| !d.removed)
                .cloned()
                .collect(),
            mounts: self
                .mounts
                .all()
                .filter(present)
                .map(|state| state.mount.clone())
                .collect(),
            volumes: self
                .volumes
                .values()
                .filter(|v| !v.removed)
                .cloned()
                .collect(),
            cgroups: self.cgroups.values().cloned().collect(),
            ..Inventory::default()
        }
    }

    /// The pod of a cgroup: `namespace/name` where known, else its uid.
    pub fn pod(&self, cgroup: u64) -> Option<String> {
        let cgroup = self.cgroups.get(&cgroup)?;
        cgroup.pod.clone().or_else(|| cgroup.pod_uid.clone())
    }

    /// Id of the container that a cgroup is, or is in.
    pub fn container(&self, cgroup: u64) -> Option<String> {
        self.cgroups.get(&cgroup)?.container.clone()
    }

    /// Persistent volume and pod of a device: from kubelet's own files where
    /// they were read, else from where it is mounted.
    pub fn claim(&self, dev: Dev) -> (Option<String>, Option<String>) {
        let is_it = |volume: &&Volume| volume.dev.is_some_and(|v| self.canonical(Dev(v)) == dev);
        let mut volumes: Vec<&Volume> = self.volumes.values().filter(is_it).collect();
        volumes.sort_by_key(|volume| (volume.removed, volume.pod_uid.is_none()));
        let mounts = self.mounts_of(dev);
        let mounted = mounts
            .iter()
            .find_map(|state| kubelet_volume(&state.mount.mount_point));
        let uid = volumes.iter().find_map(|volume| volume.pod_uid.as_deref());
        let pv = volumes.iter().find_map(|volume| volume.pv.clone());
        let pod = volumes.iter().find_map(|volume| volume.pod.clone());
        (
            pv.or_else(|| mounted.map(|volume| volume.pv.to_owned())),
            pod.or_else(|| {
                let uid = uid.or(mounted.map(|volume| volume.pod_uid));
                uid.map(|uid| self.pod_of_uid(uid))
            }),
        )
    }

    /// The pod with this uid: its name where known, else the uid.
    fn pod_of_uid(&self, uid: &str) -> String {
        let same = |cgroup: &&Cgroup| cgroup.pod_uid.as_deref() == Some(uid);
        let named = self.cgroups.values().find(same).and_then(|c| c.pod.clone());
        named.unwrap_or_else(|| uid.to_owned())
    }
}

/// What tells a disk or mapping from another that comes later.
fn identity(device: &Device) -> Option<&str> {
    let names = [
        &device.serial,
        &device.wwid,
        &device.dm_uuid,
        &device.backing_file,
    ];
    let mut known = names.into_iter().flatten().map(String::as_str);
    known.find(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::{GIB, NAS, VDB, VDC, VDC1, disk, ext4, nfs, vdc1};

    fn read(devices: Vec<Device>, mounts: Vec<Mount>) -> Devices {
        let mut all = Devices::default();
        all.apply(&Inventory {
            whole: true,
            boot_ns: 1,
            devices,
            mounts,
            ..Inventory::default()
        });
        all
    }

    #[test]
    fn devices_are_called_as_the_kernel_calls_them() {
        let devices = read(vec![disk(VDB, "vdb", GIB)], vec![nfs()]);
        assert_eq!(devices.name(VDB).as_deref(), Some("vdb"));
        assert_eq!(devices.name(NAS).as_deref(), Some("nfs4:/mnt/nas"));
        assert_eq!(devices.name(Dev::new(0, 99)).as_deref(), Some("0:99"));
        assert_eq!(devices.name(Dev(0)), None);
    }

    #[test]
    fn a_file_system_with_a_number_of_its_own_is_called_by_its_device() {
        let number = Dev::new(0, 45);
        let mount = Mount {
            fs: "btrfs".to_owned(),
            source: "/dev/vdb".to_owned(),
            ..ext4(number, "/data", GIB)
        };
        let devices = read(vec![disk(VDB, "vdb", GIB)], vec![mount]);
        assert_eq!(devices.name(number).as_deref(), Some("vdb"));
        assert_eq!(devices.mounts_of(VDB).len(), 1);
        assert_eq!(devices.fs_sizes(VDB).and_then(Runs::last), Some(GIB));
    }

    #[test]
    fn of_several_mounts_the_shortest_of_the_whole_file_system_names_it() {
        let bind = Mount {
            root: "/sub".to_owned(),
            ..ext4(NAS, "/a", GIB)
        };
        let devices = read(
            vec![],
            vec![ext4(NAS, "/long/er", GIB), bind, ext4(NAS, "/long", GIB)],
        );
        assert_eq!(devices.name(NAS).as_deref(), Some("ext4:/long"));
    }

    #[test]
    fn the_chain_goes_down_to_the_disks_and_ends() {
        let lvm = Dev::new(253, 0);
        let volume = Device {
            slaves: vec![VDC1.0, VDB.0],
            ..disk(lvm, "dm-0", GIB)
        };
        let odd = Device {
            slaves: vec![lvm.0],
            ..disk(VDB, "vdb", GIB)
        };
        let devices = read(vec![odd, disk(VDC, "vdc", GIB), vdc1(GIB), volume], vec![]);
        assert_eq!(devices.chain(lvm), [lvm, VDC1, VDB, VDC]);
        assert_eq!(devices.partition(VDC, 1), Some(VDC1));
    }

    #[test]
    fn a_volume_is_claimed_by_a_pod() {
        let at = "/var/lib/kubelet/pods/uid-1/volumes/kubernetes.io~csi/pvc-77/mount";
        let mut devices = read(vec![disk(VDB, "vdb", GIB)], vec![ext4(VDB, at, GIB)]);
        let by_mount = (Some("pvc-77".to_owned()), Some("uid-1".to_owned()));
        assert_eq!(devices.claim(VDB), by_mount);
        devices.apply(&Inventory {
            volumes: vec![Volume {
                path: at.to_owned(),
                pv: Some("pvc-77".to_owned()),
                pod_uid: Some("uid-1".to_owned()),
                pod: Some("db/mysql-0".to_owned()),
                dev: Some(VDB.0),
                ..Volume::default()
            }],
            ..Inventory::default()
        });
        let named = (Some("pvc-77".to_owned()), Some("db/mysql-0".to_owned()));
        assert_eq!(devices.claim(VDB), named);
        assert_eq!(devices.claim(VDC), (None, None));
    }

    #[test]
    fn a_disk_that_comes_in_the_place_of_another_has_no_part_in_its_sizes() {
        let called = |serial: Option<&str>, gib: u64| Device {
            serial: serial.map(str::to_owned),
            ..disk(VDC, "vdc", gib * GIB)
        };
        let sizes = |old: Option<&str>, seen_gone: bool, new: Option<&str>| {
            let mut devices = read(vec![called(old, 20), vdc1(20 * GIB)], vec![]);
            let mut inventory = |boot_ns, rows| {
                devices.apply(&Inventory {
                    whole: true,
                    boot_ns,
                    devices: rows,
                    ..Inventory::default()
                });
            };
            if seen_gone {
                inventory(2, vec![]);
            }
            inventory(3, vec![called(new, 40), vdc1(40 * GIB)]);
            let runs = |dev| devices.sizes(dev).map_or(0, |runs| runs.all().len());
            (runs(VDC), runs(VDC1), devices.since(VDC))
        };
        let (same, another) = ((2, 2, 0), (1, 1, 3));
        assert_eq!(sizes(Some("d1"), true, Some("d1")), same);
        assert_eq!(sizes(None, false, None), same);
        assert_eq!(sizes(Some("d1"), true, Some("d2")), another);
        assert_eq!(sizes(Some("d1"), false, Some("d2")), another);
        // It may be the same, but nothing says so.
        assert_eq!(sizes(None, true, None), another);
    }

    #[test]
    fn what_is_gone_keeps_its_name() {
        let mut devices = read(vec![disk(VDB, "vdb", GIB)], vec![nfs()]);
        devices.apply(&Inventory {
            whole: true,
            boot_ns: 2,
            ..Inventory::default()
        });
        assert_eq!(devices.name(VDB).as_deref(), Some("vdb"));
        assert_eq!(devices.name(NAS).as_deref(), Some("nfs4:/mnt/nas"));
        assert!(devices.device(VDB).is_some_and(|device| device.removed));
    }
}
