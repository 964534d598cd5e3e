//! Names of pods by uid, as kubelet's log directories tell them.

use std::collections::BTreeMap;

use super::cgroup_path::is_uid;
use super::view::{self, View};

/// `namespace/name` of each pod that kubelet keeps logs of.
#[derive(Clone, Debug, Default)]
pub(super) struct PodNames(BTreeMap<String, String>);

impl PodNames {
    /// From `/var/log/pods/<namespace>_<name>_<uid>`.
    pub(super) fn read(view: &View) -> Self {
        let directories = view::names(&view.host("var/log/pods")).into_iter();
        Self(directories.filter_map(|name| parse(&name)).collect())
    }

    /// `namespace/name` of the pod.
    pub(super) fn get(&self, uid: &str) -> Option<&str> {
        self.0.get(uid).map(String::as_str)
    }
}

/// The uid, and the name. Neither part of a name can hold an underscore.
fn parse(directory: &str) -> Option<(String, String)> {
    let mut parts = directory.split('_');
    let (namespace, name, uid) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = parts.next().is_none() && !namespace.is_empty() && !name.is_empty() && is_uid(uid);
    whole.then(|| (uid.to_owned(), format!("{namespace}/{name}")))
}

/// Name and id of the container whose log this link of `/var/log/containers` is:
/// `<pod>_<namespace>_<container>-<id>.log`.
pub(super) fn container_of_log(link: &str) -> Option<(&str, &str)> {
    let (_, container) = link.strip_suffix(".log")?.rsplit_once('_')?;
    container.rsplit_once('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_a_log_names_its_container() {
        let link = "mysql-0_db_log-shipper-0123abcd.log";
        assert_eq!(container_of_log(link), Some(("log-shipper", "0123abcd")));
        assert_eq!(container_of_log("mysql-0_db.log"), None);
    }

    #[test]
    fn a_log_directory_names_its_pod() {
        let uid = "5b1f6c1e-2d3a-4f50-9a61-0a1b2c3d4e5f";
        let named = parse(&format!("db_mysql-0_{uid}"));
        assert_eq!(named, Some((uid.to_owned(), "db/mysql-0".to_owned())));
    }

    #[test]
    fn other_directories_name_none() {
        for name in [
            "",
            "db_mysql-0",
            "db__5b1f6c1e-2d3a-4f50-9a61-0a1b2c3d4e5f",
            "a_b_c",
            "a_b_c_d",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
