use super::*;
use crate::node::superblock::tests::ext4;
use crate::node::testing::Tree;
use crate::node::{devices, mounts};
use crate::sample::Dev;

fn mount(point: &str, fs: &str) -> Mount {
    Mount {
        mount_point: point.to_owned(),
        fs: fs.to_owned(),
        ..Mount::default()
    }
}

fn measured(tree: &Tree, sizes: &FsSizes) -> Vec<Mount> {
    let view = View::new(tree.root());
    let devices = devices::read(&view);
    let mut mounts = mounts::read(&view, &devices);
    sizes.fill(&view, &devices, &mut mounts, |_| true);
    mounts
}

fn node() -> Tree {
    let tree = Tree::new();
    tree.disk("vdb", "254:16", 83_886_080, "bp1");
    tree.mounts(&[
        "40 1 254:16 / /data rw - ext4 /dev/vdb rw",
        "41 1 254:16 /sub /pod rw - ext4 /dev/vdb rw",
        "42 1 0:52 / /nas rw - nfs4 nas:/ rw",
    ]);
    tree
}

#[test]
fn all_mounts_of_a_superblock_get_its_size() {
    let tree = node();
    tree.file("dev/vdb", ext4(5_242_880));
    let mounts = measured(&tree, &FsSizes::default());
    let sizes: Vec<_> = mounts.iter().map(|mount| mount.fs_size_bytes).collect();
    assert_eq!(sizes, [Some(20 << 30), Some(20 << 30), None]);
    assert!(mounts.iter().all(|mount| mount.fs_size_error.is_empty()));
}

#[test]
fn why_there_is_no_size_is_said() {
    let tree = node();
    let mounts = measured(&tree, &FsSizes::default());
    assert!(
        mounts[0].fs_size_error.contains("No such file"),
        "{}",
        mounts[0].fs_size_error
    );
    tree.file("dev/vdb", [0; 4096]);
    let mounts = measured(&tree, &FsSizes::default());
    assert_eq!(
        mounts[0].fs_size_error,
        "no superblock of this file system there"
    );
}

#[test]
fn a_device_that_hangs_is_left_alone_until_its_reader_is_back() {
    let tree = node();
    tree.file("dev/vdb", ext4(5_242_880));
    let sizes = FsSizes::default();
    let (reader, end) = Child::that_hangs();
    sizes.hanging().insert(Dev::new(254, 16).0, reader);
    let mounts = measured(&tree, &sizes);
    assert_eq!(
        (mounts[0].fs_size_bytes, mounts[0].fs_size_error.as_str()),
        (None, STILL_NO_ANSWER)
    );
    drop(end);
    while sizes
        .hanging()
        .values_mut()
        .any(|reader| !reader.has_ended())
    {
        std::thread::yield_now();
    }
    assert_eq!(measured(&tree, &sizes)[0].fs_size_bytes, Some(20 << 30));
    assert!(sizes.hanging().is_empty());
}

#[test]
fn a_path_through_a_file_system_that_could_hang_is_not_taken() {
    let mounts = [
        mount("/nas", "nfs4"),
        mount("/auto", "autofs"),
        mount("/data", "xfs"),
    ];
    for local in ["/data", "/nas2", "/nasty/x", "/"] {
        assert!(is_local(local, &mounts), "{local}");
    }
    for remote in ["/nas", "/nas/x", "/auto/a/b"] {
        assert!(!is_local(remote, &mounts), "{remote}");
    }
    assert!(
        !is_local("/data", &[mount("/", "nfs4")]),
        "a node with its root on the network"
    );
}
