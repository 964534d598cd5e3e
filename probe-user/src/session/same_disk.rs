//! Does a recording lie on a disk that it is about?

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::node::inventory::{disks_of, label};
use crate::sample::{Dev, Inventory};

/// A warning if the file at `path` lies on a device that is recorded: one of
/// `only`, or any mounted one if that is empty.
pub fn same_disk_warning(
    path: &Path,
    inventory: &Inventory,
    only: &[Dev],
) -> io::Result<Option<String>> {
    let file = Dev::from_stat(path.metadata()?.dev());
    Ok(shared_disk(file, inventory, only).map(|disk| {
        format!(
            "{} lies on {disk}, which is being recorded: writing it adds to the load of that \
             disk; another disk or a tmpfs would not",
            path.display()
        )
    }))
}

/// The name of a disk that `file` and what is recorded have in common.
fn shared_disk(file: Dev, inventory: &Inventory, only: &[Dev]) -> Option<String> {
    let mounted: Vec<Dev>;
    let recorded = if only.is_empty() {
        mounted = inventory.mounts.iter().map(|m| Dev(m.dev)).collect();
        &mounted
    } else {
        only
    };
    let recorded: BTreeSet<Dev> = recorded
        .iter()
        .flat_map(|dev| disks_of(inventory, *dev))
        .collect();
    disks_of(inventory, file)
        .into_iter()
        .find(|disk| recorded.contains(disk))
        .map(|disk| label(inventory, disk))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::inventory::{Device, Mount};

    const DISK: Dev = Dev::new(254, 0);
    const PARTITION: Dev = Dev::new(254, 1);
    const MAPPING: Dev = Dev::new(253, 0);
    const OTHER: Dev = Dev::new(254, 16);
    const TMPFS: Dev = Dev::new(0, 30);

    fn inventory() -> Inventory {
        let device = |dev: Dev, name: &str| Device {
            dev: dev.0,
            name: name.into(),
            ..Device::default()
        };
        let mount = |dev: Dev| Mount {
            dev: dev.0,
            ..Mount::default()
        };
        Inventory {
            devices: vec![
                device(DISK, "vda"),
                Device {
                    parent_dev: Some(DISK.0),
                    ..device(PARTITION, "vda1")
                },
                Device {
                    slaves: vec![PARTITION.0],
                    ..device(MAPPING, "dm-0")
                },
                device(OTHER, "vdb"),
            ],
            mounts: vec![mount(MAPPING), mount(TMPFS)],
            ..Inventory::default()
        }
    }

    #[test]
    fn a_file_on_a_recorded_disk_is_found_through_mappings_and_partitions() {
        let inventory = inventory();
        for file in [DISK, PARTITION, MAPPING] {
            assert_eq!(shared_disk(file, &inventory, &[]).as_deref(), Some("vda"));
            assert_eq!(
                shared_disk(file, &inventory, &[MAPPING]).as_deref(),
                Some("vda")
            );
            assert_eq!(shared_disk(file, &inventory, &[OTHER]), None);
        }
    }

    #[test]
    fn a_file_elsewhere_is_not() {
        let inventory = inventory();
        assert_eq!(shared_disk(TMPFS, &inventory, &[]), None);
        // Nothing of it is mounted.
        assert_eq!(shared_disk(OTHER, &inventory, &[]), None);
    }

    #[test]
    fn devices_that_lie_on_each_other_end() {
        let mut inventory = inventory();
        inventory.devices[0].slaves = vec![MAPPING.0];
        assert_eq!(shared_disk(DISK, &inventory, &[]), None);
    }
}
