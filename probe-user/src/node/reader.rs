//! Reads the node's inventory: whole, in part, or only what changes often.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::fs_size::FsSizes;
use super::inventory::{self, family};
use super::mounts::Backing;
use super::view::View;
use super::{devices, kubelet, mounts};
use crate::boottime::boot_ns;
use crate::sample::{Dev, Inventory, inventory::Device};

/// The node, as far as its files tell.
#[derive(Clone, Debug)]
pub struct Node {
    view: View,
    sizes: FsSizes,
}

impl Node {
    /// The node whose files lie below `root`, which is `/` outside tests.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            view: View::new(root),
            sizes: FsSizes::default(),
        }
    }

    /// Everything but cgroups, which are resolved as they are seen.
    pub fn snapshot(&self) -> Inventory {
        let start = boot_ns();
        let devices = devices::read(&self.view);
        let mut mounts = mounts::read(&self.view, &devices);
        self.sizes.fill(&self.view, &devices, &mut mounts, |_| true);
        let volumes = kubelet::read(&self.view, &devices, &mounts);
        Inventory {
            carried: false,
            boot_ns: start,
            whole: true,
            duration_ns: boot_ns().saturating_sub(start),
            devices,
            mounts,
            volumes,
            cgroups: Vec::new(),
        }
    }

    /// What may change at any time and is cheap to read: capacity, read-only and
    /// read-ahead of what is `known`. Gives the rows that changed since.
    pub fn poll(&self, known: &Inventory) -> Option<Inventory> {
        let start = boot_ns();
        let mut now = Inventory {
            boot_ns: start,
            devices: known.devices.clone(),
            mounts: known.mounts.clone(),
            volumes: known.volumes.clone(),
            cgroups: known.cgroups.clone(),
            ..Inventory::default()
        };
        let names: BTreeMap<u32, String> = names(&now.devices);
        for device in &mut now.devices {
            let disk = device.parent_dev.and_then(|dev| names.get(&dev));
            let disk = disk.cloned().unwrap_or_else(|| device.name.clone());
            devices::refresh(&self.view, device, &disk);
        }
        let backing = Backing::new(&self.view, &now.devices);
        for mount in now
            .mounts
            .iter_mut()
            .filter(|mount| mount.read_ahead_kb.is_some())
        {
            mount.read_ahead_kb = backing.read_ahead_kb(mount).or(mount.read_ahead_kb);
        }
        let mut change = inventory::diff(known, &now)?;
        change.duration_ns = boot_ns().saturating_sub(start);
        Some(change)
    }

    /// Measures one device anew, with all that lies on its disks and the file
    /// systems mounted there. The rows are there even where nothing changed: they
    /// state what was so at `boot_ns`.
    pub fn measure(&self, known: &Inventory, dev: Dev) -> Inventory {
        let start = boot_ns();
        let family = family(known, dev);
        let members = known
            .devices
            .iter()
            .filter(|device| family.contains(&device.dev));
        let devices: Vec<Device> = members
            .filter_map(|device| devices::read_one(&self.view, &device.name))
            .collect();
        // All mounts are given, because a hanging one in the way of another must be known.
        let mut mounts = known.mounts.clone();
        let on_family = |mount: &crate::sample::inventory::Mount| {
            family.contains(&mount.source_dev.unwrap_or(mount.dev))
        };
        self.sizes
            .fill(&self.view, &devices, &mut mounts, on_family);
        mounts.retain(on_family);
        let backing = Backing::new(&self.view, &devices);
        for mount in &mut mounts {
            mount.read_ahead_kb = backing.read_ahead_kb(mount);
        }
        Inventory {
            boot_ns: start,
            duration_ns: boot_ns().saturating_sub(start),
            devices,
            mounts,
            ..Inventory::default()
        }
    }
}

fn names(devices: &[Device]) -> BTreeMap<u32, String> {
    let names = devices
        .iter()
        .map(|device| (device.dev, device.name.clone()));
    names.collect()
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
