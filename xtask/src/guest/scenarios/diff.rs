//! Comparing recordings: what became slower, and why.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::guest::{
    hypervisor, nfs,
    recorder::{Recording, volprobe},
    slow_copy::{AFTER_KB, BEFORE_KB, SlowCopy},
    stage::{Disk, Stage},
    tool,
};

const GIB: u64 = 1 << 30;

/// `volprobe diff --json`, which must succeed.
fn diff(a: &Path, b: &Path) -> Result<Value> {
    let (a, b) = (a.to_string_lossy(), b.to_string_lossy());
    let done = volprobe(&["diff", "--json", &a, &b])?;
    ensure!(done.code == Some(0), "diff ended with {:?}", done.code);
    let json: Value = serde_json::from_str(&done.stdout).context("the diff is not JSON")?;
    ensure!(
        json["schema"] == "volprobe.diff/1",
        "schema {}",
        json["schema"]
    );
    Ok(json)
}

/// Requires the verdict, and read-ahead of `device` as its cause.
fn blames(diff: &Value, verdict: &str, device: &str, a: u64, b: u64) -> Result<()> {
    let cause = json!({"what": "read_ahead_kb", "device": device, "a": a, "b": b});
    ensure!(
        diff["verdict"] == verdict && diff["cause"] == cause,
        "not {verdict} by {cause}: {} {}",
        diff["summary"],
        diff["config"]
    );
    Ok(())
}

/// Requires that nothing is called slower or faster.
fn nothing_changed(diff: &Value) -> Result<()> {
    let calm = matches!(diff["verdict"].as_str(), Some("same" | "unclear"));
    ensure!(calm && diff["cause"].is_null(), "{}", diff["summary"]);
    Ok(())
}

/// The incident: Go's `io.Copy` from NFS to a disk. The copies only return
/// EXDEV; what became slower are the reads, and the cause is the mount's
/// read-ahead.
pub(super) fn slow_copy_on_nfs(stage: &mut Stage) -> Result<()> {
    let (served, local) = (stage.disk(GIB)?, stage.disk(GIB)?);
    let (served, to) = (stage.ext4(&served)?, stage.ext4(&local)?);
    let scene = SlowCopy::prepare(&served, &to)?;
    let file = |name: &str| stage.dir.join(name);
    let (before, after, again) = (
        file("before.vprec"),
        file("after.vprec"),
        file("again.vprec"),
    );
    scene.record(&before, BEFORE_KB)?;
    scene.record(&after, AFTER_KB)?;
    scene.record(&again, AFTER_KB)?;
    nfs::delay(0)?;
    blames(
        &diff(&before, &after)?,
        "regressed",
        nfs::NAME,
        BEFORE_KB,
        AFTER_KB,
    )?;
    blames(
        &diff(&after, &before)?,
        "improved",
        nfs::NAME,
        AFTER_KB,
        BEFORE_KB,
    )?;
    nothing_changed(&diff(&after, &again)?)
}

/// How files are copied.
type Copier = fn(&Path, &Path) -> Result<()>;

/// All the ways by which programs copy.
const COPIERS: [(&str, Copier); 5] = [
    ("cp", |from, to| by(&["cp"], from, to)),
    ("go", |from, to| by(&["gocopy"], from, to)),
    ("rust", |from, to| {
        io::copy(&mut File::open(from)?, &mut File::create(to)?)?;
        Ok(())
    }),
    ("sendfile", |from, to| {
        let sendfile = format!("sendfile -i {} 0 {FILE_BYTES}", from.display());
        tool::ok(&["xfs_io", "-f", "-t", "-c", &sendfile, &to.to_string_lossy()])?;
        Ok(())
    }),
    ("dd", |from, to| {
        tool::shell(&format!(
            "dd if={} of={} bs=64k 2>&1",
            from.display(),
            to.display()
        ))?;
        Ok(())
    }),
];

fn by(program: &[&str], from: &Path, to: &Path) -> Result<()> {
    let (from, to) = (from.to_string_lossy(), to.to_string_lossy());
    tool::ok(&[program, &[&from, &to]].concat())?;
    Ok(())
}

/// Files of each run, and bytes of each. At 4096 KiB of read-ahead a file is four
/// windows only: fewer files would be too little to tell.
const FILES: u32 = 12;
const FILE_BYTES: u64 = 16 << 20;

/// A disk with the files on it, and another one to copy to.
fn scene(stage: &mut Stage) -> Result<(Disk, PathBuf, PathBuf)> {
    let (disk, local) = (stage.disk(GIB)?, stage.disk(GIB)?);
    let (from, to) = (stage.ext4(&disk)?, stage.ext4(&local)?);
    for i in 0..FILES {
        fs::write(from.join(i.to_string()), vec![i as u8; FILE_BYTES as usize])?;
    }
    Ok((disk, from, to))
}

fn set_read_ahead(disk: &Disk, kb: u64) -> Result<()> {
    let path = format!("/sys/block/{}/queue/read_ahead_kb", disk.name);
    fs::write(&path, kb.to_string()).with_context(|| format!("cannot write {path}"))
}

/// Records how `copier` copies the files, with caches empty, while the disk does
/// so many requests a second, as a small cloud disk does.
fn record(
    file: &Path,
    disk: &Disk,
    iops: u32,
    [from, to]: [&Path; 2],
    copier: Copier,
) -> Result<()> {
    hypervisor::ask(&format!("iops {} 0", disk.name))?;
    tool::shell("sync; echo 3 > /proc/sys/vm/drop_caches")?;
    hypervisor::ask(&format!("iops {} {iops}", disk.name))?;
    let recording = Recording::start_into(file, &["--flush", "100ms"])?;
    for i in 0..FILES {
        let name = i.to_string();
        copier(&from.join(&name), &to.join(&name))?;
    }
    recording.stop_only()
}

/// Whatever the program, read-ahead of the throttled disk is named as the
/// cause, in either direction; and two equal runs are not called different.
pub(super) fn read_ahead_of_a_disk(stage: &mut Stage) -> Result<()> {
    let (disk, from, to) = scene(stage)?;
    for (name, copier) in COPIERS {
        let file = |kb: u64| stage.dir.join(format!("{name}-{kb}.vprec"));
        for kb in [4096, 128] {
            set_read_ahead(&disk, kb)?;
            record(&file(kb), &disk, 100, [&from, &to], copier)?;
        }
        blames(
            &diff(&file(4096), &file(128))?,
            "regressed",
            &disk.name,
            4096,
            128,
        )?;
        blames(
            &diff(&file(128), &file(4096))?,
            "improved",
            &disk.name,
            128,
            4096,
        )?;
    }
    let again = stage.dir.join("again.vprec");
    record(&again, &disk, 100, [&from, &to], COPIERS[0].1)?;
    nothing_changed(&diff(&stage.dir.join("cp-128.vprec"), &again)?)?;
    hypervisor::ask(&format!("iops {} 0", disk.name)).map(drop)
}

/// A disk that became slower is not blamed on read-ahead: neither where that
/// is as before, nor where it was cut for reads that are cached.
pub(super) fn not_the_read_ahead(stage: &mut Stage) -> Result<()> {
    let (disk, from, to) = scene(stage)?;
    let file = |name: &str| stage.dir.join(format!("{name}.vprec"));
    set_read_ahead(&disk, 128)?;
    for (name, iops) in [("fast", 100), ("slow", 40)] {
        record(&file(name), &disk, iops, [&from, &to], COPIERS[0].1)?;
    }
    let slower = diff(&file("fast"), &file("slow"))?;
    ensure!(
        slower["verdict"] == "regressed" && slower["cause"].is_null(),
        "{}",
        slower["summary"]
    );
    hypervisor::ask(&format!("iops {} 0", disk.name))?;
    let cached = |kb: u64, name: &str| -> Result<()> {
        set_read_ahead(&disk, kb)?;
        tool::shell(&format!("cat {}/[0-9]* > /dev/null", from.display()))?;
        let recording = Recording::start_into(&file(name), &["--flush", "100ms"])?;
        for _ in 0..12 {
            let to = to.to_string_lossy();
            tool::ok(&[
                "gocopy",
                &from.join("0").to_string_lossy(),
                &format!("{to}/0"),
            ])?;
        }
        recording.stop_only()
    };
    cached(4096, "cached-4096")?;
    cached(128, "cached-128")?;
    let cut = diff(&file("cached-4096"), &file("cached-128"))?;
    let read_ahead = cut["config"].as_array().into_iter().flatten();
    let effects: Vec<&Value> = read_ahead
        .filter(|row| row["what"] == "read_ahead_kb")
        .map(|row| &row["effect"])
        .collect();
    ensure!(effects == [&json!("none seen")], "{}", cut["config"]);
    ensure!(cut["cause"].is_null(), "{}", cut["summary"]);
    Ok(())
}
