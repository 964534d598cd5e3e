//! A network mount: NFS, served by the machine's own kernel.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::guest::{
    nfs,
    recorder::Recording,
    report::{has, only, sum},
    stage::Stage,
    tool,
};

const GIB: u64 = 1 << 30;
const FILE_BYTES: u64 = 16 << 20;

/// Reading from a network mount is read-ahead of that mount, with its own
/// setting; a copy from it to a disk is refused, and falls back to reading.
pub(super) fn nfs(stage: &mut Stage) -> Result<()> {
    let (served, local) = (stage.disk(GIB)?, stage.disk(GIB)?);
    let (served, at) = (stage.ext4(&served)?, stage.ext4(&local)?);
    tool::shell(&format!(
        "dd if=/dev/zero of={}/from bs=1M count=16 2>&1",
        served.display()
    ))?;
    nfs::serve(&served)?;
    nfs::mount(131_072, "4.2")?;
    tool::shell("sync; echo 3 > /proc/sys/vm/drop_caches")?;
    let recording = Recording::start(stage, &[])?;
    tool::ok(&["cp", "/mnt/nfs/from", &at.join("to").to_string_lossy()])?;
    let report = recording.stop()?;
    report.complete_but_for_missed_runs()?;
    let of = |member: &str, field: &str| -> Result<Vec<&Value>> {
        Ok(report
            .rows(member)?
            .iter()
            .filter(|row| row[field] == "nfs4:/mnt/nfs")
            .collect())
    };
    has(
        only(&of("devices", "name")?, "device")?,
        &[
            ("source", json!("127.0.0.1:/")),
            ("rsize", json!(131_072)),
            ("fs", json!("nfs4")),
        ],
    )?;
    let copies = of("copy", "src")?;
    let refused: Vec<&Value> = copies
        .iter()
        .copied()
        .filter(|row| row["via"] != "ioctl")
        .collect();
    has(
        only(&refused, "refused copy")?,
        &[
            ("dst", json!(local.name)),
            ("errors.EXDEV", json!(1)),
            ("bytes_copied", json!(0)),
        ],
    )?;
    let pages = sum(of("readahead", "device")?, "pages_submitted")?;
    ensure!(
        pages == FILE_BYTES / 4096,
        "{pages} pages were read ahead: {:?}",
        of("readahead", "device")?
    );
    Ok(())
}
