use super::*;
use crate::node::testing::Tree;
use proptest::prelude::*;

const NFS: &str = "61 27 0:52 / /mnt/nas\\040one rw,relatime shared:30 - nfs4 nas:/data \
    rw,vers=4.2,rsize=1048576,wsize=1048576,addr=192.0.2.9";

#[test]
fn a_line_is_read() {
    let mounts = parse(NFS.as_bytes());
    let [mount] = mounts.as_slice() else {
        panic!("{mounts:?}")
    };
    assert_eq!(Dev(mount.dev), Dev::new(0, 52));
    assert_eq!(mount.mount_point, "/mnt/nas one");
    assert_eq!(
        (mount.fs.as_str(), mount.source.as_str()),
        ("nfs4", "nas:/data")
    );
    assert_eq!(mount.options, "rw,relatime");
    assert_eq!(mount.rsize, Some(1_048_576));
}

#[test]
fn any_number_of_optional_fields_is_skipped() {
    for fields in [
        "",
        "shared:1 ",
        "shared:1 master:2 propagate_from:3 unbindable ",
    ] {
        let line = format!("36 35 98:0 / /mnt rw {fields}- ext4 /dev/vdb rw,errors=continue");
        let mounts = parse(line.as_bytes());
        assert_eq!(mounts[0].fs_options, "rw,errors=continue", "{fields}");
    }
}

#[test]
fn a_mount_point_may_itself_be_a_dash() {
    let mounts = parse(b"36 35 98:0 / - rw - ext4 /dev/vdb rw");
    assert_eq!(mounts[0].mount_point, "-");
}

#[test]
fn broken_lines_are_left_out() {
    let table = b"\n36 35 98:0\n36 35 x / / rw - ext4 /dev/vdb rw\n36 35 98:0 / / rw ext4\n";
    assert!(parse(table).is_empty());
}

#[test]
fn escapes_are_undone_once() {
    let cases = [
        (r"a\040b", "a b"),
        (r"a\134040b", r"a\040b"),
        (r"tab\011end\012", "tab\tend\n"),
        (r"\043hash", "#hash"),
        (r"a\04", r"a\04"),
        (r"a\999", r"a\999"),
        (r"\303\244", "ä"),
    ];
    for (escaped, plain) in cases {
        assert_eq!(unescape(escaped.as_bytes()), plain, "{escaped}");
    }
}

#[test]
fn names_like_device_files_are_not_taken_for_nfs() {
    assert!(is_remote("nfs4") && is_remote("fuse.sshfs") && is_remote("cifs"));
    assert!(!is_remote("ext4") && !is_remote("xfs") && !is_remote("overlay") && !is_remote("nfsd"));
}

fn node() -> (Tree, View) {
    let tree = Tree::new();
    tree.disk("vdb", "254:16", 2048, "bp1");
    tree.file("sys/class/bdi/0:52/read_ahead_kb", "15360\n");
    tree.mounts(&[
        "20 1 254:16 / /data rw shared:1 - ext4 /dev/vdb rw",
        "21 20 254:16 / /data rw shared:1 - ext4 /dev/vdb rw",
        "22 1 254:16 /sub /pods/a rw - ext4 /dev/vdb rw",
        "23 1 0:22 / /sys rw - sysfs sysfs rw",
        NFS,
    ]);
    let view = View::new(tree.root());
    (tree, view)
}

#[test]
fn repeats_of_a_mount_are_one_and_binds_are_kept() {
    let (_tree, view) = node();
    let mounts = read(&view, &super::super::devices::read(&view));
    let points: Vec<_> = mounts
        .iter()
        .map(|mount| mount.mount_point.as_str())
        .collect();
    assert_eq!(points, ["/data", "/pods/a", "/sys", "/mnt/nas one"]);
}

#[test]
fn read_ahead_is_that_of_the_backing_device() {
    let (_tree, view) = node();
    let mounts = read(&view, &super::super::devices::read(&view));
    let of = |point: &str| {
        mounts
            .iter()
            .find(|m| m.mount_point == point)
            .unwrap()
            .read_ahead_kb
    };
    assert_eq!(of("/data"), Some(128));
    assert_eq!(of("/mnt/nas one"), Some(15360));
    assert_eq!(of("/sys"), None);
}

#[test]
fn other_namespaces_add_what_the_host_does_not_have() {
    let (tree, view) = node();
    tree.link("proc/self/ns/mnt", "mnt:[100]");
    for (pid, namespace) in [(40, 200), (41, 200), (50, 100)] {
        tree.link(&format!("proc/{pid}/ns/mnt"), &format!("mnt:[{namespace}]"));
        tree.file(
            &format!("proc/{pid}/mountinfo"),
            "1 0 0:70 / / rw - overlay overlay rw\n\
             2 1 254:16 / /var/lib/mysql rw - ext4 /dev/vdb rw\n\
             3 1 0:71 / /proc rw - proc proc rw\n",
        );
    }
    let mounts = read(&view, &[]);
    let own: Vec<_> = mounts.iter().filter(|mount| mount.mnt_ns != 0).collect();
    let [overlay] = own.as_slice() else {
        panic!("{own:?}")
    };
    assert_eq!((overlay.mnt_ns, overlay.fs.as_str()), (200, "overlay"));
}

#[test]
fn btrfs_is_found_on_its_device() {
    let (tree, view) = node();
    tree.mounts(&["20 1 0:45 / /b rw - btrfs /dev/vdb rw,subvolid=5"]);
    tree.dir("sys/fs/btrfs/5b1f-uuid/devices/vdb");
    tree.file("sys/fs/btrfs/5b1f-uuid/bdi/read_ahead_kb", "4096\n");
    let mounts = read(&view, &super::super::devices::read(&view));
    assert_eq!(mounts[0].source_dev.map(Dev), Some(Dev::new(254, 16)));
    assert_eq!(mounts[0].read_ahead_kb, Some(4096));
}

proptest! {
    #[test]
    fn any_table_is_survived(table in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&table);
    }

    #[test]
    fn what_the_kernel_escapes_comes_back(path in "[a-z \t\n#\\\\/]{0,20}") {
        let escape = |c: char| match c {
            ' ' | '\t' | '\n' | '\\' | '#' => format!("\\{:03o}", c as u32),
            plain => plain.to_string(),
        };
        let escaped: String = path.chars().map(escape).collect();
        prop_assert_eq!(unescape(escaped.as_bytes()), path);
    }
}
