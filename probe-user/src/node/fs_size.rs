//! Measures mounted file systems: the superblock on the block device, or, of
//! xfs, the geometry that the mounted file system states. Never `statfs`, which
//! leaves out what the file system keeps for itself, but for the free space.
//!
//! Whoever reads a disk that does not answer cannot even be killed, and neither
//! can its process. So a child asks them one by one; if it hangs it is left to
//! itself, another asks the rest, and that disk is not asked again until the
//! first child is back.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::asking::{Answer, Job, Reply};
use super::child::Child;
use super::mounts::is_remote;
use super::superblock::Kind;
use super::view::View;
use crate::sample::inventory::{Device, Mount};

/// How long one disk may take to answer.
const LIMIT: Duration = Duration::from_secs(2);
/// So many disks may hang before the rest is not asked.
const MAX_HANGING: usize = 4;
const NO_ANSWER: &str = "the device did not answer within 2 s";
const STILL_NO_ANSWER: &str = "the device has still not answered an earlier read";
const NOT_ASKED: &str = "not read: too many devices do not answer";

/// What was read of one file system.
#[derive(Debug)]
struct Size {
    size: Result<u64, String>,
    free: Option<u64>,
}

impl Size {
    fn unknown(why: &str) -> Self {
        Self {
            size: Err(why.to_owned()),
            free: None,
        }
    }
}

/// Measures file systems, and remembers the devices that hang.
#[derive(Clone, Debug, Default)]
pub(super) struct FsSizes {
    hanging: Arc<Mutex<BTreeMap<u32, Child>>>,
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
            let Some(Size { size, free }) = sizes.get(&mount.dev) else {
                continue;
            };
            mount.fs_size_bytes = size.as_ref().ok().copied();
            mount.fs_size_error = size.as_ref().err().cloned().unwrap_or_default();
            mount.fs_free_bytes = *free;
        }
    }

    fn measure(&self, jobs: Vec<Job>) -> BTreeMap<u32, Size> {
        let mut hanging = self.hanging();
        hanging.retain(|_, child| !child.has_ended());
        let (out, mut waiting): (Vec<Job>, Vec<Job>) = jobs
            .into_iter()
            .partition(|job| hanging.contains_key(&job.dev));
        let still = |job: Job| (job.dev, Size::unknown(STILL_NO_ANSWER));
        let mut sizes: BTreeMap<u32, Size> = out.into_iter().map(still).collect();
        while !waiting.is_empty() && hanging.len() < MAX_HANGING {
            let mut child = match Child::start(&waiting) {
                Ok(child) => child,
                Err(error) => {
                    let why = format!("no process to read it: {error}");
                    let failed = |job: Job| (job.dev, Size::unknown(&why));
                    sizes.extend(waiting.into_iter().map(failed));
                    return sizes;
                }
            };
            let answers = child.answers(waiting.len(), LIMIT);
            let rest = waiting.split_off(answers.len());
            let answered = waiting.into_iter().zip(answers);
            sizes.extend(answered.map(|(job, Reply { answer, free })| {
                let size = size(&job, answer);
                (job.dev, Size { size, free })
            }));
            let mut rest = rest.into_iter();
            if let Some(job) = rest.next() {
                sizes.insert(job.dev, Size::unknown(NO_ANSWER));
                if !child.has_ended() {
                    hanging.insert(job.dev, child);
                }
            }
            waiting = rest.collect();
        }
        sizes.extend(
            waiting
                .into_iter()
                .map(|job| (job.dev, Size::unknown(NOT_ASKED))),
        );
        sizes
    }

    fn hanging(&self) -> MutexGuard<'_, BTreeMap<u32, Child>> {
        self.hanging.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(job: &Job, answer: Answer) -> Result<u64, String> {
    let node = |node: usize| job.nodes.get(node).map(|node| node.to_string_lossy());
    match answer {
        Answer::Size(size) => Ok(size),
        Answer::Block(block) => job.kind.size(&block).map_err(|error| error.to_string()),
        Answer::NoDevice => Err("no device node".to_owned()),
        Answer::Another { node: at } => {
            Err(format!("{}: another device", node(at).unwrap_or_default()))
        }
        Answer::Failed { node: at, errno } => {
            let error = std::io::Error::from_raw_os_error(errno);
            Err(format!("{}: {error}", node(at).unwrap_or_default()))
        }
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
        let block_dev = mount.source_dev.unwrap_or(mount.dev);
        let Some(kind) = Kind::named(&mount.fs) else {
            continue;
        };
        let Some(device) = devices.iter().find(|device| device.dev == block_dev) else {
            continue;
        };
        let job = jobs.entry(mount.dev).or_insert_with(|| Job {
            dev: mount.dev,
            block_dev,
            kind,
            nodes: nodes(view, device),
            mount_points: Vec::new(),
        });
        if mount.mnt_ns == 0 && is_local(&mount.mount_point, mounts) {
            job.mount_points
                .extend(c_path(view.host(&mount.mount_point)));
        }
    }
    jobs.into_values().collect()
}

/// The places of a block device's node, the node's own `/dev` first.
fn nodes(view: &View, device: &Device) -> Vec<CString> {
    // The kernel writes `!` in sysfs where a name has a slash (`cciss!c0d0`).
    let name = format!("dev/{}", device.name.replace('!', "/"));
    let mut paths = vec![view.host(&name), view.own(&name)];
    paths.dedup();
    paths.into_iter().filter_map(c_path).collect()
}

fn c_path(path: PathBuf) -> Option<CString> {
    CString::new(path.into_os_string().into_vec()).ok()
}

/// Whether the path to a mount point leads through no file system that could hang.
fn is_local(mount_point: &str, mounts: &[Mount]) -> bool {
    let remote = mounts.iter().filter(|m| m.mnt_ns == 0 && is_remote(&m.fs));
    remote.into_iter().all(|mount| {
        let below = mount_point.strip_prefix(mount.mount_point.trim_end_matches('/'));
        below.is_none_or(|rest| !rest.is_empty() && !rest.starts_with('/'))
    })
}

#[cfg(test)]
#[path = "fs_size_tests.rs"]
mod tests;
