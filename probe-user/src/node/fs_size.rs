//! Measures mounted file systems: the superblock on the block device, or, of
//! xfs, the geometry that the mounted file system states. Never `statfs`, which
//! leaves out what the file system keeps for itself.
//!
//! A disk that does not answer must not hang the reader, so each device is read
//! by a thread of its own, with a time limit, and is left alone until that thread
//! returns.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::ioctl::{self, Getter, Opcode};

use super::mounts::is_remote;
use super::superblock::{self, Kind};
use super::view::View;
use crate::sample::{
    Dev,
    inventory::{Device, Mount},
};

/// How long all devices together may take to answer.
const LIMIT: Duration = Duration::from_secs(2);
const NO_ANSWER: &str = "the device did not answer within 2 s";
const STILL_NO_ANSWER: &str = "the device has still not answered an earlier read";
/// `XFS_IOC_FSGEOMETRY`, whose `struct xfs_fsop_geom` has 256 bytes.
const FSGEOMETRY: Opcode = ioctl::opcode::read::<[u8; 256]>(b'X', 126);

type Size = Result<u64, String>;

/// Measures file systems, and remembers the devices that hang.
#[derive(Clone, Debug, Default)]
pub(super) struct FsSizes {
    hanging: Arc<Mutex<BTreeSet<u32>>>,
}

/// One file system to be measured.
struct Job {
    dev: u32,
    block_dev: u32,
    kind: Kind,
    /// Where the block device may be found.
    nodes: Vec<PathBuf>,
    /// Where the file system is mounted, if it can be asked there.
    mount_points: Vec<PathBuf>,
}

impl FsSizes {
    /// Fills in the sizes of those `mounts` that `wanted` holds.
    pub(super) fn fill(
        &self,
        view: &View,
        devices: &[Device],
        mounts: &mut [Mount],
        wanted: impl Fn(&Mount) -> bool,
    ) {
        let jobs = jobs(view, devices, mounts, wanted);
        let sizes = self.measure(jobs);
        for mount in mounts {
            let Some(size) = sizes.get(&mount.dev) else {
                continue;
            };
            mount.fs_size_bytes = size.as_ref().ok().copied();
            mount.fs_size_error = size.as_ref().err().cloned().unwrap_or_default();
        }
    }

    fn measure(&self, jobs: Vec<Job>) -> BTreeMap<u32, Size> {
        let deadline = Instant::now() + LIMIT;
        let (answer, answers) = mpsc::channel();
        let mut sizes = BTreeMap::new();
        for job in jobs {
            let dev = job.dev;
            if !self.hanging().insert(dev) {
                sizes.insert(dev, Err(STILL_NO_ANSWER.to_owned()));
                continue;
            }
            let (this, answer) = (self.clone(), answer.clone());
            let reader = thread::Builder::new().name("fs-size".to_owned());
            let started = reader.stack_size(64 << 10).spawn(move || {
                let size = job.run();
                this.hanging().remove(&dev);
                // Nobody waits any more if the device took too long.
                let _ = answer.send((dev, size));
            });
            let unanswered = match started {
                Ok(_) => NO_ANSWER.to_owned(),
                Err(error) => {
                    self.hanging().remove(&dev);
                    error.to_string()
                }
            };
            sizes.insert(dev, Err(unanswered));
        }
        drop(answer);
        let left = || deadline.saturating_duration_since(Instant::now());
        while let Ok((dev, size)) = answers.recv_timeout(left()) {
            sizes.insert(dev, size);
        }
        sizes
    }

    fn hanging(&self) -> std::sync::MutexGuard<'_, BTreeSet<u32>> {
        self.hanging.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One job for each superblock of a kind that can be measured.
fn jobs(
    view: &View,
    devices: &[Device],
    mounts: &[Mount],
    wanted: impl Fn(&Mount) -> bool,
) -> Vec<Job> {
    let mut jobs: BTreeMap<u32, Job> = BTreeMap::new();
    for mount in mounts.iter().filter(|mount| wanted(mount)) {
        let (Some(kind), block) = (
            Kind::named(&mount.fs),
            mount.source_dev.unwrap_or(mount.dev),
        ) else {
            continue;
        };
        let Some(device) = devices.iter().find(|device| device.dev == block) else {
            continue;
        };
        let job = jobs.entry(mount.dev).or_insert_with(|| Job {
            dev: mount.dev,
            block_dev: block,
            kind,
            nodes: nodes(view, device),
            mount_points: Vec::new(),
        });
        if kind == Kind::Xfs && mount.mnt_ns == 0 && is_local(&mount.mount_point, mounts) {
            job.mount_points.push(view.host(&mount.mount_point));
        }
    }
    jobs.into_values().collect()
}

/// The places of a block device's node, the node's own `/dev` first.
fn nodes(view: &View, device: &Device) -> Vec<PathBuf> {
    // The kernel writes `!` in sysfs where a name has a slash (`cciss!c0d0`).
    let name = format!("dev/{}", device.name.replace('!', "/"));
    vec![view.host(&name), view.own(&name)]
}

/// Whether the path to a mount point leads through no file system that could hang.
fn is_local(mount_point: &str, mounts: &[Mount]) -> bool {
    let remote = mounts.iter().filter(|m| m.mnt_ns == 0 && is_remote(&m.fs));
    remote.into_iter().all(|mount| {
        let below = mount_point.strip_prefix(mount.mount_point.trim_end_matches('/'));
        below.is_none_or(|rest| !rest.is_empty() && !rest.starts_with('/'))
    })
}

impl Job {
    fn run(&self) -> Size {
        for mount_point in &self.mount_points {
            if let Some(size) = self.geometry(mount_point) {
                return Ok(size);
            }
        }
        self.superblock()
    }

    /// What the mounted xfs says of itself. The directory is held open for no
    /// longer than the call, or the volume could not be unmounted.
    fn geometry(&self, mount_point: &PathBuf) -> Option<u64> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let directory = open(mount_point, flags, Mode::empty()).ok()?;
        if Dev::from_stat(fstat(&directory).ok()?.st_dev).0 != self.dev {
            return None; // something else is mounted above it
        }
        // SAFETY: FSGEOMETRY fills a struct xfs_fsop_geom, 256 bytes that may hold any value.
        let geometry = unsafe {
            let read = Getter::<FSGEOMETRY, [u8; 256]>::new();
            ioctl::ioctl(&directory, read)
        };
        geometry_size(&geometry.ok()?)
    }

    /// From the superblock on the block device.
    fn superblock(&self) -> Size {
        let cached = self.kind.lives_in_the_page_cache();
        let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        flags.set(OFlags::DIRECT, !cached);
        let node = self.open_node(flags)?;
        let mut page = Page([0; superblock::LENGTH]);
        let length = rustix::io::pread(&node, &mut page.0, self.kind.offset())
            .map_err(|error| format!("read: {error}"))?;
        let size = self.kind.size(&page.0[..length]);
        size.map_err(|error| error.to_string())
    }

    fn open_node(&self, flags: OFlags) -> Result<OwnedFd, String> {
        let mut why = "no device node".to_owned();
        for path in &self.nodes {
            match open(path, flags, Mode::empty()) {
                Ok(node) if self.is_another(&node) => {
                    why = format!("{}: another device", path.display());
                }
                Ok(node) => return Ok(node),
                Err(error) => why = format!("{}: {error}", path.display()),
            }
        }
        Err(why)
    }

    /// A container's `/dev` may use a name for another device.
    fn is_another(&self, node: &OwnedFd) -> bool {
        let block = |mode| FileType::from_raw_mode(mode) == FileType::BlockDevice;
        fstat(node).is_ok_and(|stat| {
            block(stat.st_mode) && Dev::from_stat(stat.st_rdev).0 != self.block_dev
        })
    }
}

/// `blocksize` and `datablocks` of a `struct xfs_fsop_geom`.
fn geometry_size(geometry: &[u8; 256]) -> Option<u64> {
    let block_size = u32::from_ne_bytes(geometry[..4].try_into().ok()?);
    let blocks = u64::from_ne_bytes(geometry[32..40].try_into().ok()?);
    blocks.checked_mul(block_size.into())
}

/// A buffer that direct I/O accepts.
#[repr(align(4096))]
struct Page([u8; superblock::LENGTH]);

#[cfg(test)]
#[path = "fs_size_tests.rs"]
mod tests;
