//! The second way of every probe: a kernel without BTF of its own, whose hooks
//! are kprobes and tracepoints. Its types come from a file.

use anyhow::{Result, ensure};

use super::{capacity, copy, exec, filters, mounts, readahead, resize};
use crate::guest::{recorder::volprobe, report::Report, stage::Stage};

/// Without a file there is no way at all, and that is said.
pub(super) fn no_btf(stage: &mut Stage) -> Result<()> {
    stage.hide_btf()?;
    let done = volprobe(&["record", "-o", "none.vprec"])?;
    super::privileges::refusal(&done, &["offers no BTF", "--btf"])?;
    let done = volprobe(&["doctor"])?;
    ensure!(done.code == Some(3), "doctor exits with {:?}", done.code);
    ensure!(done.stdout.contains("BTF"), "doctor says {:?}", done.stdout);
    Ok(())
}

macro_rules! by_name {
    ($($name:ident: $play:path;)+) => {
        $(
            pub(super) fn $name(stage: &mut Stage) -> Result<()> {
                play(stage, $play)
            }
        )+
    };
}

by_name! {
    copies: copy::counts_by_name;
    copies_refused_in_the_entry: copy::refused_in_the_entry;
    reads: readahead::cp_on_ext4;
    kinds: readahead::kinds;
    writers: readahead::writers;
    grows: resize::ext4_grows_twice;
    nothing_to_do: resize::nothing_to_do;
    partition: capacity::mounted_partition;
    partition_table: capacity::unmounted_partition;
    partition_calls: capacity::partition_calls;
    mapping: capacity::device_mapper;
    tools: exec::tools;
    mounting: mounts::come_and_go;
    tree: filters::tree;
}

/// Plays a scenario on hooks by name, and makes sure that it did.
fn play(stage: &mut Stage, scenario: fn(&mut Stage) -> Result<()>) -> Result<()> {
    stage.hide_btf()?;
    scenario(stage)?;
    let report = Report::of(&stage.dir.join("recording.vprec"))?;
    for probe in report.probes()? {
        ensure!(
            ["attached", "off"]
                .iter()
                .any(|state| probe["state"] == *state),
            "{probe}"
        );
        for hook in probe["hooks"].as_array().into_iter().flatten() {
            let how = hook["how"].as_str().unwrap_or_default();
            ensure!(
                ["kprobe", "tracepoint", "poll", "uevent"].contains(&how),
                "a hook by BTF without BTF: {hook}"
            );
        }
    }
    Ok(())
}
