//! Filters narrow copies and readahead, and nothing else.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::guest::{
    recorder::Recording,
    report::{Report, has},
    stage::Stage,
    tool, wait_until,
};

const GIB: u64 = 1 << 30;

const UID: &str = "5b1f6c1e-2d3a-4f50-9a61-0a1b2c3d4e5f";

/// The cgroup of the workers on the first disk, a container's of a pod, and that
/// of the workers on the second.
fn cgroups() -> [PathBuf; 2] {
    let uid = UID.replace('-', "_");
    let container = "a1".repeat(32);
    [
        format!("kubepods.slice/kubepods-pod{uid}.slice/cri-containerd-{container}.scope"),
        "other".to_owned(),
    ]
    .map(|path| Path::new("/sys/fs/cgroup").join(path))
}

/// Whatever chooses tasks or devices chooses those, and nobody else's.
pub(super) fn narrow(stage: &mut Stage) -> Result<()> {
    let disks = [stage.disk(GIB)?, stage.disk(GIB)?];
    for disk in &disks {
        let at = stage.ext4(disk)?;
        tool::shell(&format!(
            "dd if=/dev/zero of={}/cold bs=1M count=4 2>&1",
            at.display()
        ))?;
    }
    let cgroups = cgroups();
    for cgroup in &cgroups {
        fs::create_dir_all(cgroup)?;
    }
    fs::create_dir_all(format!("/var/log/pods/db_mysql-0_{UID}"))?;
    let (copies, reads) = (["copy"], ["readahead"]);
    let (both, none) = (["copy", "readahead"], []);
    // What is expected of the first disk, and of the second.
    let cases: [(&str, &str, [&[&str]; 2]); 11] = [
        ("--comm", "copyload", [&copies, &copies]),
        ("--comm", "cat", [&reads, &reads]),
        ("--comm", "somebody", [&none, &none]),
        ("--pid", "copyload", [&copies, &none]),
        ("--pid", "cat", [&reads, &none]),
        ("--device", &disks[0].node, [&both, &none]),
        ("--mount", "/mnt/vdc", [&none, &both]),
        ("--cgroup", "/sys/fs/cgroup/other", [&none, &both]),
        ("--cgroup", "kubepods.slice", [&both, &none]),
        ("--pod", "db/mysql-0", [&both, &none]),
        ("--container", "a1a1a1a1a1a1", [&both, &none]),
    ];
    for (option, value, expected) in cases {
        tool::shell("sync; echo 3 > /proc/sys/vm/drop_caches")?;
        let one = Workers::start(&disks[0].name, &cgroups[0])?;
        let two = Workers::start(&disks[1].name, &cgroups[1])?;
        let pid = match value {
            "cat" => one.cat.id().to_string(),
            _ => one.copyload.id().to_string(),
        };
        let value = if option == "--pid" { &pid } else { value };
        let recording = Recording::start(stage, &["--force", option, value])?;
        if option == "--pod" {
            // A cgroup that was made since belongs to what it lies in.
            one.move_to(&cgroups[0].join("inner"))?;
        }
        one.work()?;
        two.work()?;
        tool::ok(&["resize2fs", &disks[0].node])?;
        let report = recording.stop()?;
        for (disk, expected) in disks.iter().zip(expected) {
            for (table, key) in [("copy", "src"), ("readahead", "device")] {
                let rows = report.rows(table)?;
                let seen = rows.iter().any(|row| row[key] == disk.name);
                ensure!(
                    seen == expected.contains(&table),
                    "{option} {value}: {table} of {} seen: {seen}; {rows:?}",
                    disk.name
                );
            }
        }
        report
            .exit_of(&["resize2fs"])
            .with_context(|| format!("{option} {value}"))?;
    }
    fs::remove_dir(cgroups[0].join("inner"))?;
    fs::remove_dir_all("/var/log/pods")?;
    Ok(())
}

/// A process that copies on a disk and one that reads from it, both in the same
/// cgroup, stopped before they begin.
struct Workers {
    copyload: Child,
    cat: Child,
}

impl Workers {
    fn start(disk: &str, cgroup: &Path) -> Result<Self> {
        let start = |command: &str| -> Result<Child> {
            let procs = cgroup.join("cgroup.procs");
            let line = format!(
                "echo 0 > {}; kill -STOP $$; exec {command}",
                procs.display()
            );
            let child = Command::new("sh")
                .args(["-ec", &line])
                .stdout(Stdio::null())
                .spawn()?;
            wait_until("the worker has stopped", || {
                let stat = fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
                Ok(stat.contains(") T "))
            })?;
            Ok(child)
        };
        Ok(Self {
            copyload: start(&format!("copyload /mnt/{disk} /tmp/stage 2 5"))?,
            cat: start(&format!("cat /mnt/{disk}/cold"))?,
        })
    }

    /// Moves them to a new cgroup.
    fn move_to(&self, cgroup: &Path) -> Result<()> {
        fs::create_dir(cgroup)?;
        for worker in [&self.copyload, &self.cat] {
            fs::write(cgroup.join("cgroup.procs"), worker.id().to_string())?;
        }
        Ok(())
    }

    /// Lets them do their work.
    fn work(self) -> Result<()> {
        for mut worker in [self.copyload, self.cat] {
            let pid = Pid::from_raw(worker.id() as i32).context("no pid")?;
            kill_process(pid, Signal::CONT)?;
            let status = worker.wait()?;
            ensure!(status.success(), "a worker ended with {status}");
        }
        Ok(())
    }
}

/// `--tree`: the command and what it starts, also what it leaves behind; nobody
/// else, but for resizes. The root of all cgroups, which every kernel is to find
/// above them, leaves it at that.
pub(super) fn tree(stage: &mut Stage) -> Result<()> {
    let (inside, outside) = (stage.disk(GIB)?, stage.disk(GIB)?);
    for disk in [&inside, &outside] {
        stage.ext4(disk)?;
    }
    // A child, and a grandchild whose parent is gone.
    let command = format!(
        "copyload /mnt/{0} /tmp/stage 2 5 > truth; \
         (sh -c 'sleep 1; cp /usr/bin/busybox /mnt/{0}/left; cp /mnt/{0}/left /mnt/{0}/behind; touch done' &); \
         touch inside; until [ -e done ] && [ -e outside ]; do sleep 0.1; done",
        inside.name
    );
    let recording = Recording::start(
        stage,
        &["--cgroup", "/", "--tree", "--", "sh", "-c", &command],
    )?;
    wait_until(
        "the command has copied",
        || Ok(Path::new("inside").exists()),
    )?;
    tool::ok(&[
        "copyload",
        &format!("/mnt/{}", outside.name),
        "/tmp/stage",
        "2",
        "5",
    ])?;
    tool::ok(&["resize2fs", &outside.node])?;
    fs::write("outside", "")?;
    recording.wait()?;
    let report = Report::of(&stage.dir.join("recording.vprec"))?;
    let truth: crate::guest::copyload::Truth = serde_json::from_slice(&fs::read("truth")?)?;
    let rows = report.rows("copy")?;
    let missed = report.probe("copy")?["missed_runs"].as_u64().unwrap_or(0);
    let calls: u64 = rows.iter().filter_map(|row| row["calls"].as_u64()).sum();
    // Of the grandchild: refused clones, copies between tmpfs and the disk, and
    // within it, each with a call that finds the end.
    ensure!(
        calls + missed > truth.calls() + 1,
        "{calls} + {missed} calls of more than {}: {rows:?}",
        truth.calls()
    );
    let size = fs::metadata("/usr/bin/busybox")?.len();
    let left_behind = rows.iter().any(|row| {
        row["src"] == inside.name
            && row["bytes_copied"]
                .as_u64()
                .is_some_and(|bytes| bytes >= size)
    });
    ensure!(left_behind, "the grandchild's copies are missing: {rows:?}");
    for (table, key) in [("copy", "src"), ("copy", "dst"), ("readahead", "device")] {
        let rows = report.rows(table)?;
        let seen = rows.iter().any(|row| row[key] == outside.name);
        ensure!(!seen, "{table} of somebody else: {rows:?}");
    }
    has(
        &report.0["session"],
        &[("filters", json!(["--cgroup /", "--tree"]))],
    )?;
    report.exit_of(&["resize2fs"]).map(drop)
}
