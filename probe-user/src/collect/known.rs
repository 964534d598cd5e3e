//! What was last known of the node, for events that tell only half.

use crate::sample::{Dev, Inventory};
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
}

#[derive(Debug, Default)]
struct Device {
    name: String,
    bytes: Option<u64>,
}

impl Known {
    /// Takes over what an inventory says.
    pub fn learn(&mut self, inventory: &Inventory) {
        for device in &inventory.devices {
            if device.removed {
                continue;
            }
            let entry = self.devices.entry(device.dev).or_default();
            entry.name.clone_from(&device.name);
            entry.bytes = device.size_bytes.or(entry.bytes);
            if let (Some(disk), Some(number)) = (device.parent_dev, device.partition) {
                self.partitions.insert((disk, number), device.dev);
            }
        }
        // Of several mounts of a file system the first; one that is gone is
        // kept, because its unmounting may be told later.
        for mount in inventory.mounts.iter().filter(|mount| !mount.removed) {
            let at = self.mounts.entry(mount.dev);
            at.or_insert_with(|| mount.mount_point.clone());
        }
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
        self.devices.get(&dev)?.bytes
    }

    /// The device number of partition `number` of `disk`.
    pub fn partition(&self, disk: u32, number: u32) -> Option<u32> {
        self.partitions.get(&(disk, number)).copied()
    }

    /// Notes a new size, and returns the one before.
    pub fn resize(&mut self, dev: u32, bytes: u64) -> Option<u64> {
        self.devices.entry(dev).or_default().bytes.replace(bytes)
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
        assert_eq!(known.resize(dev, 2 << 30), Some(1 << 30));
        assert_eq!(known.bytes(dev), Some(2 << 30));
    }

    #[test]
    fn only_block_device_files_are_devices() {
        for path in ["/dev/null", "/dev/does-not-exist", "/tmp", "vdb", "-f"] {
            assert_eq!(block_device(path), None, "{path}");
        }
    }
}
