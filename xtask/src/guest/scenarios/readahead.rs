//! Read-ahead: every page of a cold file, and who set how many.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::guest::{
    recorder::{Recording, volprobe},
    report::{Report, has, number, only, sum},
    stage::{Disk, Stage},
    tool,
};

const GIB: u64 = 1 << 30;
const FILE_BYTES: u64 = 64 << 20;
const FILE_PAGES: u64 = FILE_BYTES / 4096;

/// A `cp` of 64 MiB on ext4: one copy, all its pages by read-ahead.
pub(super) fn cp_on_ext4(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    let report = cold_cp(stage, &at, &["cp", "from", "to"])?;
    pages(&report, &disk)?;
    let rows = report.rows("copy")?;
    let spliced: Vec<&Value> = rows.iter().filter(|row| row["route"] == "splice").collect();
    let row = only(&spliced, "spliced copy")?;
    has(row, &[("src", json!(disk.name)), ("dst", json!(disk.name))])?;
    has(
        row,
        &[
            ("bytes_copied", json!(FILE_BYTES)),
            ("readahead.pages", json!(FILE_PAGES)),
        ],
    )?;
    // cp tries to clone first, and ext4 cannot: that is no error of the copy.
    let refused: Vec<&Value> = rows
        .iter()
        .filter(|row| row["via"] == "ioctl" && row["route"] == "none")
        .collect();
    has(
        only(&refused, "refused clone")?,
        &[("errors.EOPNOTSUPP", json!(1))],
    )?;
    ensure!(
        !report.has_finding("copy/errors", &disk.name)?,
        "{}",
        report.0["findings"]
    );
    Ok(())
}

/// A `cp` on xfs is a clone, which reads nothing; told not to clone, it reads
/// every page.
pub(super) fn cp_on_xfs(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let at = stage.xfs(&disk)?;
    let cloned = cold_cp(stage, &at, &["cp", "from", "to"])?;
    let row = only(&cloned.rows("copy")?.iter().collect::<Vec<_>>(), "copy")?;
    has(
        row,
        &[
            ("src", json!(disk.name)),
            ("dst", json!(disk.name)),
            ("route", json!("clone")),
            ("via", json!("ioctl")),
            ("calls", json!(1)),
            ("bytes_copied", json!(FILE_BYTES)),
        ],
    )?;
    let read = sum(cloned.rows("readahead")?, "pages_submitted")?;
    ensure!(read < 64, "a clone read {read} pages");
    let copied = cold_cp(stage, &at, &["cp", "--reflink=never", "from", "to2"])?;
    pages(&copied, &disk)
}

/// Writes a file, forgets it, and records how a command reads it.
fn cold_cp(stage: &Stage, at: &Path, argv: &[&str]) -> Result<Report> {
    let at = at.display();
    tool::shell(&format!(
        "test -e {at}/from || dd if=/dev/zero of={at}/from bs=1M count=64 2>&1; sync; \
         echo 3 > /proc/sys/vm/drop_caches"
    ))?;
    // The programs themselves must not be read from that disk, and are not:
    // they are in the initramfs.
    let recording = Recording::start(stage, &["--force"])?;
    tool::shell(&format!("cd {at}; {}", argv.join(" ")))?;
    let report = recording.stop()?;
    report.complete_but_for_missed_runs()?;
    Ok(report)
}

/// All pages of the file, each once.
fn pages(report: &Report, disk: &Disk) -> Result<()> {
    let rows: Vec<&Value> = report
        .rows("readahead")?
        .iter()
        .filter(|row| row["device"] == disk.name)
        .collect();
    let submitted = sum(rows.iter().copied(), "pages_submitted")?;
    let missed = report.probe("readahead")?["missed_runs"]
        .as_u64()
        .unwrap_or(0);
    ensure!(
        submitted == FILE_PAGES || (missed > 0 && submitted < FILE_PAGES),
        "{submitted} pages of {FILE_PAGES}, {missed} missed runs: {rows:?}"
    );
    Ok(())
}

/// Pages that were asked for outright, and pages of a mapped file.
pub(super) fn kinds(stage: &mut Stage) -> Result<()> {
    const ASKED_PAGES: u64 = 256;
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    for (kind, commands, pages) in [
        ("forced", "-c 'fadvise -w 0 1m'", ASKED_PAGES),
        ("mmap", "-c 'mmap -r 0 64m' -c 'mread 0 64m'", FILE_PAGES),
    ] {
        let line = format!("xfs_io -r {commands} from");
        let report = cold_cp(stage, &at, &[&line])?;
        let rows: Vec<&Value> = report
            .rows("readahead")?
            .iter()
            .filter(|row| row["device"] == disk.name && row["kind"] == kind)
            .collect();
        let submitted = sum(rows.iter().copied(), "pages_submitted")?;
        let missed = report.probe("readahead")?["missed_runs"]
            .as_u64()
            .unwrap_or(0);
        ensure!(
            submitted == pages || (missed > 0 && submitted < pages),
            "{kind}: {submitted} pages of {pages}, {missed} missed runs: {:?}",
            report.rows("readahead")?
        );
    }
    Ok(())
}

/// A program may double the read-ahead of its own file: its windows are larger than
/// the device's setting, and the report says why.
pub(super) fn of_a_file(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    let name = &disk.name;
    tool::shell(&format!("echo 128 > /sys/block/{name}/queue/read_ahead_kb"))?;
    let read = "-c 'pread -b 32k 0 64m' from";
    for (line, largest) in [
        (format!("xfs_io -r {read}"), 32),
        (format!("xfs_io -r -c 'fadvise -s' {read}"), 64),
    ] {
        let report = cold_cp(stage, &at, &[&line])?;
        let rows = report.rows("readahead")?.iter();
        let row = rows
            .clone()
            .find(|row| row["device"] == *name && row["kind"] == "async");
        let row = row.with_context(|| format!("{:?}", report.rows("readahead")))?;
        has(row, &[("window_pages.max", json!(largest))])?;
        let (at_cap, all) = (
            number(row, "pages_at_cap")?,
            number(row, "pages_submitted")?,
        );
        ensure!(at_cap * 10 >= all * 9, "{at_cap} of {all} pages at the cap");
        let file = stage.dir.join("recording.vprec");
        let text = volprobe(&["report", &file.to_string_lossy()])?.stdout;
        let said = text.contains("windows of up to 256 KiB, where 128 are configured");
        ensure!(said == (largest == 64), "{text}");
    }
    Ok(())
}

/// Who changed a disk's read-ahead, from what, to what.
pub(super) fn writers(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let name = &disk.name;
    tool::shell(&format!("echo 128 > /sys/block/{name}/queue/read_ahead_kb"))?;
    let recording = Recording::start(stage, &[])?;
    tool::shell(&format!("echo 256 > /sys/block/{name}/queue/read_ahead_kb"))?;
    tool::shell(&format!(
        "echo 512 > /sys/class/bdi/$(cat /sys/block/{name}/dev)/read_ahead_kb"
    ))?;
    tool::ok(&["blockdev", "--setra", "2048", &disk.node])?;
    let report = recording.stop()?;
    report.complete()?;
    let changes = report.events_on("config.read_ahead_kb", name)?;
    let seen: Vec<Value> = changes
        .iter()
        .map(|change| {
            json!([
                change["detail"]["from"],
                change["detail"]["to"],
                change["comm"]
            ])
        })
        .collect();
    ensure!(
        seen == [
            json!([128, 256, "sh"]),
            json!([256, 512, "sh"]),
            json!([512, 1024, "blockdev"])
        ],
        "changes {seen:?}: {changes:?}"
    );
    ensure!(
        report.has_finding("readahead/changed-during-recording", name)?,
        "{}",
        report.0["findings"]
    );
    let device = report
        .rows("devices")?
        .iter()
        .find(|device| device["name"] == *name);
    has(
        device.unwrap_or(&Value::Null),
        &[("read_ahead_kb", json!(1024))],
    )
}
