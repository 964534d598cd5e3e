//! Mounts, from `mountinfo` of each mount namespace. Only text of `/proc` and
//! `/sys` is read: nothing here touches a mounted file system.

use std::collections::{BTreeMap, BTreeSet};

use super::view::{self, View};
use crate::sample::{
    Dev,
    inventory::{Device, Mount},
};

/// More namespaces than this are not looked into.
const MAX_NAMESPACES: usize = 4096;

/// What each container has its own of, and nobody copies files from.
const VIRTUAL: [&str; 22] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "ramfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "sysfs",
    "tracefs",
];

/// File systems whose answer comes from another machine or another process.
pub fn is_remote(fs: &str) -> bool {
    let kind = fs.split('.').next().unwrap_or(fs);
    matches!(
        kind,
        "nfs"
            | "nfs4"
            | "cifs"
            | "smb3"
            | "smbfs"
            | "ceph"
            | "fuse"
            | "fuseblk"
            | "autofs"
            | "9p"
            | "afs"
            | "lustre"
            | "gfs2"
            | "ocfs2"
            | "glusterfs"
            | "gpfs"
            | "beegfs"
            | "virtiofs"
            | "orangefs"
            | "coda"
            | "ncpfs"
            | "lpfs"
    )
}

/// The mounts of the node's namespace, and of each other namespace those of
/// superblocks that are mounted nowhere before. `devices` are those already read.
pub(super) fn read(view: &View, devices: &[Device]) -> Vec<Mount> {
    let table = view::bytes(&view.proc_of_init("mountinfo")).unwrap_or_default();
    let mut mounts = without_repeats(parse(&table));
    let mut seen: BTreeSet<u32> = mounts.iter().map(|mount| mount.dev).collect();
    for (namespace, pid) in other_namespaces(view) {
        let table = view::bytes(&view.proc(&pid).join("mountinfo")).unwrap_or_default();
        for mut mount in parse(&table) {
            if !VIRTUAL.contains(&mount.fs.as_str()) && seen.insert(mount.dev) {
                mount.mnt_ns = namespace;
                mounts.push(mount);
            }
        }
    }
    let backing = Backing::new(view, devices);
    for mount in &mut mounts {
        mount.source_dev = backing.source_dev(mount);
        mount.read_ahead_kb = backing.read_ahead_kb(mount);
    }
    mounts
}

/// One mount of each superblock, place and root: of repeats the last, which is the one seen.
fn without_repeats(mounts: Vec<Mount>) -> Vec<Mount> {
    let mut last = BTreeMap::new();
    for (index, mount) in mounts.iter().enumerate() {
        let place = (mount.dev, mount.mount_point.clone(), mount.root.clone());
        last.insert(place, index);
    }
    let keep: BTreeSet<usize> = last.into_values().collect();
    let numbered = mounts.into_iter().enumerate();
    numbered
        .filter_map(|(index, mount)| keep.contains(&index).then_some(mount))
        .collect()
}

/// Each mount namespace but the node's own, with the first process found in it.
fn other_namespaces(view: &View) -> BTreeMap<u64, String> {
    let own = view::namespace(&view.proc_of_init("ns/mnt"));
    let mut pids: Vec<u32> = view::names(&view.proc(""))
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    pids.sort_unstable();
    let mut found = BTreeMap::new();
    for pid in pids {
        let pid = pid.to_string();
        let namespace = view::namespace(&view.proc(&pid).join("ns/mnt"));
        if let Some(namespace) = namespace.filter(|_| namespace != own) {
            found.entry(namespace).or_insert(pid);
        }
        if found.len() >= MAX_NAMESPACES {
            break;
        }
    }
    found
}

/// The mounts that a `mountinfo` table lists; lines that are none are left out.
pub(super) fn parse(table: &[u8]) -> Vec<Mount> {
    table
        .split(|byte| *byte == b'\n')
        .filter_map(parse_line)
        .collect()
}

/// `36 35 98:0 /root /mnt rw,noatime master:1 - ext4 /dev/vdb rw,errors=continue`:
/// the number of optional fields before the dash varies.
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let dev: Dev = std::str::from_utf8(fields.nth(2)?).ok()?.parse().ok()?;
    let root = unescape(fields.next()?);
    let mount_point = unescape(fields.next()?);
    let options = unescape(fields.next()?);
    fields.find(|field| *field == b"-")?;
    let fs = unescape(fields.next()?);
    let source = unescape(fields.next()?);
    let fs_options = unescape(fields.next().unwrap_or_default());
    Some(Mount {
        dev: dev.0,
        rsize: option(&fs_options, "rsize"),
        root,
        mount_point,
        options,
        fs,
        source,
        fs_options,
        ..Mount::default()
    })
}

fn option(options: &str, name: &str) -> Option<u64> {
    let mut pairs = options.split(',').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name)?.1.parse().ok()
}

/// Undoes the kernel's `\040` form of bytes that would break the table.
fn unescape(field: &[u8]) -> String {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [byte, tail @ ..] = rest {
        if let (b'\\', Some(value)) = (byte, tail.get(..3).and_then(octal)) {
            plain.push(value);
            rest = &tail[3..];
        } else {
            plain.push(*byte);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

fn octal(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok()?;
    let all_octal = digits.bytes().all(|digit| digit.is_ascii_digit());
    all_octal.then(|| u8::from_str_radix(digits, 8).ok())?
}

/// What file systems lie on, to find their read-ahead.
pub(super) struct Backing<'a> {
    view: &'a View,
    devices: BTreeMap<u32, &'a Device>,
}

impl<'a> Backing<'a> {
    pub(super) fn new(view: &'a View, devices: &'a [Device]) -> Self {
        let devices = devices.iter().map(|device| (device.dev, device)).collect();
        Self { view, devices }
    }

    /// The block device named as the source of a mount whose own number is anonymous.
    fn source_dev(&self, mount: &Mount) -> Option<u32> {
        let anonymous = Dev(mount.dev).major() == 0 && !is_remote(&mount.fs);
        let name = mount.source.strip_prefix("/dev/").filter(|_| anonymous)?;
        let mapped = name.strip_prefix("mapper/");
        let named = |device: &&&Device| {
            device.name == name || mapped.is_some() && device.dm_name.as_deref() == mapped
        };
        Some(self.devices.values().find(named)?.dev)
    }

    /// Read-ahead of the mount's backing device (`sb->s_bdi`), in KiB.
    pub(super) fn read_ahead_kb(&self, mount: &Mount) -> Option<u64> {
        let dev = Dev(mount.dev);
        let of_bdi = |name: String| {
            let bdi = self.view.sys("class/bdi").join(name);
            view::number(&bdi.join("read_ahead_kb"))
        };
        if mount.fs == "fuseblk" {
            return of_bdi(format!("{dev}-fuseblk"));
        }
        if let Some(device) = self.devices.get(&mount.dev) {
            return device.read_ahead_kb;
        }
        if mount.fs == "btrfs" {
            return self.of_btrfs(mount.source_dev?);
        }
        of_bdi(dev.to_string())
    }

    /// btrfs numbers its backing devices by itself, and links them under the file system's UUID.
    fn of_btrfs(&self, source: u32) -> Option<u64> {
        let name = &self.devices.get(&source)?.name;
        let all = self.view.sys("fs/btrfs");
        let uuids = view::names(&all).into_iter().map(|uuid| all.join(uuid));
        let mut of_device = uuids.filter(|dir| dir.join("devices").join(name).exists());
        view::number(&of_device.next()?.join("bdi/read_ahead_kb"))
    }
}

#[cfg(test)]
#[path = "mounts_tests.rs"]
mod tests;
