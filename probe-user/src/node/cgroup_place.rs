//! Where in the hierarchy a pod, a container or a folder is, which is how kernel
//! programs tell the tasks within it: by the id of an ancestor at a level.

use super::cgroup::{CgroupMode, Cgroups};
use super::pods;
use super::view;
use crate::sample::inventory::Cgroup;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A cgroup of the v2 hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CgroupPlace {
    /// Its id: the inode of its folder.
    pub id: u64,
    /// Levels below the hierarchy's root.
    pub level: u32,
}

/// What a cgroup is named by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Its folder, below the hierarchy's mount point or whole, or its id.
    Path(String),
    /// A pod: `NAMESPACE/NAME`, the name alone, or the uid.
    Pod(String),
    /// A container: the beginning of its id, or its name.
    Container {
        /// Its pod, if it is known.
        pod: Option<String>,
        /// The container.
        name: String,
    },
}

/// Why there is no such place.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// Ids of the v2 hierarchy, which is what kernel programs see, tell nothing here.
    #[error("{0}: choose tasks by --pid or --comm")]
    Blind(&'static str),
    /// Nothing is called so.
    #[error("there is no {kind} '{name}' on this node{}", among(.known))]
    Unknown {
        /// `cgroup`, `pod` or `container`.
        kind: &'static str,
        /// As it was asked for.
        name: String,
        /// Names that there are.
        known: Vec<String>,
    },
    /// Several are, or one has no cgroup of its own that holds all its tasks.
    #[error("{kind} '{name}' can be any of: {}", .choices.join(", "))]
    Ambiguous {
        /// `cgroup`, `pod` or `container`.
        kind: &'static str,
        /// As it was asked for.
        name: String,
        /// Paths of the cgroups.
        choices: Vec<String>,
    },
}

/// More names are not listed in a message.
const SHOWN: usize = 12;

fn among(names: &[String]) -> String {
    match names.len() {
        0 => String::new(),
        count => {
            let more = if count > SHOWN { ", …" } else { "" };
            let names = &names[..count.min(SHOWN)];
            format!("; there are: {}{more}", names.join(", "))
        }
    }
}

impl Wanted {
    /// Finds it among the cgroups that exist now.
    pub fn find(&self, cgroups: &mut Cgroups) -> Result<CgroupPlace, PlaceError> {
        match cgroups.mode() {
            CgroupMode::Unified | CgroupMode::Hybrid => {}
            CgroupMode::V1 => return Err(PlaceError::Blind("this node has no cgroup v2")),
            CgroupMode::Private => {
                return Err(PlaceError::Blind(
                    "a private cgroup namespace shows a part of the node's cgroups only",
                ));
            }
        }
        let all = cgroups.all();
        match self {
            Self::Path(path) => by_path(path, &all),
            Self::Pod(pod) => topmost("pod", pod, &of_pod(pod, &all)?),
            Self::Container { pod, name } => {
                let within = match pod {
                    Some(pod) => of_pod(pod, &all)?,
                    None => all.iter().collect(),
                };
                by_container(name, &within, cgroups)
            }
        }
    }
}

/// The folder of this path or id.
fn by_path(path: &str, all: &[Cgroup]) -> Result<CgroupPlace, PlaceError> {
    let id = path.parse::<u64>().ok();
    let below = path.strip_prefix("/sys/fs/cgroup").unwrap_or(path);
    let below = format!("/{}", below.trim_matches('/'));
    let found = all
        .iter()
        .find(|group| id.map_or(group.path == below, |id| group.id == id));
    found.map(place).ok_or_else(|| PlaceError::Unknown {
        kind: "cgroup",
        name: path.to_owned(),
        known: Vec::new(),
    })
}

/// The groups of the pod of this name or uid.
fn of_pod<'c>(pod: &str, all: &'c [Cgroup]) -> Result<Vec<&'c Cgroup>, PlaceError> {
    let within: Vec<_> = all.iter().filter(|group| is_pod(group, pod)).collect();
    if within.is_empty() {
        return Err(PlaceError::Unknown {
            kind: "pod",
            name: pod.to_owned(),
            known: distinct(all.iter().filter_map(|group| group.pod.as_ref())),
        });
    }
    Ok(within)
}

/// Whether the group belongs to the pod of this name or uid.
fn is_pod(group: &Cgroup, wanted: &str) -> bool {
    let is_name =
        |pod: &String| pod == wanted || pod.split_once('/').is_some_and(|(_, name)| name == wanted);
    group.pod.as_ref().is_some_and(is_name) || group.pod_uid.as_deref() == Some(wanted)
}

/// A container by the beginning of its id, else by the name that kubelet's links
/// to its log have.
fn by_container(
    wanted: &str,
    within: &[&Cgroup],
    cgroups: &Cgroups,
) -> Result<CgroupPlace, PlaceError> {
    let links = view::names(&cgroups.container_logs());
    let ids_of_name: BTreeSet<&str> = links
        .iter()
        .filter_map(|link| pods::container_of_log(link))
        .filter(|(name, _)| *name == wanted)
        .map(|(_, id)| id)
        .collect();
    let is_wanted = |id: &String| {
        // An id is as long as the tools show it, 12 digits, or longer; less
        // could be a name.
        let by_id = wanted.len() >= 6 && id.starts_with(wanted);
        by_id || ids_of_name.contains(id.as_str())
    };
    let found: Vec<&Cgroup> = within
        .iter()
        .filter(|group| group.container.as_ref().is_some_and(is_wanted))
        .copied()
        .collect();
    if found.is_empty() {
        let ids = within.iter().filter_map(|group| group.container.as_ref());
        return Err(PlaceError::Unknown {
            kind: "container",
            name: wanted.to_owned(),
            known: distinct(ids)
                .into_iter()
                .map(|id| id.chars().take(12).collect())
                .collect(),
        });
    }
    topmost("container", wanted, &found)
}

/// The one of these that holds all others.
fn topmost(kind: &'static str, name: &str, groups: &[&Cgroup]) -> Result<CgroupPlace, PlaceError> {
    let holds = |outer: &Cgroup, inner: &Cgroup| {
        let below = inner.path.strip_prefix(outer.path.trim_end_matches('/'));
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let top = groups.iter().min_by_key(|group| level(&group.path));
    match top {
        Some(top) if groups.iter().all(|group| holds(top, group)) => Ok(place(top)),
        _ => Err(PlaceError::Ambiguous {
            kind,
            name: name.to_owned(),
            choices: distinct(groups.iter().map(|group| &group.path)),
        }),
    }
}

fn place(group: &Cgroup) -> CgroupPlace {
    CgroupPlace {
        id: group.id,
        level: level(&group.path),
    }
}

fn level(path: &str) -> u32 {
    path.split('/').filter(|part| !part.is_empty()).count() as u32
}

fn distinct<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let names: BTreeSet<&String> = names.collect();
    names.into_iter().cloned().collect()
}

impl Cgroups {
    /// Where kubelet links to the log of each container.
    fn container_logs(&self) -> PathBuf {
        self.host("var/log/containers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::testing::Tree;
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    const UID: &str = "5b1f6c1e-2d3a-4f50-9a61-0a1b2c3d4e5f";
    const V2: &str = "30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate";
    const V1: &str = "31 30 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";

    fn pod() -> String {
        format!("kubepods.slice/kubepods-pod{}.slice", UID.replace('-', "_"))
    }

    fn container(digits: &str) -> String {
        format!("{}/cri-containerd-{}.scope", pod(), digits.repeat(32))
    }

    fn node() -> Tree {
        let tree = Tree::new();
        tree.mounts(&[V2]);
        for digits in ["a1", "b2"] {
            tree.dir(&format!("sys/fs/cgroup/{}", container(digits)));
        }
        tree.dir("sys/fs/cgroup/system.slice/kubelet.service");
        tree.dir(&format!("var/log/pods/db_mysql-0_{UID}"));
        let log = format!("mysql-0_db_backup-{}.log", "b2".repeat(32));
        tree.dir(&format!("var/log/containers/{log}"));
        tree
    }

    fn place_of(tree: &Tree, path: &str, level: u32) -> CgroupPlace {
        let folder = tree.root().join("sys/fs/cgroup").join(path);
        let id = fs::metadata(folder).unwrap().ino();
        CgroupPlace { id, level }
    }

    fn find(
        tree: &Tree,
        path: &str,
        pod: &str,
        container: &str,
    ) -> Result<CgroupPlace, PlaceError> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let wanted = match (some(path), some(pod), some(container)) {
            (Some(path), _, _) => Wanted::Path(path),
            (None, Some(pod), None) => Wanted::Pod(pod),
            (None, pod, name) => Wanted::Container {
                pod,
                name: name.unwrap(),
            },
        };
        wanted.find(&mut Cgroups::new(tree.root()))
    }

    #[test]
    fn a_folder_is_named_by_its_path_or_its_id() {
        let tree = node();
        let service = place_of(&tree, "system.slice/kubelet.service", 2);
        for path in [
            "system.slice/kubelet.service",
            "/system.slice/kubelet.service/",
            "/sys/fs/cgroup/system.slice/kubelet.service",
            &service.id.to_string(),
        ] {
            assert_eq!(find(&tree, path, "", ""), Ok(service), "{path}");
        }
        assert_eq!(find(&tree, "/", "", ""), Ok(place_of(&tree, "", 0)));
        let error = find(&tree, "no/such", "", "").unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no cgroup 'no/such' on this node"
        );
    }

    #[test]
    fn a_pod_is_the_group_that_holds_its_containers() {
        let tree = node();
        let expected = place_of(&tree, &pod(), 2);
        for name in ["db/mysql-0", "mysql-0", UID] {
            assert_eq!(find(&tree, "", name, ""), Ok(expected), "{name}");
        }
        let error = find(&tree, "", "mysql-1", "").unwrap_err().to_string();
        assert!(error.ends_with("there are: db/mysql-0"), "{error}");
    }

    #[test]
    fn a_container_is_named_by_the_beginning_of_its_id_or_its_name() {
        let tree = node();
        let backup = place_of(&tree, &container("b2"), 3);
        assert_eq!(find(&tree, "", "", "backup"), Ok(backup));
        assert_eq!(find(&tree, "", "mysql-0", "b2b2b2b2b2b2"), Ok(backup));
        let error = find(&tree, "", "mysql-0", "sidecar").unwrap_err();
        let error = error.to_string();
        assert!(error.contains("a1a1a1a1a1a1, b2b2b2b2b2b2"), "{error}");
    }

    #[test]
    fn what_has_no_group_of_its_own_is_not_guessed() {
        let tree = node();
        let other = UID.replace('5', "6");
        tree.dir(&format!("sys/fs/cgroup/kubepods/pod{other}"));
        tree.dir(&format!("var/log/pods/web_mysql-0_{other}"));
        let error = find(&tree, "", "mysql-0", "").unwrap_err();
        assert!(matches!(error, PlaceError::Ambiguous { .. }), "{error}");
        assert!(find(&tree, "", "web/mysql-0", "").is_ok());
    }

    #[test]
    fn where_ids_tell_nothing_that_is_said() {
        let tree = node();
        tree.mounts(&[V1]);
        let error = find(&tree, "", "mysql-0", "").unwrap_err().to_string();
        assert!(error.contains("no cgroup v2"), "{error}");
    }
}
