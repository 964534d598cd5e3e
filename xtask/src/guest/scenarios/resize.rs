//! Online resizes: what was asked, what came of it, and what did not happen.

use std::{fs::File, os::fd::AsRawFd, path::Path};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::guest::{
    recorder::Recording,
    report::{has, number, only},
    stage::{Disk, Stage},
    tool, wait_until,
};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;
const BLOCK: u64 = 4096;

/// `EXT4_IOC_RESIZE_FS`: `_IOW('f', 16, __u64)`.
const EXT4_RESIZE: libc::Ioctl = 0x4008_6610;

/// The disk grows twice, and the file system after it each time.
pub(super) fn ext4_grows_twice(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(512 * MIB)?;
    stage.ext4(&disk)?;
    let node = disk.node.clone();
    grows_twice(stage, &disk, "ext4", &["resize2fs", &node])
}

/// The same with xfs.
pub(super) fn xfs_grows_twice(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(512 * MIB)?;
    let at = stage.xfs(&disk)?;
    grows_twice(stage, &disk, "xfs", &["xfs_growfs", &at.to_string_lossy()])
}

fn grows_twice(stage: &Stage, disk: &Disk, fs: &str, tool: &[&str]) -> Result<()> {
    let sizes = [512 * MIB, GIB, GIB + GIB / 2];
    let recording = Recording::start(stage, &[])?;
    for size in &sizes[1..] {
        disk.grow(*size)?;
        tool::ok(tool)?;
    }
    let report = recording.stop()?;
    report.complete()?;
    let resizes = report.events_on("fs.resize", &disk.name)?;
    let capacities = report.events_on("device.capacity", &disk.name)?;
    ensure!(resizes.len() == 2, "{} resizes: {resizes:?}", resizes.len());
    ensure!(
        capacities.len() == 2,
        "{} capacity changes: {capacities:?}",
        capacities.len()
    );
    for (index, pair) in sizes.windows(2).enumerate() {
        has(
            resizes[index],
            &[
                ("detail.fs", json!(fs)),
                ("detail.from_bytes", json!(pair[0])),
                ("detail.to_bytes", json!(pair[1])),
                ("detail.requested_bytes", json!(pair[1])),
                ("detail.error", Value::Null),
            ],
        )?;
        // xfs_growfs is started as such, but shells may stand before it.
        ensure!(
            number(resizes[index], "pid")? > 0,
            "no pid in {}",
            resizes[index]
        );
        ensure!(
            number(resizes[index], "detail.duration_ns")? > 0,
            "no duration"
        );
        let expected = [
            ("detail.from_bytes", json!(pair[0])),
            ("detail.to_bytes", json!(pair[1])),
        ];
        has(capacities[index], &expected)?;
        ensure!(
            number(capacities[index], "t_ns")? <= number(resizes[index], "t_ns")?,
            "the file system grew before its disk: {capacities:?}, {resizes:?}"
        );
    }
    let device = report
        .rows("devices")?
        .iter()
        .find(|device| device["name"] == disk.name);
    let expected = [
        ("size_bytes", json!(sizes[2])),
        ("fs_size_bytes", json!(sizes[2])),
    ];
    has(device.unwrap_or(&Value::Null), &expected)
}

/// A tool that has nothing to do issues no resize call, and that is recorded:
/// which size of the device it was told, and that it made no call.
pub(super) fn nothing_to_do(stage: &mut Stage) -> Result<()> {
    let (ext4, xfs) = (stage.disk(512 * MIB)?, stage.disk(768 * MIB)?);
    stage.ext4(&ext4)?;
    let at = stage.xfs(&xfs)?;
    let at = at.to_string_lossy();
    let recording = Recording::start(stage, &[])?;
    tool::ok(&["resize2fs", &ext4.node])?;
    tool::ok(&["xfs_growfs", &at])?;
    let report = recording.stop()?;
    report.complete()?;
    let resizes = report.events("fs.resize")?;
    ensure!(resizes.is_empty(), "a resize that was none: {resizes:?}");
    for (argv, disk, size) in [
        (["resize2fs", ext4.node.as_str()], &ext4, 512 * MIB),
        (["xfs_growfs", &at], &xfs, 768 * MIB),
    ] {
        let exit = report.exit_of(&argv)?;
        has(
            exit,
            &[
                ("detail.exit_code", json!(0)),
                ("detail.signal", Value::Null),
                ("detail.resize_calls", json!(0)),
            ],
        )?;
        let told = exit["detail"]["devices"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        ensure!(
            told.iter().any(|told| told["device"] == disk.name
                && told["size_bytes"] == size
                && told["resolved"] == "kernel"),
            "{argv:?} was told {told:?}, not {size} bytes of {}",
            disk.name
        );
    }
    Ok(())
}

/// The volume that did not grow: the tool runs first, the disk grows after it,
/// and nobody comes back.
pub(super) fn resized_too_early(stage: &mut Stage) -> Result<()> {
    let (ext4, xfs) = (stage.disk(512 * MIB)?, stage.disk(512 * MIB)?);
    stage.ext4(&ext4)?;
    let at = stage.xfs(&xfs)?;
    let recording = Recording::start(stage, &[])?;
    tool::ok(&["resize2fs", &ext4.node])?;
    tool::ok(&["xfs_growfs", &at.to_string_lossy()])?;
    for disk in [&ext4, &xfs] {
        disk.grow(GIB)?;
    }
    // It says so while it still records, and once.
    let line = |disk: &Disk| {
        format!(
            "volprobe: finding: resize/no-op-before-capacity {}: ",
            disk.name
        )
    };
    wait_until("both findings are told", || {
        let said = recording.stderr();
        Ok([&ext4, &xfs]
            .iter()
            .all(|disk| said.matches(&line(disk)).count() == 1))
    })?;
    let report = recording.stop()?;
    report.complete()?;
    for disk in [&ext4, &xfs] {
        ensure!(
            report.has_finding("resize/no-op-before-capacity", &disk.name)?,
            "no such finding for {}: {}",
            disk.name,
            report.0["findings"]
        );
        has(
            only(
                &report.events_on("device.capacity", &disk.name)?,
                "capacity change",
            )?,
            &[
                ("detail.from_bytes", json!(512 * MIB)),
                ("detail.to_bytes", json!(GIB)),
            ],
        )?;
    }
    Ok(())
}

/// From the smallest that can grow online.
pub(super) fn tiny_ext4(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(4 * MIB)?;
    tool::ok(&["mkfs.ext4", "-q", "-b", "1024", &disk.node, "2M"])?;
    stage.mount(&disk.name, &disk.node)?;
    let recording = Recording::start(stage, &[])?;
    tool::ok(&["resize2fs", &disk.node])?;
    let report = recording.stop()?;
    has(
        only(&report.events_on("fs.resize", &disk.name)?, "resize")?,
        &[
            ("detail.from_bytes", json!(2 * MIB)),
            ("detail.to_bytes", json!(4 * MIB)),
            ("detail.error", Value::Null),
        ],
    )
}

/// The smallest xfs that `mkfs.xfs` makes, by one allocation group's blocks.
pub(super) fn tiny_xfs(stage: &mut Stage) -> Result<()> {
    const SMALLEST: u64 = 300 * MIB;
    const GROWN: u64 = SMALLEST + 4 * MIB;
    let disk = stage.disk(SMALLEST)?;
    let at = stage.xfs(&disk)?;
    let recording = Recording::start(stage, &[])?;
    disk.grow(GROWN)?;
    tool::ok(&["xfs_growfs", &at.to_string_lossy()])?;
    let report = recording.stop()?;
    report.complete()?;
    has(
        only(&report.events_on("fs.resize", &disk.name)?, "resize")?,
        &[
            ("detail.from_bytes", json!(SMALLEST)),
            ("detail.to_bytes", json!(GROWN)),
            ("detail.error", Value::Null),
        ],
    )
}

/// Of several TiB, on loop devices over sparse files; xfs past 2^32 blocks.
pub(super) fn several_tib(stage: &mut Stage) -> Result<()> {
    // ext4 writes something into each new group: a few will do.
    const EXT4: (u64, u64) = (3 * TIB - 64 * GIB, 3 * TIB);
    const XFS: (u64, u64) = (3 * TIB, 20 * TIB);
    tool::ok(&["modprobe", "loop"])?;
    let sparse = |name: &str, bytes: u64| -> Result<(File, String)> {
        let path = stage.dir.join(name);
        let file = File::create(&path)?;
        file.set_len(bytes)?;
        let node = tool::ok(&["losetup", "-f", "--show", &path.to_string_lossy()])?;
        Ok((file, node.trim().to_owned()))
    };
    let (_, ext4) = sparse("ext4.img", EXT4.1)?;
    let (file, xfs) = sparse("xfs.img", XFS.0)?;
    // Few inodes and small logs: the files lie in memory.
    let mkfs = format!(
        "mkfs.ext4 -q -i 67108864 -J size=16 -E lazy_journal_init=1 {ext4} {}k; \
         mkfs.xfs -q -l size=64m {xfs}",
        EXT4.0 / 1024
    );
    tool::shell(&mkfs)?;
    stage.mount("ext4", &ext4)?;
    let at = stage.mount("xfs", &xfs)?;
    file.set_len(XFS.1)?;
    let recording = Recording::start(stage, &[])?;
    tool::ok(&["losetup", "-c", &xfs])?;
    tool::ok(&["resize2fs", &ext4])?;
    tool::ok(&["xfs_growfs", &at.to_string_lossy()])?;
    let report = recording.stop()?;
    report.complete()?;
    for (node, (from, to)) in [(ext4, EXT4), (xfs, XFS)] {
        let name = node.trim_start_matches("/dev/");
        has(
            only(&report.events_on("fs.resize", name)?, "resize")?,
            &[
                ("detail.from_bytes", json!(from)),
                ("detail.to_bytes", json!(to)),
                ("detail.error", Value::Null),
            ],
        )?;
    }
    Ok(())
}

/// Refusals, by the real tool and by the bare call.
pub(super) fn refused(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    tool::ok(&["mkfs.ext4", "-q", &disk.node, "512M"])?;
    let at = stage.mount(&disk.name, &disk.node)?;
    let recording = Recording::start(stage, &[])?;
    tool::ok(&["chmod", "666", &disk.node])?;
    let done = tool::run(&[
        "setpriv",
        "--reuid",
        "1000",
        "--clear-groups",
        "resize2fs",
        &disk.node,
    ])?;
    ensure!(done.code != Some(0), "a user may resize");
    ensure!(
        resize_call(&at, 2 * GIB)? == libc::ENOSPC,
        "beyond the device"
    );
    ensure!(resize_call(&at, 256 * MIB)? == libc::EINVAL, "a shrink");
    tool::ok(&["mount", "-o", "remount,ro", &at.to_string_lossy()])?;
    ensure!(
        tool::run(&["resize2fs", &disk.node])?.code != Some(0),
        "a read-only file system may be resized"
    );
    let report = recording.stop()?;
    report.complete()?;
    let resizes = report.events_on("fs.resize", &disk.name)?;
    let errors: Vec<_> = resizes
        .iter()
        .map(|resize| &resize["detail"]["error"])
        .collect();
    ensure!(
        errors == ["EPERM", "ENOSPC", "EINVAL", "EROFS"],
        "errors {errors:?}: {resizes:?}"
    );
    let requested: Vec<_> = resizes
        .iter()
        .map(|resize| &resize["detail"]["requested_bytes"])
        .collect();
    ensure!(
        requested == [&json!(GIB), &json!(2 * GIB), &json!(256 * MIB), &json!(GIB)],
        "requested {requested:?}"
    );
    for resize in &resizes {
        let to = &resize["detail"]["to_bytes"];
        ensure!(
            to.is_null() || *to == json!(512 * MIB),
            "it did not grow: {resize}"
        );
    }
    ensure!(resizes[0]["comm"] == "resize2fs", "who: {}", resizes[0]);
    for exit in report.events("exec.exit")? {
        if exit["comm"] == "resize2fs" {
            has(exit, &[("detail.resize_calls", json!(1))])?;
        }
    }
    Ok(())
}

/// What xfs refuses: to a user, beyond the device, and read-only.
pub(super) fn refused_by_xfs(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(512 * MIB)?;
    let at = stage.xfs(&disk)?;
    disk.grow(GIB)?;
    let point = at.to_string_lossy();
    // Else the tool would be refused before it asks for anything.
    tool::ok(&["chmod", "666", &disk.node])?;
    let recording = Recording::start(stage, &[])?;
    let user = ["setpriv", "--reuid", "1000", "--clear-groups"];
    let blocks = (GIB / BLOCK).to_string();
    let beyond = (2 * GIB / BLOCK).to_string();
    let refusals: [&[&str]; 3] = [
        &[&user[..], &["xfs_growfs", "-D", &blocks, &point]].concat(),
        // The tool itself would see that the device is too small.
        &["xfs_growfs", "-D", &beyond, &point],
        &["xfs_growfs", "-D", &blocks, &point],
    ];
    for (index, argv) in refusals.iter().enumerate() {
        if index == 2 {
            tool::ok(&["mount", "-o", "remount,ro", &point])?;
        }
        ensure!(tool::run(argv)?.code != Some(0), "{argv:?} succeeded");
    }
    let report = recording.stop()?;
    report.complete()?;
    let resizes = report.events_on("fs.resize", &disk.name)?;
    let errors: Vec<&Value> = resizes
        .iter()
        .map(|resize| &resize["detail"]["error"])
        .collect();
    ensure!(
        errors == ["EPERM", "EROFS"],
        "errors {errors:?}: {resizes:?}"
    );
    for resize in &resizes {
        has(
            resize,
            &[
                ("detail.fs", json!("xfs")),
                ("detail.requested_bytes", json!(GIB)),
                ("comm", json!("xfs_growfs")),
            ],
        )?;
        let to = &resize["detail"]["to_bytes"];
        ensure!(
            to.is_null() || *to == json!(512 * MIB),
            "it did not grow: {resize}"
        );
    }
    Ok(())
}

/// A second resize while the first still runs.
pub(super) fn busy(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(8 * GIB)?;
    tool::ok(&["mkfs.ext4", "-q", &disk.node, "512M"])?;
    let at = stage.mount(&disk.name, &disk.node)?;
    let recording = Recording::start(stage, &[])?;
    crate::guest::hypervisor::ask(&format!("iops {} 60", disk.name))?;
    let first = {
        let at = at.clone();
        std::thread::spawn(move || resize_call(&at, 8 * GIB))
    };
    let mut refused = 0;
    wait_until("one of two resizes is refused", || {
        refused = resize_call(&at, 8 * GIB)?;
        Ok(refused != 0 || first.is_finished())
    })?;
    crate::guest::hypervisor::ask(&format!("iops {} 0", disk.name))?;
    let first = first
        .join()
        .map_err(|_| anyhow::anyhow!("the first resize panicked"))??;
    // Which of the two came first is not ours to say.
    let (low, high) = (first.min(refused), first.max(refused));
    ensure!(
        (low, high) == (0, libc::EBUSY),
        "errno {first} and {refused}"
    );
    let report = recording.stop()?;
    report.complete()?;
    let resizes = report.events_on("fs.resize", &disk.name)?;
    let count = |error: &Value| {
        resizes
            .iter()
            .filter(|resize| resize["detail"]["error"] == *error)
            .count()
    };
    ensure!(count(&json!("EBUSY")) == 1, "not one EBUSY: {resizes:?}");
    ensure!(count(&Value::Null) >= 1, "no success: {resizes:?}");
    Ok(())
}

/// Asks ext4 for a size by its ioctl; returns the errno, 0 for success.
pub(super) fn resize_call(at: &Path, bytes: u64) -> Result<i32> {
    let dir = File::open(at)?;
    let blocks: u64 = bytes / BLOCK;
    // SAFETY: the descriptor is open, and the call reads one u64.
    let result = unsafe { libc::ioctl(dir.as_raw_fd(), EXT4_RESIZE, &raw const blocks) };
    let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    Ok(if result == 0 { 0 } else { errno })
}
