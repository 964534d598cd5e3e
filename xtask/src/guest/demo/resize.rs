//! The volume that did not grow.
//!
//! A claim is enlarged; the cloud takes the call, and enlarges the disk when it
//! comes to it; the CSI driver does not wait for that. Every component reports
//! success, and writes it down.

use std::{fs, path::Path, thread::sleep, time::Duration};

use anyhow::Result;
use serde_json::json;

use crate::guest::{
    outside::{Answer, Outside},
    recorder::Recording,
    stage::Disk,
    tool,
};

const CLAIM: &str = "data-mysql-0";
const POD: &str = "mysql-0";
const POD_UID: &str = "c0ffee00-1111-4222-8333-444455556666";
/// The recording, among the files that the story leaves.
const RECORDING: &str = "node.vprec";

/// From the request to the controller's call, as in the incident.
const TO_CALL: Duration = Duration::from_millis(900);
/// From the call to the driver's work on the node. The call's time is cut to
/// seconds, and a machine this young assumes an error of 1 s for its own clock.
const TO_TOOL: Duration = Duration::from_millis(2600);
/// How much later the disk grows.
const TO_GROWTH: Duration = Duration::from_millis(3200);

/// Plays it on the empty disk `vdb` of 1 GiB.
pub(super) fn play(folder: &Path) -> Result<()> {
    let disk = Disk::named("vdb");
    let id = disk.id()?;
    let at = publish(&disk, &id)?;
    tool::shell(&format!(
        "dd if=/dev/zero of={at}/work bs=1M count=16 2>&1; sync; echo 3 > /proc/sys/vm/drop_caches"
    ))?;
    let mut outside = Outside::new(folder);
    outside.claim(CLAIM, &id, 1)?;
    let recording = Recording::start_into(&folder.join(RECORDING), &[])?;
    sleep(Duration::from_secs(1));
    println!("# somebody enlarges the claim db/{CLAIM} to 2 GiB");
    outside.request(CLAIM, 2)?;
    sleep(TO_CALL);
    println!("# the CSI controller calls ResizeDisk; the cloud says yes");
    outside.call(&id, 2, Answer::Accepted)?;
    sleep(TO_TOOL);
    println!("# kubelet asks the CSI driver to expand the volume on the node");
    tool::ok(&["resize2fs", &disk.node])?;
    println!("# exit 0: the driver succeeds, kubelet writes the claim's status");
    outside.kubelet_succeeds(CLAIM)?;
    sleep(TO_GROWTH);
    println!("# now the cloud enlarges the disk");
    disk.grow(2 << 30)?;
    println!("# and nobody comes back");
    tool::ok(&["cp", &format!("{at}/work"), &format!("{at}/more")])?;
    sleep(Duration::from_secs(3));
    tool::ok(&["df", "-h", &at])?;
    recording.stop_only()
}

/// Mounts the disk for a pod as kubelet does, and returns where.
fn publish(disk: &Disk, id: &str) -> Result<String> {
    let volume = format!("/var/lib/kubelet/pods/{POD_UID}/volumes/kubernetes.io~csi/{id}");
    let at = format!("{volume}/mount");
    fs::create_dir_all(&at)?;
    // By their names kubelet's log directories tell the names of pods.
    fs::create_dir_all(format!("/var/log/pods/db_{POD}_{POD_UID}"))?;
    let data = json!({
        "attachmentID": "csi-0ab3483a7cf824bb6ae9d8926d72e38b494bc89d2f81cd314539ac79ed265fb1",
        "driverName": "diskplugin.csi.alibabacloud.com",
        "nodeName": "volprobe-vm",
        "specVolID": id,
        "volumeHandle": id,
        "volumeLifecycleMode": "Persistent",
    });
    fs::write(format!("{volume}/vol_data.json"), data.to_string())?;
    tool::ok(&["mkfs.ext4", "-q", &disk.node])?;
    tool::ok(&["mount", &disk.node, &at])?;
    Ok(at)
}
