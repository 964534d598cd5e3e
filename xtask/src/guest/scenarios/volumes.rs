//! `volprobe volumes`: the node's state, without any probe.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::guest::{
    correlation::absences,
    nfs,
    recorder::{Recording, volprobe},
    report::{Report, has},
    stage::{Disk, Stage},
    tool,
};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const FS: &[&str] = &["resize/fs-not-grown"];
const PARTITION: &[&str] = &["resize/partition-not-grown"];
/// In no case may a look at the node take longer, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whoever comes after the event sees what did not grow, and what to do then.
pub(super) fn not_grown(stage: &mut Stage) -> Result<()> {
    let (ext4, xfs, cut) = (
        stage.disk(512 * MIB)?,
        stage.disk(512 * MIB)?,
        stage.disk(512 * MIB)?,
    );
    stage.ext4(&ext4)?;
    let at = stage.xfs(&xfs)?;
    tool::shell(&format!(
        "printf 'label: gpt\\n2048,,\\n' | sfdisk -q {}",
        cut.node
    ))?;
    let part = format!("{}1", cut.name);
    tool::ok(&["mkfs.ext4", "-q", &format!("/dev/{part}")])?;
    stage.mount(&part, &format!("/dev/{part}"))?;
    let disks = [ext4.name.as_str(), &xfs.name, &part];
    let found = |rules: [&[&str]; 3]| -> Result<()> {
        let seen = volumes()?;
        for (name, rules) in disks.into_iter().zip(rules) {
            has(row(&seen, name)?, &[("findings", json!(rules))])?;
        }
        Ok(())
    };

    found([&[], &[], &[]])?;
    for disk in [&ext4, &xfs, &cut] {
        disk.grow(GIB)?;
    }
    found([FS, FS, PARTITION])?;
    let sizes = [("sizes.device", json!(GIB)), ("sizes.fs", json!(512 * MIB))];
    has(row(&volumes()?, &ext4.name)?, &sizes)?;
    has(row(&volumes()?, &xfs.name)?, &sizes)?;
    let code = volprobe(&["volumes", "--exit-code"])?.code;
    ensure!(code == Some(1), "with findings it ended with {code:?}");

    // As the advice says.
    tool::ok(&["resize2fs", &ext4.node])?;
    tool::ok(&["xfs_growfs", &at.to_string_lossy()])?;
    tool::ok(&["growpart", &cut.node, "1"])?;
    found([&[], &[], FS])?;
    tool::ok(&["resize2fs", &format!("/dev/{part}")])?;
    found([&[], &[], &[]])?;
    let code = volprobe(&["volumes", "--exit-code"])?.code;
    ensure!(code == Some(0), "without findings it ended with {code:?}");
    Ok(())
}

/// A disk that does not answer is said to, and the others are read.
pub(super) fn hanging_disk(stage: &mut Stage) -> Result<()> {
    let (well, ill) = (stage.disk(512 * MIB)?, stage.disk(512 * MIB)?);
    stage.ext4(&well)?;
    tool::ok(&["modprobe", "dm_mod"])?;
    let table = format!("0 {} linear {} 0", 512 * MIB / 512, ill.node);
    tool::ok(&[
        "dmsetup",
        "create",
        "--noudevsync",
        "ill",
        "--table",
        &table,
    ])?;
    tool::ok(&["dmsetup", "mknodes"])?;
    stage.mkfs_xfs("/dev/mapper/ill")?;
    // Mounted where only its superblock can be asked, not the file system.
    let mut elsewhere = Elsewhere::mount("/dev/mapper/ill", stage)?;
    let size = |expected: Value| -> Result<()> {
        let seen = volumes()?;
        has(row(&seen, &well.name)?, &[("sizes.fs", json!(512 * MIB))])?;
        has(row(&seen, "dm-0")?, &[("sizes.fs", expected)])
    };
    size(json!(512 * MIB))?;
    tool::ok(&["dmsetup", "suspend", "--noflush", "ill"])?;
    let start = Instant::now();
    let hung = size(Value::Null);
    let took = start.elapsed();
    // Before anything can fail: a machine with such a disk is good for nothing.
    tool::ok(&["dmsetup", "resume", "--noudevsync", "ill"])?;
    hung?;
    ensure!(took < PATIENCE, "it took {took:?}");
    size(json!(512 * MIB))?;
    elsewhere.end()
}

/// A network mount whose server does not answer holds up nobody: neither a
/// recording that goes on, nor one that begins, nor a look at the node.
pub(super) fn hanging_nfs(stage: &mut Stage) -> Result<()> {
    let (served, disk) = (stage.disk(512 * MIB)?, stage.disk(512 * MIB)?);
    let served = stage.ext4(&served)?;
    stage.ext4(&disk)?;
    nfs::serve(&served)?;
    nfs::mount(131_072, "4.2")?;
    let recording = Recording::start(stage, &[])?;
    nfs::cut_off()?;
    let mut waiting = Command::new("stat")
        .args(["-f", nfs::MOUNT])
        .spawn()
        .context("cannot run stat")?;
    let start = Instant::now();
    let played = grown_meanwhile(&disk);
    let took = start.elapsed();
    let hangs = waiting.try_wait()?.is_none();
    // Before anything can fail: a machine with such a mount is good for nothing.
    nfs::delay(0)?;
    waiting.kill()?;
    waiting.wait()?;
    played?;
    ensure!(hangs, "the mount did not hang");
    ensure!(took < 3 * PATIENCE, "it took {took:?}");
    let report = recording.stop()?;
    let own = |row: &&Value| row["name"] == disk.name.as_str();
    let device = report.rows("devices")?.iter().find(own);
    has(
        device.context("no row of the disk")?,
        &[("fs_size_bytes", json!(GIB))],
    )?;
    ensure!(
        report.events_on("fs.resize", &disk.name)?.len() == 1,
        "the resize was not seen"
    );
    Ok(())
}

/// What goes on while the network mount hangs.
fn grown_meanwhile(disk: &Disk) -> Result<()> {
    disk.grow(GIB)?;
    let seen = volumes()?;
    has(row(&seen, &disk.name)?, &[("findings", json!(FS))])?;
    has(row(&seen, nfs::NAME)?, &[("fs", json!("nfs4"))])?;
    tool::ok(&["resize2fs", &disk.node])?;
    let late = volprobe(&["record", "-o", "late.vprec", "--duration", "2s"])?;
    ensure!(late.code == Some(0), "record ended with {:?}", late.code);
    Report::of(Path::new("late.vprec"))?.complete_but_for_missed_runs()?;
    Ok(())
}

/// What only a container has mounted, as a driver's plugin does, is found, and what
/// happens to it.
pub(super) fn in_a_container(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(512 * MIB)?;
    tool::ok(&["mkfs.ext4", "-q", &disk.node])?;
    let mut elsewhere = Elsewhere::mount(&disk.node, stage)?;
    let recording = Recording::start(stage, &[])?;
    let pid = elsewhere.0.id().to_string();
    tool::ok(&["nsenter", "-t", &pid, "-m", "resize2fs", &disk.node])?;
    disk.grow(GIB)?;
    std::thread::sleep(Duration::from_secs(1));
    let report = recording.stop()?;
    let own = |row: &&Value| row["name"] == disk.name.as_str();
    let device = report.rows("devices")?.iter().find(own);
    let at = stage.dir.join("elsewhere");
    has(
        device.context("no row of the disk")?,
        &[
            ("mounts", json!([at])),
            ("fs_size_bytes", json!(512 * MIB)),
            ("size_bytes", json!(GIB)),
        ],
    )?;
    let findings = report.rows("findings")?.iter();
    let mut verdicts = findings.filter(|finding| finding["device"] == disk.name.as_str());
    let verdict = verdicts.next().context("no finding about the disk")?;
    has(verdict, &[("rule", json!("resize/no-op-before-capacity"))])?;
    let basis = absences(verdict).first().map(|absence| &absence["basis"]);
    ensure!(basis == Some(&json!("both")), "on the basis of {basis:?}");
    elsewhere.end()
}

/// A mount in a namespace of its own.
struct Elsewhere(Child);

impl Elsewhere {
    fn mount(node: &str, stage: &Stage) -> Result<Self> {
        let at = stage.dir.join("elsewhere");
        std::fs::create_dir_all(&at)?;
        let line = format!("mount {node} {} && exec sleep 1000", at.display());
        let child = Command::new("unshare")
            .args(["-m", "--propagation", "private", "sh", "-ec", &line])
            .spawn()
            .context("cannot run unshare")?;
        let table = format!("/proc/{}/mountinfo", child.id());
        crate::guest::wait_until("the mount is there", || {
            let table = std::fs::read_to_string(&table)?;
            Ok(table.contains("elsewhere"))
        })?;
        Ok(Self(child))
    }

    fn end(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

fn volumes() -> Result<Value> {
    let done = volprobe(&["volumes", "--json"])?;
    ensure!(done.code == Some(0), "volumes ended with {:?}", done.code);
    let json: Value = serde_json::from_str(&done.stdout).context("no JSON")?;
    ensure!(
        json["schema"] == "volprobe.volumes/1",
        "schema is {}",
        json["schema"]
    );
    Ok(json)
}

fn row<'a>(volumes: &'a Value, device: &str) -> Result<&'a Value> {
    let rows = volumes["volumes"].as_array().context("no volumes")?;
    let mut rows = rows.iter().filter(|row| row["device"] == device);
    rows.next()
        .with_context(|| format!("no row of {device}: {volumes}"))
}
