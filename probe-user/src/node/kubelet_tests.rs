use super::*;
use crate::node::testing::Tree;
use crate::node::{devices, mounts};
use crate::sample::Dev;

const UID: &str = "5b1f6c1e-2d3a-4f50-9a61-0a1b2c3d4e5f";
const DRIVER: &str = "diskplugin.csi.alibabacloud.com";
const PUBLISHED: &str = r#"{"attachmentID":"csi-0ab3","driverName":"diskplugin.csi.alibabacloud.com",
    "nodeName":"cn-hangzhou.192.0.2.21","specVolID":"pv-1","volumeHandle":"d-bp1",
    "volumeLifecycleMode":"Persistent","csi.alibabacloud.com/disk-mounted":"true"}"#;
const STAGED_DATA: &str =
    r#"{"driverName":"diskplugin.csi.alibabacloud.com","volumeHandle":"d-bp1"}"#;

fn volumes(tree: &Tree) -> Vec<Volume> {
    let view = View::new(tree.root());
    let devices = devices::read(&view);
    let mounts = mounts::read(&view, &devices);
    read(&view, &devices, &mounts)
}

#[test]
fn a_volume_is_found_where_it_is_published_and_staged() {
    let tree = Tree::new();
    tree.disk("vdb", "254:16", 2048, "bp1");
    let published = format!("/var/lib/kubelet/pods/{UID}/volumes/kubernetes.io~csi/pv-1");
    let staged = format!("/var/lib/kubelet/plugins/kubernetes.io/csi/{DRIVER}/003a7c");
    tree.file(&format!("{published}/vol_data.json")[1..], PUBLISHED);
    tree.file(&format!("{staged}/vol_data.json")[1..], STAGED_DATA);
    tree.dir(&format!("var/log/pods/db_mysql-0_{UID}"));
    tree.mounts(&[
        &format!("40 1 254:16 / {staged}/globalmount rw - ext4 /dev/vdb rw"),
        &format!("41 1 254:16 / {published}/mount rw - ext4 /dev/vdb rw"),
    ]);
    let volumes = volumes(&tree);
    let [pod, node] = volumes.as_slice() else {
        panic!("{volumes:?}")
    };
    assert_eq!(pod.path, format!("{published}/mount"));
    assert_eq!(
        (pod.driver.as_str(), pod.handle.as_str()),
        (DRIVER, "d-bp1")
    );
    assert_eq!(pod.pv.as_deref(), Some("pv-1"));
    assert_eq!(
        (pod.pod_uid.as_deref(), pod.pod.as_deref()),
        (Some(UID), Some("db/mysql-0"))
    );
    assert_eq!(pod.attachment.as_deref(), Some("csi-0ab3"));
    assert_eq!(pod.dev.map(Dev), Some(Dev::new(254, 16)));

    assert_eq!(node.path, format!("{staged}/globalmount"));
    assert_eq!(node.pv.as_deref(), Some("pv-1"), "from the pod's");
    assert_eq!((&node.pod_uid, node.dev), (&None, pod.dev));
}

#[test]
fn block_mode_leads_to_the_bound_node() {
    let tree = Tree::new();
    tree.disk("vdc", "254:32", 2048, "bp2");
    let plugin = "/var/lib/kubelet/plugins/kubernetes.io/csi/volumeDevices";
    tree.file(&format!("{plugin}/pv-1/data/vol_data.json")[1..], PUBLISHED);
    tree.file(&format!("{plugin}/publish/pv-1/{UID}")[1..], "");
    tree.mounts(&[
        "24 1 0:6 / /dev rw - devtmpfs devtmpfs rw",
        &format!("50 1 0:6 /vdc {plugin}/publish/pv-1/{UID} rw - devtmpfs devtmpfs rw"),
    ]);
    let volumes = volumes(&tree);
    let [volume] = volumes.as_slice() else {
        panic!("{volumes:?}")
    };
    assert!(volume.block);
    assert_eq!(
        (volume.pod_uid.as_deref(), volume.pv.as_deref()),
        (Some(UID), Some("pv-1"))
    );
    assert_eq!(volume.dev.map(Dev), Some(Dev::new(254, 32)));
}

#[test]
fn another_root_and_the_old_staging_place_are_found_by_their_mounts() {
    let tree = Tree::new();
    let staged = "/data/kubelet/plugins/kubernetes.io/csi/pv/pv-9";
    tree.file(&format!("{staged}/vol_data.json")[1..], STAGED_DATA);
    tree.link("var/lib/kubelet", "/data/kubelet");
    tree.mounts(&[&format!(
        "40 1 254:16 / {staged}/globalmount rw - ext4 /dev/vdb rw"
    )]);
    let volumes = volumes(&tree);
    let [volume] = volumes.as_slice() else {
        panic!("{volumes:?}")
    };
    assert_eq!(volume.path, format!("{staged}/globalmount"));
    assert_eq!(volume.pv.as_deref(), Some("pv-9"));
}

#[test]
fn what_is_not_mounted_or_not_readable_is_not_made_up() {
    let tree = Tree::new();
    tree.mounts(&[]);
    let published = format!("var/lib/kubelet/pods/{UID}/volumes/kubernetes.io~csi");
    tree.file(&format!("{published}/pv-1/vol_data.json"), PUBLISHED);
    tree.file(&format!("{published}/pv-2/vol_data.json"), "{");
    tree.file(&format!("{published}/pv-3/vol_data.json"), "{}");
    let volumes = volumes(&tree);
    let [volume] = volumes.as_slice() else {
        panic!("{volumes:?}")
    };
    assert_eq!((volume.dev, &volume.pod), (None, &None));
}
