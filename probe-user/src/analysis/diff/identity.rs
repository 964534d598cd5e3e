//! Which volume of one recording is which of another.
//!
//! A kernel's name says nothing: `vdb` of this boot may be `vdc` of the next,
//! and quite another disk on the neighbour node.

use crate::model::{Devices, Recording};
use crate::node::is_remote;
use crate::sample::Dev;
use std::collections::{BTreeMap, BTreeSet};

/// The same volume in both recordings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// In A.
    pub(super) a: Dev,
    /// In B.
    pub(super) b: Dev,
}

/// What belongs together. The same volume has the same number on both sides.
#[derive(Clone, Debug, Default)]
pub(super) struct Matching {
    /// Volumes that are in both, one of each side; their place is their number.
    pub(super) pairs: Vec<Pair>,
    numbers: (BTreeMap<Dev, usize>, BTreeMap<Dev, usize>),
}

impl Matching {
    pub(super) fn of(a: &Recording, b: &Recording) -> Self {
        let (a, b) = (a.devices(), b.devices());
        let mut matching = Self::default();
        matching.pair(a, b);
        matching.group(a, b);
        matching
    }

    /// The number of a volume of A; none if it is not in B.
    pub(super) fn of_a(&self, dev: Dev) -> Option<usize> {
        self.numbers.0.get(&dev).copied()
    }

    /// The number of a volume of B; none if it is not in A.
    pub(super) fn of_b(&self, dev: Dev) -> Option<usize> {
        self.numbers.1.get(&dev).copied()
    }

    /// All volumes of B that are in A, with their numbers.
    pub(super) fn in_b(&self) -> impl Iterator<Item = (Dev, usize)> {
        self.numbers.1.iter().map(|(dev, number)| (*dev, *number))
    }

    /// Finds those of which either side has one.
    fn pair(&mut self, a: &Devices, b: &Devices) {
        let (mut left_a, mut left_b) = (present(a), present(b));
        for sign in SIGNS {
            let (signs_a, signs_b) = (by_sign(a, &left_a, *sign), by_sign(b, &left_b, *sign));
            for (value, devs) in &signs_a {
                let others = signs_b.get(value).map(Vec::as_slice);
                if let ([a], Some([b])) = (devs.as_slice(), others) {
                    let number = self.pairs.len();
                    self.numbers.0.insert(*a, number);
                    self.numbers.1.insert(*b, number);
                    self.pairs.push(Pair { a: *a, b: *b });
                    left_a.remove(a);
                    left_b.remove(b);
                }
            }
        }
    }

    /// Of the rest, several may be alike: a mount that is gone and came again,
    /// the roots of the containers of a pod.
    fn group(&mut self, a: &Devices, b: &Devices) {
        let mut next = self.pairs.len();
        for sign in SIGNS {
            let (signs_a, signs_b) = (by_sign(a, &all(a), *sign), by_sign(b, &all(b), *sign));
            for (value, devs) in &signs_a {
                let Some(others) = signs_b.get(value) else {
                    continue;
                };
                let known_a = devs.iter().filter_map(|dev| self.of_a(*dev));
                let known = known_a.chain(others.iter().filter_map(|dev| self.of_b(*dev)));
                let known: BTreeSet<usize> = known.collect();
                let number = match known.len() {
                    0 => next,
                    1 => known.first().copied().unwrap_or(next),
                    // The sign does not tell them apart.
                    _ => continue,
                };
                next = next.max(number + 1);
                for dev in devs {
                    self.numbers.0.entry(*dev).or_insert(number);
                }
                for dev in others {
                    self.numbers.1.entry(*dev).or_insert(number);
                }
            }
        }
    }
}

/// By what a volume may be known again: a text, if it has such a sign.
type Sign = fn(&Devices, Dev) -> Option<String>;

/// From the surest to the weakest.
const SIGNS: &[Sign] = &[serial, mapping, server_path, claim, mount_point, bare_name];

/// The serial number of the disk, with the number of the partition.
fn serial(devices: &Devices, dev: Dev) -> Option<String> {
    let device = devices.device(dev)?;
    let disk = devices.device(devices.disk_of(dev))?;
    let id = [&disk.serial, &disk.wwid]
        .into_iter()
        .flatten()
        .find(|id| !id.is_empty())?;
    let partition = device.partition.unwrap_or(0);
    Some(format!("{id} {partition}"))
}

/// The uuid or the name of a mapping, on another node made of other disks.
fn mapping(devices: &Devices, dev: Dev) -> Option<String> {
    let device = devices.device(dev)?;
    let names = [&device.dm_uuid, &device.dm_name];
    names.into_iter().flatten().find(|n| !n.is_empty()).cloned()
}

/// What a network mount is a mount of.
fn server_path(devices: &Devices, dev: Dev) -> Option<String> {
    let mount = &devices.main_mount(dev)?.mount;
    is_remote(&mount.fs).then(|| format!("{} {}", mount.source, mount.root))
}

/// The persistent volume, and whose it is.
fn claim(devices: &Devices, dev: Dev) -> Option<String> {
    let (pv, pod) = devices.claim(dev);
    Some(format!("{} {}", pv?, pod.as_deref().map(workload)?))
}

/// Where it is mounted, whatever ids of containers and pods are in the path.
fn mount_point(devices: &Devices, dev: Dev) -> Option<String> {
    let mount = &devices.main_mount(dev)?.mount;
    let parts = mount.mount_point.split('/');
    let point: Vec<&str> = parts
        .map(|part| if is_id(part) { "*" } else { part })
        .collect();
    Some(format!("{} {}", mount.fs, point.join("/")))
}

/// The kernel's name, of what has nothing better to be known by.
fn bare_name(devices: &Devices, dev: Dev) -> Option<String> {
    let device = devices.device(dev)?;
    let better: [Sign; 3] = [serial, mapping, mount_point];
    let none = better.iter().all(|sign| sign(devices, dev).is_none());
    none.then(|| format!("{} {:?}", device.name, device.size_bytes))
}

/// The owner of a pod: replicas of a deployment end in a hash and five letters
/// of the alphabet that Kubernetes uses for that.
pub(super) fn workload(pod: &str) -> String {
    let is_random = |part: &str| {
        part.chars()
            .all(|c| "bcdfghjklmnpqrstvwxz2456789".contains(c))
    };
    let Some((rest, last)) = pod.rsplit_once('-') else {
        return pod.to_owned();
    };
    if last.len() != 5 || !is_random(last) {
        return pod.to_owned();
    }
    match rest.rsplit_once('-') {
        Some((owner, hash)) if (6..=10).contains(&hash.len()) && is_random(hash) => {
            owner.to_owned()
        }
        _ => rest.to_owned(),
    }
}

/// A uuid, or the long hexadecimal number of a container.
fn is_id(part: &str) -> bool {
    let part = part.strip_prefix("pvc-").unwrap_or(part);
    part.len() >= 12 && part.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// All devices and mounted file systems that are there at the end.
fn present(devices: &Devices) -> BTreeSet<Dev> {
    let disks = devices.all().filter(|(_, device)| !device.removed);
    let mounts = devices.mounts().filter(|state| state.present);
    let mounted = mounts.map(|state| devices.canonical(Dev(state.mount.dev)));
    disks.map(|(dev, _)| dev).chain(mounted).collect()
}

/// Those that are gone as well.
fn all(devices: &Devices) -> BTreeSet<Dev> {
    let mounted = devices.mounts().map(|state| Dev(state.mount.dev));
    let mounted = mounted.map(|dev| devices.canonical(dev));
    devices.all().map(|(dev, _)| dev).chain(mounted).collect()
}

fn by_sign(devices: &Devices, devs: &BTreeSet<Dev>, sign: Sign) -> BTreeMap<String, Vec<Dev>> {
    let mut found: BTreeMap<String, Vec<Dev>> = BTreeMap::new();
    for dev in devs {
        if let Some(value) = sign(devices, *dev) {
            found.entry(value).or_default().push(*dev);
        }
    }
    found
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
