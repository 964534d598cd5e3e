use super::*;
use crate::node::testing::Tree;

const UID: &str = "5b1f6c1e-2d3a-4f50-9a61-0a1b2c3d4e5f";
const V2: &str = "30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate";
const V1: &str = "31 30 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";
const V1_NAMED: &str = "31 30 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd";

fn container() -> String {
    let uid = UID.replace('-', "_");
    format!(
        "kubepods.slice/kubepods-pod{uid}.slice/cri-containerd-{}.scope",
        "a1".repeat(32)
    )
}

fn node() -> Tree {
    let tree = Tree::new();
    tree.mounts(&[V2]);
    tree.dir(&format!("sys/fs/cgroup/{}", container()));
    tree.dir("sys/fs/cgroup/system.slice/kubelet.service");
    tree.dir(&format!("var/log/pods/db_mysql-0_{UID}"));
    tree
}

fn id(tree: &Tree, path: &str) -> u64 {
    fs::metadata(tree.root().join("sys/fs/cgroup").join(path))
        .unwrap()
        .ino()
}

#[test]
fn an_id_leads_to_pod_and_container() {
    let tree = node();
    let mut cgroups = Cgroups::new(tree.root());
    assert_eq!(cgroups.mode(), CgroupMode::Unified);
    let id = id(&tree, &container());
    let group = cgroups.resolve(id).unwrap();
    assert_eq!((group.id, group.path), (id, format!("/{}", container())));
    assert_eq!(group.pod_uid.as_deref(), Some(UID));
    assert_eq!(group.pod.as_deref(), Some("db/mysql-0"));
    assert_eq!(group.container, Some("a1".repeat(32)));
    assert_eq!(group.runtime.as_deref(), Some("containerd"));
}

#[test]
fn the_root_and_services_have_paths_only() {
    let tree = node();
    let mut cgroups = Cgroups::new(tree.root());
    assert_eq!(cgroups.resolve(id(&tree, "")).unwrap().path, "/");
    let service = cgroups
        .resolve(id(&tree, "system.slice/kubelet.service"))
        .unwrap();
    assert_eq!((service.pod, service.container), (None, None));
}

#[test]
fn groups_made_later_are_found_and_gone_ones_remembered() {
    let tree = node();
    let mut cgroups = Cgroups::new(tree.root());
    assert_eq!(cgroups.resolve(u64::MAX), None);
    tree.dir("sys/fs/cgroup/late");
    let late = id(&tree, "late");
    assert_eq!(cgroups.resolve(late).unwrap().path, "/late");
    fs::remove_dir(tree.root().join("sys/fs/cgroup/late")).unwrap();
    cgroups.walk();
    assert_eq!(cgroups.resolve(late).unwrap().path, "/late");
}

#[test]
fn a_pod_without_logs_is_named_by_its_uid() {
    let tree = node();
    fs::remove_dir(tree.root().join(format!("var/log/pods/db_mysql-0_{UID}"))).unwrap();
    let mut cgroups = Cgroups::new(tree.root());
    let group = cgroups.resolve(id(&tree, &container())).unwrap();
    assert_eq!(group.pod.as_deref(), Some(UID));
}

#[test]
fn the_mode_follows_the_mounts() {
    let cases: [(&[&str], _); 4] = [
        (&[V2], CgroupMode::Unified),
        (&[V2, V1], CgroupMode::Hybrid),
        (&[V2, V1_NAMED], CgroupMode::Unified),
        (&[V1], CgroupMode::V1),
    ];
    for (mounts, mode) in cases {
        let tree = Tree::new();
        tree.mounts(mounts);
        assert_eq!(Cgroups::new(tree.root()).mode(), mode, "{mounts:?}");
    }
}

#[test]
fn a_private_namespace_is_named_unless_the_host_is_in_sight() {
    let tree = node();
    tree.link("proc/self/ns/cgroup", "cgroup:[4026532601]");
    assert_eq!(Cgroups::new(tree.root()).mode(), CgroupMode::Private);

    tree.link("proc/self/ns/mnt", "mnt:[4026532598]");
    tree.link("proc/1/ns/mnt", "mnt:[4026531841]");
    tree.file("proc/1/mountinfo", V2);
    tree.dir("proc/1/root/sys/fs/cgroup/system.slice");
    let mut cgroups = Cgroups::new(tree.root());
    assert_eq!(cgroups.mode(), CgroupMode::Unified);
    let slice = tree.root().join("proc/1/root/sys/fs/cgroup/system.slice");
    let id = fs::metadata(slice).unwrap().ino();
    assert_eq!(cgroups.resolve(id).unwrap().path, "/system.slice");
}

#[test]
fn a_process_tells_its_group_on_v1_too() {
    let id = "b2".repeat(32);
    let pod = format!("/kubepods/burstable/pod{UID}/{id}");
    let tables = [
        format!("9:name=systemd:/\n4:memory:{pod}\n0::/\n"),
        format!("0::{pod}\n"),
    ];
    for table in tables {
        assert_eq!(path_of_process(&table), Some(pod.clone()), "{table}");
    }
    assert_eq!(
        path_of_process("4:memory:/a\n0::/b\n").as_deref(),
        Some("/b")
    );
    assert_eq!(path_of_process(""), None);
}
