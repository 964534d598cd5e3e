//! What is a short copy, and what only looks like one.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::guest::{
    recorder::Recording,
    report::{has, only, sum},
    stage::Stage,
    tool,
};

const GIB: u64 = 1 << 30;
const FILES: u64 = 20;

/// `cp` asks for far more than a file has, gets all of it, and asks once more: as
/// often as there are files, a call copies less than asked, and none is cut short;
/// on an overlay, where the two calls are counted on different devices, as well.
pub(super) fn cp_of_many_files(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    let base = at.display();
    tool::shell(&format!(
        "cd {base}; mkdir lower upper work to /mnt/merged; \
         for i in $(seq {FILES}); do echo content > lower/$i; done; \
         mount -t overlay overlay \
         -o lowerdir={base}/lower,upperdir={base}/upper,workdir={base}/work /mnt/merged; \
         mkdir /mnt/merged/to"
    ))?;
    let recording = Recording::start(stage, &[])?;
    tool::shell(&format!("cp {base}/lower/* {base}/to"))?;
    tool::shell("cp /mnt/merged/[0-9]* /mnt/merged/to")?;
    let report = recording.stop()?;
    report.complete()?;
    let copied: Vec<&Value> = report
        .rows("copy")?
        .iter()
        .filter(|row| row["route"] == "splice" && row["src"] == disk.name)
        .collect();
    for via in [json!(null), json!("overlay")] {
        let of_via = |row: &&&Value| (row["via"] == "overlay") == (via == "overlay");
        let rows: Vec<&Value> = copied.iter().filter(of_via).copied().collect();
        has(
            only(&rows, "kind of copies")?,
            &[
                ("calls", json!(FILES)),
                ("short_copies", json!(FILES)),
                ("ended_early", json!(0)),
            ],
        )?;
    }
    ensure!(
        sum(copied.iter().copied(), "bytes_copied")? == 2 * FILES * 8,
        "{copied:?}"
    );
    let cut_short = report.rows("findings")?.iter();
    let mut cut_short = cut_short.filter(|finding| finding["rule"] == "copy/short-copies");
    ensure!(cut_short.next().is_none(), "{}", report.0["findings"]);
    Ok(())
}
