//! What a recording says of the node it was made on.

use std::path::{Path, PathBuf};

use super::view::{self, View};

/// Facts that do not change while the node runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Host name.
    pub host: String,
    /// Kernel release, as `uname -r` prints it.
    pub kernel: String,
    /// Random id of this boot.
    pub boot_id: String,
    /// Machine, as `uname -m` prints it.
    pub machine: String,
    /// IANA name of the node's time zone, or empty.
    pub time_zone: String,
}

/// Reads the facts of the node whose files lie below `root` (`/` outside tests).
/// What cannot be read is empty.
pub fn read(root: &Path) -> Facts {
    let view = View::new(root);
    let kernel = |name| view::text(&view.proc("sys/kernel").join(name)).unwrap_or_default();
    // A container has a host name of its own; the host's is in its file.
    let outside = view.is_outside();
    let host = outside.then(|| view::text(&view.host("etc/hostname")));
    Facts {
        host: host.flatten().unwrap_or_else(|| kernel("hostname")),
        kernel: kernel("osrelease"),
        boot_id: kernel("random/boot_id"),
        machine: rustix::system::uname()
            .machine()
            .to_string_lossy()
            .into_owned(),
        time_zone: time_zone(&view).unwrap_or_default(),
    }
}

/// `/etc/localtime` is a link into the zone database, by name.
fn time_zone(view: &View) -> Option<String> {
    let link: Option<PathBuf> = std::fs::read_link(view.host("etc/localtime")).ok();
    let linked = link.as_deref().and_then(Path::to_str).and_then(|target| {
        let (_, name) = target.rsplit_once("zoneinfo/")?;
        Some(name.to_owned())
    });
    linked.or_else(|| view::text(&view.host("etc/timezone")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::testing::Tree;

    #[test]
    fn a_node_names_itself() {
        let tree = Tree::new();
        tree.file("proc/sys/kernel/hostname", "node-7\n");
        tree.file("proc/sys/kernel/osrelease", "6.12.117-cloud-amd64\n");
        tree.file("proc/sys/kernel/random/boot_id", "0f9e\n");
        tree.link("etc/localtime", "/usr/share/zoneinfo/Asia/Shanghai");
        let facts = read(tree.root());
        assert_eq!(
            (facts.host.as_str(), facts.boot_id.as_str()),
            ("node-7", "0f9e")
        );
        assert_eq!(facts.kernel, "6.12.117-cloud-amd64");
        assert_eq!(facts.time_zone, "Asia/Shanghai");
    }

    #[test]
    fn from_a_container_the_host_is_named() {
        let tree = Tree::new();
        tree.link("proc/1/ns/mnt", "mnt:[1]");
        tree.link("proc/self/ns/mnt", "mnt:[2]");
        tree.file("proc/sys/kernel/hostname", "volprobe-x7f\n");
        tree.file("proc/1/root/etc/hostname", "node-7\n");
        tree.file("proc/1/root/etc/timezone", "Europe/Berlin\n");
        let facts = read(tree.root());
        assert_eq!(
            (facts.host.as_str(), facts.time_zone.as_str()),
            ("node-7", "Europe/Berlin")
        );
    }

    #[test]
    fn what_is_missing_is_empty() {
        assert_eq!(read(Tree::new().root()).host, "");
    }
}
