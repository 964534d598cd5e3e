//! What one readahead window of 32 pages costs more under each tracer.

use anyhow::Result;

use super::{Bench, costs::rows, rig::Rig};
use crate::{guest::bench::Cost, host::build};

pub(super) fn run(bench: &Bench) -> Result<String> {
    let mut sections = Vec::new();
    for series in &bench.kernels {
        let mut rig = Rig::boot(series, 1, build::VM_PROFILE)?;
        let costs: Vec<Cost> = rig.measure(&["readahead"])?;
        sections.push(format!(
            "### Linux {}\n\n{}",
            rig.release(),
            rows("a window", &costs)
        ));
    }
    Ok(sections.join("\n"))
}
