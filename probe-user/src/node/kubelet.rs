//! CSI volumes as kubelet keeps them on disk.
//!
//! Only directories and `vol_data.json` beside the mount points are read, never
//! the mount points themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::pods::PodNames;
use super::view::{self, View};
use crate::sample::inventory::{Device, Mount, Volume};

const DEFAULT_ROOT: &str = "/var/lib/kubelet";
const PLUGIN: &str = "kubernetes.io~csi";
const STAGED: &str = "plugins/kubernetes.io/csi";
const PUBLISHED_BLOCK: &str = "plugins/kubernetes.io/csi/volumeDevices";

/// `vol_data.json`; drivers may add keys of their own.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct VolumeData {
    driver_name: String,
    volume_handle: String,
    #[serde(rename = "specVolID")]
    pv: Option<String>,
    #[serde(rename = "attachmentID")]
    attachment: Option<String>,
}

/// All CSI volumes, with the device that is mounted at each of their places.
pub(super) fn read(view: &View, devices: &[Device], mounts: &[Mount]) -> Vec<Volume> {
    let pods = PodNames::read(view);
    let mut volumes = Vec::new();
    for root in roots(view, mounts) {
        let tree = Tree { view, root: &root };
        tree.published(&mut volumes);
        tree.staged(&mut volumes);
        tree.block(&mut volumes);
    }
    for volume in &mut volumes {
        let uid = volume.pod_uid.as_deref();
        volume.pod = uid.and_then(|uid| pods.get(uid)).map(str::to_owned);
        volume.dev = dev_at(&volume.path, volume.block, devices, mounts);
    }
    name_staged(&mut volumes);
    volumes
}

/// kubelet's directories: the default, and where `--root-dir` moved it, which the
/// mounts below it tell. Mounts show real paths, so a link to elsewhere counts too.
fn roots(view: &View, mounts: &[Mount]) -> BTreeSet<String> {
    let marks = [format!("/volumes/{PLUGIN}/"), format!("/{STAGED}/")];
    let mut roots = BTreeSet::new();
    for mount in mounts.iter().filter(|mount| mount.mnt_ns == 0) {
        let marked = marks
            .iter()
            .find_map(|mark| mount.mount_point.find(mark.as_str()));
        let Some(above) = marked.map(|at| &mount.mount_point[..at]) else {
            continue;
        };
        // Above `/volumes/` there is still `/pods/<uid>`.
        let root = above.rsplit_once("/pods/").map_or(above, |(root, _)| root);
        roots.insert(root.to_owned());
    }
    let default = view.host(DEFAULT_ROOT);
    if default.is_dir() && !default.is_symlink() {
        roots.insert(DEFAULT_ROOT.to_owned());
    }
    roots
}

/// One kubelet directory.
struct Tree<'a> {
    view: &'a View,
    root: &'a str,
}

impl Tree<'_> {
    /// `pods/<uid>/volumes/kubernetes.io~csi/<pv>/{mount,vol_data.json}`.
    fn published(&self, volumes: &mut Vec<Volume>) {
        for uid in self.names("pods") {
            let dir = format!("pods/{uid}/volumes/{PLUGIN}");
            for name in self.names(&dir) {
                let at = format!("{dir}/{name}");
                if let Some(mut volume) = self.volume(&at, "mount") {
                    volume.pv.get_or_insert(name);
                    volume.pod_uid = Some(uid.clone());
                    volumes.push(volume);
                }
            }
        }
    }

    /// `<driver>/<hash>/{globalmount,vol_data.json}`; before Kubernetes 1.24 `pv/<pv>/…`.
    fn staged(&self, volumes: &mut Vec<Volume>) {
        for driver in self.names(STAGED) {
            for name in self.names(&format!("{STAGED}/{driver}")) {
                let at = format!("{STAGED}/{driver}/{name}");
                let Some(mut volume) = self.volume(&at, "globalmount") else {
                    continue;
                };
                if driver == "pv" {
                    volume.pv.get_or_insert(name);
                }
                volumes.push(volume);
            }
        }
    }

    /// Block mode: `volumeDevices/<pv>/data/vol_data.json`, and for each pod the
    /// device itself at `volumeDevices/publish/<pv>/<uid>`.
    fn block(&self, volumes: &mut Vec<Volume>) {
        for name in self.names(PUBLISHED_BLOCK) {
            let at = format!("{PUBLISHED_BLOCK}/{name}/data");
            let Some(mut volume) = self.volume(&at, "") else {
                continue;
            };
            volume.block = true;
            volume.pv.get_or_insert(name.clone());
            for dir in [format!("publish/{name}"), format!("{name}/dev")] {
                for uid in self.names(&format!("{PUBLISHED_BLOCK}/{dir}")) {
                    volumes.push(Volume {
                        path: format!("{}/{PUBLISHED_BLOCK}/{dir}/{uid}", self.root),
                        pod_uid: Some(uid),
                        ..volume.clone()
                    });
                }
            }
        }
    }

    fn names(&self, dir: &str) -> Vec<String> {
        view::names(&self.view.host(&format!("{}/{dir}", self.root)))
    }

    /// The volume whose `vol_data.json` lies in `dir`, beside its mount point.
    fn volume(&self, dir: &str, mount_point: &str) -> Option<Volume> {
        let dir = format!("{}/{dir}", self.root);
        let data = read_data(&self.view.host(&dir).join("vol_data.json"))?;
        Some(Volume {
            path: format!("{dir}/{mount_point}"),
            driver: data.driver_name,
            handle: data.volume_handle,
            pv: data.pv,
            attachment: data.attachment,
            ..Volume::default()
        })
    }
}

fn read_data(path: &Path) -> Option<VolumeData> {
    let data: VolumeData = serde_json::from_slice(&view::bytes(path)?).ok()?;
    (!data.volume_handle.is_empty()).then_some(data)
}

/// The device that is mounted at a path, or whose node is. A node is bound from
/// the `devtmpfs` it lies in, so the mount's root is its name there.
fn dev_at(path: &str, block: bool, devices: &[Device], mounts: &[Mount]) -> Option<u32> {
    let mut here = mounts.iter().rev();
    let mount = here.find(|mount| mount.mnt_ns == 0 && mount.mount_point == path)?;
    if !block {
        return Some(mount.source_dev.unwrap_or(mount.dev));
    }
    let name = mount.root.strip_prefix('/')?;
    let mapped = name.strip_prefix("mapper/");
    let mut named = devices.iter().filter(|device| {
        device.name == name || mapped.is_some() && device.dm_name.as_deref() == mapped
    });
    Some(named.next()?.dev)
}

/// A staged volume does not know its PV; the same volume published to a pod does.
fn name_staged(volumes: &mut [Volume]) {
    let key = |volume: &Volume| (volume.driver.clone(), volume.handle.clone());
    let known = volumes.iter().filter_map(|v| Some((key(v), v.pv.clone()?)));
    let names: BTreeMap<_, _> = known.collect();
    for volume in volumes.iter_mut().filter(|volume| volume.pv.is_none()) {
        volume.pv = names.get(&key(volume)).cloned();
    }
}

#[cfg(test)]
#[path = "kubelet_tests.rs"]
mod tests;
