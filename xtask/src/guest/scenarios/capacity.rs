//! What lies beneath a file system: disks, partitions, mappings.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::guest::{
    recorder::Recording,
    report::{Report, has, only},
    stage::Stage,
    tool,
};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Disk, then partition, then file system, while mounted.
pub(super) fn mounted_partition(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(512 * MIB)?;
    let part = format!("{}1", disk.name);
    let node = format!("/dev/{part}");
    // No room is left at the end but for the second GPT.
    tool::shell(&format!(
        "printf 'label: gpt\\n2048,,\\n' | sfdisk -q {}",
        disk.node
    ))?;
    tool::ok(&["mkfs.ext4", "-q", "-b", "4096", &node])?;
    stage.mount(&part, &node)?;
    let before = partition_bytes(&part)?;
    let fs_before = before / 4096 * 4096;
    let recording = Recording::start(stage, &[])?;
    disk.grow(GIB)?;
    tool::ok(&["growpart", &disk.node, "1"])?;
    tool::ok(&["resize2fs", &node])?;
    let after = partition_bytes(&part)?;
    let report = recording.stop()?;
    report.complete()?;
    ensure!(after > before, "growpart did not grow {part}");
    grew(&report, "device.capacity", &disk.name, 512 * MIB, GIB)?;
    let changes: Vec<&Value> = report
        .events("partition.change")?
        .into_iter()
        .filter(|change| change["detail"]["op"] == "resize")
        .collect();
    has(
        only(&changes, "partition resize")?,
        &[
            ("detail.number", json!(1)),
            ("detail.from_bytes", json!(before)),
            ("detail.to_bytes", json!(after)),
            ("detail.error", Value::Null),
        ],
    )?;
    grew(&report, "fs.resize", &part, fs_before, after / 4096 * 4096)?;
    has(
        report.exit_of(&["resize2fs"])?,
        &[("detail.resize_calls", json!(1))],
    )
}

/// growpart on a disk that nothing uses, where the table is read anew.
pub(super) fn unmounted_partition(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(512 * MIB)?;
    let part = format!("{}1", disk.name);
    tool::shell(&format!(
        "printf 'label: gpt\\n2048,204800,\\n' | sfdisk -q {}",
        disk.node
    ))?;
    let before = partition_bytes(&part)?;
    let recording = Recording::start(stage, &[])?;
    tool::ok(&["growpart", &disk.node, "1"])?;
    let after = partition_bytes(&part)?;
    let report = recording.stop()?;
    report.complete()?;
    let grown = report
        .events("partition.change")?
        .into_iter()
        .any(|change| {
            let detail = &change["detail"];
            detail["number"] == 1 && detail["from_bytes"] == before && detail["to_bytes"] == after
        });
    ensure!(
        grown,
        "nothing says that partition 1 went from {before} to {after}: {:?}",
        report.events("partition.change")?
    );
    Ok(())
}

/// The kernel's table, entry by entry: one made, one refused, one taken away, and
/// all of it read again.
pub(super) fn partition_calls(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(512 * MIB)?;
    let part = format!("{}1", disk.name);
    tool::shell(&format!(
        "printf 'label: gpt\\n2048,204800,\\n' | sfdisk -q {}",
        disk.node
    ))?;
    let bytes = partition_bytes(&part)?;
    let recording = Recording::start(stage, &[])?;
    tool::ok(&["partx", "--delete", "--nr", "1", &disk.node])?;
    tool::ok(&["partx", "--add", "--nr", "1", &disk.node])?;
    // It is there already.
    tool::run(&["partx", "--add", "--nr", "1", &disk.node])?;
    tool::ok(&["blockdev", "--rereadpt", &disk.node])?;
    let report = recording.stop()?;
    report.complete()?;
    let changes: Vec<Value> = report
        .events("partition.change")?
        .into_iter()
        .map(|change| {
            let detail = &change["detail"];
            json!([
                detail["op"],
                detail["number"],
                detail["to_bytes"],
                detail["error"],
                change["comm"]
            ])
        })
        .collect();
    let expected = [
        json!(["delete", 1, null, null, "partx"]),
        json!(["add", 1, bytes, null, "partx"]),
        json!(["add", 1, null, "EBUSY", "partx"]),
        json!(["reread", null, null, null, "blockdev"]),
    ];
    for one in &expected {
        ensure!(changes.contains(one), "{one} is not in {changes:?}");
    }
    Ok(())
}

/// A mapping grows by a new table, and the file system in it.
pub(super) fn device_mapper(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let table = |sectors: u64| format!("0 {sectors} linear {} 0", disk.node);
    tool::ok(&["modprobe", "dm_mod"])?;
    tool::ok(&[
        "dmsetup",
        "create",
        "--noudevsync",
        "vol",
        "--table",
        &table(1 << 20),
    ])?;
    tool::ok(&["dmsetup", "mknodes"])?;
    tool::ok(&["mkfs.ext4", "-q", "/dev/mapper/vol"])?;
    stage.mount("vol", "/dev/mapper/vol")?;
    let read_ahead = "/sys/block/dm-0/queue/read_ahead_kb";
    std::fs::write(read_ahead, "4096")?;
    let recording = Recording::start(stage, &[])?;
    tool::ok(&["dmsetup", "reload", "vol", "--table", &table(1 << 21)])?;
    tool::ok(&["dmsetup", "resume", "--noudevsync", "vol"])?;
    tool::ok(&["resize2fs", "/dev/mapper/vol"])?;
    // What nobody wrote is noticed at the next look at the devices.
    std::thread::sleep(std::time::Duration::from_secs(3));
    let left = std::fs::read_to_string(read_ahead)?;
    let report = recording.stop()?;
    report.complete()?;
    grew(&report, "device.capacity", "dm-0", 512 * MIB, GIB)?;
    grew(&report, "fs.resize", "dm-0", 512 * MIB, GIB)?;
    // 5.10 and 6.1 forget what was tuned, 6.12 keeps it, 7.3 takes its default.
    let was_reset = left.trim() != "4096";
    let told = report.has_finding("readahead/reset-by-resize", "dm-0")?;
    ensure!(
        was_reset == told,
        "read_ahead_kb is {left}, findings {}",
        report.0["findings"]
    );
    let kept = stage.is_series("6.12");
    ensure!(
        was_reset != kept,
        "read_ahead_kb is {left} after the reload"
    );
    Ok(())
}

/// A loop device takes the new size of its file.
pub(super) fn loop_device(stage: &mut Stage) -> Result<()> {
    let image = stage.dir.join("image");
    let image = image.to_string_lossy();
    tool::ok(&["truncate", "-s", "256M", &image])?;
    tool::ok(&["modprobe", "loop"])?;
    let node = tool::ok(&["losetup", "-f", "--show", &image])?;
    let name = node.trim().trim_start_matches("/dev/");
    let recording = Recording::start(stage, &[])?;
    tool::ok(&["truncate", "-s", "512M", &image])?;
    tool::ok(&["losetup", "-c", node.trim()])?;
    let report = recording.stop()?;
    report.complete()?;
    grew(&report, "device.capacity", name, 256 * MIB, 512 * MIB)
}

fn grew(report: &Report, kind: &str, device: &str, from: u64, to: u64) -> Result<()> {
    has(
        only(&report.events_on(kind, device)?, kind)?,
        &[
            ("detail.from_bytes", json!(from)),
            ("detail.to_bytes", json!(to)),
        ],
    )
}

fn partition_bytes(name: &str) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/sys/class/block/{name}/size"))?;
    Ok(text.trim().parse::<u64>()? * 512)
}
