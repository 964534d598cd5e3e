//! From a cgroup id, which is what kernel programs see, to path, pod and container.
//!
//! The id is the inode number of the directory in the cgroup v2 hierarchy. Where
//! containers live in v1 hierarchies only, every process has the id of the v2 root.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::cgroup_path;
use super::mounts;
use super::pods::PodNames;
use super::view::{self, View};
use crate::sample::inventory::Cgroup;

/// Inode number of the first cgroup namespace (`PROC_CGROUP_INIT_INO`).
const INIT_NAMESPACE: u64 = 0xEFFF_FFFB;
/// No hierarchy is deeper, unless something is wrong.
const MAX_DEPTH: usize = 64;
/// No more directories are looked at in one walk.
const MAX_GROUPS: usize = 200_000;

/// Which hierarchies the node has, and so what a cgroup id can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CgroupMode {
    /// v2 only.
    Unified,
    /// v1 for the controllers, v2 beside it: ids tell what systemd's driver made, no more.
    Hybrid,
    /// No v2 hierarchy: ids tell nothing.
    V1,
    /// This process sees only its own part of the hierarchy: it runs in a private
    /// cgroup namespace, and the host's processes are out of its sight.
    Private,
}

/// Resolves cgroup ids when they are first seen.
#[derive(Debug)]
pub struct Cgroups {
    view: View,
    mode: CgroupMode,
    /// Mount point of the v2 hierarchy, and its place in the hierarchy.
    hierarchy: Option<PathBuf>,
    paths: BTreeMap<u64, String>,
    unknown: BTreeSet<u64>,
    pods: PodNames,
}

impl Cgroups {
    /// For the node whose files lie below `root` (`/` outside tests).
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let view = View::new(root);
        let table = view::bytes(&view.proc_of_init("mountinfo")).unwrap_or_default();
        let mounts = mounts::parse(&table);
        let v2 = mounts.iter().find(|mount| mount.fs == "cgroup2");
        // systemd's own v1 hierarchy has no controller and holds no container.
        let v1 = mounts
            .iter()
            .any(|m| m.fs == "cgroup" && !m.fs_options.contains("name="));
        let mode = match v2 {
            _ if in_private_namespace(&view) => CgroupMode::Private,
            None => CgroupMode::V1,
            Some(_) if v1 => CgroupMode::Hybrid,
            Some(_) => CgroupMode::Unified,
        };
        Self {
            hierarchy: v2.map(|mount| view.host(&mount.mount_point)),
            mode,
            view,
            paths: BTreeMap::new(),
            unknown: BTreeSet::new(),
            pods: PodNames::default(),
        }
    }

    /// What ids can tell on this node.
    pub fn mode(&self) -> CgroupMode {
        self.mode
    }

    /// The cgroup with this id; `None` where it is gone, or out of sight.
    /// The hierarchy is walked once for all ids that appeared since the last walk.
    pub fn resolve(&mut self, id: u64) -> Option<Cgroup> {
        if !self.paths.contains_key(&id) {
            if self.unknown.contains(&id) {
                return None;
            }
            self.walk();
        }
        let Some(path) = self.paths.get(&id).cloned() else {
            self.unknown.insert(id);
            return None;
        };
        Some(self.describe(id, path))
    }

    /// The cgroup of a process, from `/proc/PID/cgroup`: also where v1 hierarchies
    /// hold the containers. The id is 0.
    pub fn of_process(&mut self, pid: u32) -> Option<Cgroup> {
        let table = view::text(&self.view.proc(&format!("{pid}/cgroup")))?;
        let path = path_of_process(&table)?;
        Some(self.describe(0, path))
    }

    /// All cgroups of the v2 hierarchy that exist now.
    pub fn all(&mut self) -> Vec<Cgroup> {
        self.paths.clear();
        self.walk();
        let paths = self.paths.clone().into_iter();
        paths.map(|(id, path)| self.describe(id, path)).collect()
    }

    /// An absolute path of the node, as this process reaches it.
    pub(super) fn host(&self, path: &str) -> PathBuf {
        self.view.host(path)
    }

    fn describe(&mut self, id: u64, path: String) -> Cgroup {
        let owner = cgroup_path::parse(&path);
        let pod = owner.pod_uid.as_deref().map(|uid| {
            if self.pods.get(uid).is_none() {
                self.pods = PodNames::read(&self.view);
            }
            self.pods.get(uid).unwrap_or(uid).to_owned()
        });
        Cgroup {
            id,
            path,
            pod,
            pod_uid: owner.pod_uid,
            container: owner.container,
            runtime: owner.runtime.map(str::to_owned),
        }
    }

    /// Learns the paths of all groups that exist now; keeps those of groups gone since.
    fn walk(&mut self) {
        let Some(root) = &self.hierarchy else { return };
        if let Ok(found) = fs::metadata(root) {
            self.paths.insert(found.ino(), "/".to_owned());
        }
        let mut left = MAX_GROUPS;
        walk(root, "", MAX_DEPTH, &mut left, &mut self.paths);
    }
}

fn walk(dir: &Path, path: &str, depth: usize, left: &mut usize, paths: &mut BTreeMap<u64, String>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let (Some(depth), Some(rest)) = (depth.checked_sub(1), left.checked_sub(1)) else {
            return;
        };
        *left = rest;
        let path = format!("{path}/{}", entry.file_name().to_string_lossy());
        walk(&entry.path(), &path, depth, left, paths);
        paths.insert(entry.ino(), path);
    }
}

/// Whether the hierarchy is seen only in part.
fn in_private_namespace(view: &View) -> bool {
    let private = |link: PathBuf| view::namespace(&link).is_some_and(|ns| ns != INIT_NAMESPACE);
    private(view.proc("self/ns/cgroup")) && !view.is_outside()
}

/// The line that tells most: of v2, else of a v1 hierarchy that all runtimes use.
fn path_of_process(table: &str) -> Option<String> {
    let lines: Vec<(&str, &str)> = table
        .lines()
        .filter_map(|line| line.split_once(':')?.1.split_once(':'))
        .collect();
    let tells = |path: &str| cgroup_path::parse(path) != cgroup_path::Owner::default();
    let told = lines.iter().find(|(_, path)| tells(path));
    let unified = lines.iter().find(|(controllers, _)| controllers.is_empty());
    told.or(unified)
        .or(lines.first())
        .map(|(_, path)| (*path).to_owned())
}

#[cfg(test)]
#[path = "cgroup_tests.rs"]
mod tests;
