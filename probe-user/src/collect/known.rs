//! What was last known of the node, for events that tell only half.

use crate::sample::event::Detail;
use crate::sample::{Dev, DeviceCapacity, Inventory, ReadAheadChange, inventory};
use std::collections::HashMap;

/// Names and sizes of devices, and where they are mounted, by device number.
///
/// The kernel makes a re-created partition anew, with a size before of 0: what
/// it had before is known only here.
#[derive(Debug, Default)]
pub struct Known {
    devices: HashMap<u32, Device>,
    partitions: HashMap<(u32, u32), u32>,
    mounts: HashMap<u32, String>,
    /// Read-ahead of disks and of network mounts, KiB.
    read_ahead: HashMap<u32, Value>,
}

#[derive(Debug, Default)]
struct Device {
    name: String,
    bytes: Value,
}

/// A value that events tell of, and that is read now and then.
#[derive(Clone, Copy, Debug, Default)]
struct Value {
    last: Option<u64>,
    /// When an event told of it, `CLOCK_BOOTTIME` ns.
    told_ns: u64,
}

/// An event is sent when the kernel is about to change the value, and its task
/// may be put aside there: a reading begun less than this later may still have
/// found the one before. What it found is read again at the next look.
const SETTLED_NS: u64 = 1_000_000_000;

impl Value {
    /// An event told of a new value; returns the one before.
    fn tell(&mut self, value: u64, boot_ns: u64) -> Option<u64> {
        self.told_ns = boot_ns;
        self.last.replace(value)
    }

    /// A reading begun at `boot_ns` found this; returns the value before if it
    /// is a change that no event has told of. A reading older than the last
    /// event says nothing.
    fn read(&mut self, value: u64, boot_ns: u64) -> Option<u64> {
        if boot_ns < self.told_ns.saturating_add(SETTLED_NS) && self.told_ns > 0 {
            return None;
        }
        self.last.replace(value).filter(|&before| before != value)
    }
}

/// Where a change comes from that no event told of.
const POLL: &str = "poll";

impl Known {
    /// Takes over what an inventory says. Returns the changes of size and of
    /// read-ahead that no event has told of: no hook saw who made them.
    pub fn learn(&mut self, inventory: &Inventory) -> Vec<Detail> {
        let read_ns = inventory.boot_ns;
        let mut untold = Vec::new();
        for device in inventory.devices.iter().filter(|device| !device.removed) {
            untold.extend(self.learn_device(device, read_ns));
            if let (None, Some(kb)) = (device.parent_dev, device.read_ahead_kb) {
                untold.extend(self.learn_read_ahead(device.dev, &device.name, kb, read_ns));
            }
        }
        // Of several mounts of a file system the first; one that is gone is
        // kept, because its unmounting may be told later.
        for mount in inventory.mounts.iter().filter(|mount| !mount.removed) {
            let at = self.mounts.entry(mount.dev);
            at.or_insert_with(|| mount.mount_point.clone());
            let network = Dev(mount.dev).major() == 0;
            if let (true, Some(kb)) = (network, mount.read_ahead_kb) {
                let bdi = Dev(mount.dev).to_string();
                untold.extend(self.learn_read_ahead(mount.dev, &bdi, kb, read_ns));
            }
        }
        untold
    }

    fn learn_device(&mut self, device: &inventory::Device, read_ns: u64) -> Option<Detail> {
        let entry = self.devices.entry(device.dev).or_default();
        entry.name.clone_from(&device.name);
        if let (Some(disk), Some(number)) = (device.parent_dev, device.partition) {
            self.partitions.insert((disk, number), device.dev);
        }
        let to = device.size_bytes?;
        let from = entry.bytes.read(to, read_ns)?;
        Some(Detail::DeviceCapacity(DeviceCapacity {
            dev: device.dev,
            name: device.name.clone(),
            from_bytes: Some(from),
            to_bytes: Some(to),
            source: POLL.to_owned(),
        }))
    }

    fn learn_read_ahead(&mut self, dev: u32, bdi: &str, kb: u64, read_ns: u64) -> Option<Detail> {
        let from = self.read_ahead.entry(dev).or_default().read(kb, read_ns)?;
        Some(Detail::ReadAhead(ReadAheadChange {
            dev,
            bdi: bdi.to_owned(),
            from_kb: Some(from),
            to_kb: Some(kb),
            via: POLL.to_owned(),
            error: String::new(),
        }))
    }

    /// An event of `boot_ns` told of a new read-ahead, KiB.
    pub fn set_read_ahead(&mut self, dev: u32, kb: u64, boot_ns: u64) {
        self.read_ahead.entry(dev).or_default().tell(kb, boot_ns);
    }

    /// Where the file system on `dev` is, or was last, mounted.
    pub fn mount_point(&self, dev: u32) -> Option<&str> {
        self.mounts.get(&dev).map(String::as_str)
    }

    /// A file system is being mounted from `dev`: where it was before is past.
    pub fn forget_mount(&mut self, dev: u32) {
        self.mounts.remove(&dev);
    }

    /// The kernel's name of a device, such as `vdb1`.
    pub fn name(&self, dev: u32) -> Option<&str> {
        self.devices.get(&dev).map(|device| device.name.as_str())
    }

    /// The size last known, bytes.
    pub fn bytes(&self, dev: u32) -> Option<u64> {
        self.devices.get(&dev)?.bytes.last
    }

    /// The device number of partition `number` of `disk`.
    pub fn partition(&self, disk: u32, number: u32) -> Option<u32> {
        self.partitions.get(&(disk, number)).copied()
    }

    /// An event of `boot_ns` told of a new size; returns the one before.
    pub fn resize(&mut self, dev: u32, bytes: u64, boot_ns: u64) -> Option<u64> {
        let device = self.devices.entry(dev).or_default();
        device.bytes.tell(bytes, boot_ns)
    }
}

/// The number of a block device file that a tool was given as an argument.
pub fn block_device(path: &str) -> Option<Dev> {
    if !path.starts_with("/dev/") {
        return None;
    }
    let stat = rustix::fs::stat(path).ok()?;
    let block = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_block_device();
    block.then(|| Dev::from_stat(stat.st_rdev))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::inventory::Device;

    #[test]
    fn a_partition_keeps_its_size_while_it_is_gone() {
        let mut known = Known::default();
        let mut part = Device {
            dev: 17,
            name: "vdb1".to_owned(),
            size_bytes: Some(1 << 30),
            parent_dev: Some(16),
            partition: Some(1),
            ..Device::default()
        };
        let inventory = |device: &Device| Inventory {
            devices: vec![device.clone()],
            ..Inventory::default()
        };
        known.learn(&inventory(&part));
        part.removed = true;
        part.size_bytes = None;
        known.learn(&inventory(&part));
        let dev = known.partition(16, 1).unwrap();
        assert_eq!((dev, known.name(dev)), (17, Some("vdb1")));
        assert_eq!(known.resize(dev, 2 << 30, 1), Some(1 << 30));
        assert_eq!(known.bytes(dev), Some(2 << 30));
    }

    #[test]
    fn what_no_event_told_is_told_once() {
        let mut known = Known::default();
        let disk = |bytes, kb| Inventory {
            boot_ns: 60_000_000_000,
            devices: vec![Device {
                dev: 16,
                name: "dm-0".to_owned(),
                size_bytes: Some(bytes),
                read_ahead_kb: Some(kb),
                ..Device::default()
            }],
            ..Inventory::default()
        };
        assert_eq!(known.learn(&disk(1 << 30, 4096)), []);
        known.resize(16, 2 << 30, 1);
        let untold = known.learn(&disk(2 << 30, 128));
        let [Detail::ReadAhead(change)] = &untold[..] else {
            panic!("{untold:?}");
        };
        assert_eq!((change.from_kb, change.to_kb), (Some(4096), Some(128)));
        assert_eq!(change.via, "poll");
        known.set_read_ahead(16, 512, 1);
        let untold = known.learn(&disk(3 << 30, 512));
        let [Detail::DeviceCapacity(change)] = &untold[..] else {
            panic!("{untold:?}");
        };
        assert_eq!(change.from_bytes, Some(2 << 30));
        assert_eq!(known.learn(&disk(3 << 30, 512)), []);
    }

    #[test]
    fn only_block_device_files_are_devices() {
        for path in ["/dev/null", "/dev/does-not-exist", "/tmp", "vdb", "-f"] {
            assert_eq!(block_device(path), None, "{path}");
        }
    }
    #[test]
    fn a_reading_older_than_an_event_does_not_undo_it() {
        let disk = |boot_ns, bytes, kb| Inventory {
            boot_ns,
            devices: vec![Device {
                dev: 16,
                size_bytes: Some(bytes),
                read_ahead_kb: Some(kb),
                ..Device::default()
            }],
            ..Inventory::default()
        };
        let mut known = Known::default();
        let told = 5_000_000_000;
        assert!(known.learn(&disk(told - 2, 1, 128)).is_empty());
        known.resize(16, 3, told);
        known.set_read_ahead(16, 4096, told);
        // Begun before the event, or while the kernel was at it.
        assert!(known.learn(&disk(told - 1, 2, 256)).is_empty());
        assert!(known.learn(&disk(told + 1, 2, 256)).is_empty());
        assert_eq!(known.bytes(16), Some(3));
        assert!(known.learn(&disk(told + SETTLED_NS, 3, 4096)).is_empty());
        assert_eq!(known.learn(&disk(told + 2 * SETTLED_NS, 4, 64)).len(), 2);
    }
}
