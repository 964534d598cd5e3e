//! What a machine does before its power is cut, and what one with the same disks
//! finds.

use std::{path::Path, time::Duration};

use anyhow::{Result, bail, ensure};

use super::{
    copyload::Truth,
    report::{Report, number, sum},
    tool,
};

/// The line that tells what was copied, after this word, and that all of it is
/// on the disks by now.
pub const TRUTH: &str = "truth";

/// More than the time between two syncs of a recording, and a flush.
const SYNCED: Duration = Duration::from_secs(6);
/// Time for some syncs more.
const ON: Duration = Duration::from_secs(10);

/// `before`, or `after TRUTH DISK…`.
pub(super) fn run(args: &[String]) -> Result<()> {
    match args {
        [when] if when == "before" => before(),
        [when, truth, disks @ ..] if when == "after" => after(&serde_json::from_str(truth)?, disks),
        _ => bail!("usage: power-cut before, or power-cut after TRUTH DISK…"),
    }
}

/// Records copies on vdb onto an ext4 on vdc and an xfs on vdd, and leaves the
/// recorders at work when it ends, with copies on vde before them.
fn before() -> Result<()> {
    for (disk, mkfs) in [
        ("vdb", "mkfs.ext4"),
        ("vdc", "mkfs.ext4"),
        ("vdd", "mkfs.xfs"),
        ("vde", "mkfs.ext4"),
    ] {
        tool::shell(&format!(
            "{mkfs} -q /dev/{disk}; mkdir /mnt/{disk}; mount /dev/{disk} /mnt/{disk}"
        ))?;
    }
    for disk in ["vdc", "vdd"] {
        tool::shell(&format!(
            "volprobe record -o /mnt/{disk}/recording.vprec >/dev/null 2>/tmp/{disk}.err & pid=$!; \
             until grep '^volprobe: recording' /tmp/{disk}.err; do sleep 0.2; \
             kill -0 $pid || {{ cat /tmp/{disk}.err; exit 1; }}; done"
        ))?;
    }
    let truth = tool::ok(&["copyload", "/mnt/vdb", "/tmp", "2", "20"])?;
    std::thread::sleep(SYNCED);
    println!("{TRUTH} {}", truth.trim());
    tool::shell(
        "while copyload /mnt/vde /tmp 1 5; do sleep 0.3; done >/dev/null 2>/tmp/vde.err &",
    )?;
    std::thread::sleep(ON);
    Ok(())
}

/// Each disk is one that was cut off, of one file system ever later.
fn after(truth: &Truth, disks: &[String]) -> Result<()> {
    for disk in disks {
        tool::shell(&format!(
            "mkdir -p /mnt/{disk}; mount /dev/{disk} /mnt/{disk}; cp /mnt/{disk}/recording.vprec /tmp/{disk}.vprec; \
             umount /mnt/{disk}"
        ))?;
        let report = Report::of(Path::new(&format!("/tmp/{disk}.vprec")))?;
        let completeness = &report.0["completeness"];
        let whole_up_to_its_end = completeness["truncated"] == true
            && completeness["damaged_frames"] == 0
            && completeness["gaps"].as_array().is_some_and(Vec::is_empty)
            && completeness["ended"].is_null();
        ensure!(whole_up_to_its_end, "{disk}: {completeness}");
        let missed = report.probe("copy")?["missed_runs"].as_u64().unwrap_or(0);
        let on_disk = report
            .rows("copy")?
            .iter()
            .filter(|row| row["src"] == "vdb");
        let counted = sum(on_disk, "calls")?;
        ensure!(
            counted + missed == truth.calls(),
            "{disk}: {counted} + {missed} of {}",
            truth.calls()
        );
        println!(
            "recorded {disk} {}",
            number(&report.0["session"], "duration_ns")?
        );
        let said = tool::ok(&["volprobe", "report", &format!("/tmp/{disk}.vprec")])?;
        ensure!(
            said.contains("it ends without an end statement"),
            "{disk}: the report does not say that it was cut off"
        );
    }
    Ok(())
}
