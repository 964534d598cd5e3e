//! What one `copy_file_range` of 4 KiB costs more under each tracer: by one
//! thread, and by many on several processors.

use anyhow::Result;

use super::{Bench, costs::rows, rig::Rig};
use crate::{guest::bench::Cost, host::build};

/// Processors and threads of the second measurement.
const CPUS: u32 = 4;
const THREADS: &str = "8";

pub(super) fn run(bench: &Bench) -> Result<String> {
    let mut sections = Vec::new();
    for series in &bench.kernels {
        let mut rig = Rig::boot(series, 1, build::VM_PROFILE)?;
        let costs: Vec<Cost> = rig.measure(&["copy", "1"])?;
        sections.push(format!(
            "### Linux {}, one thread\n\n{}",
            rig.release(),
            rows("a call", &costs)
        ));
        let mut rig = Rig::boot(series, CPUS, build::VM_PROFILE)?;
        let costs: Vec<Cost> = rig.measure(&["copy", THREADS])?;
        sections.push(format!(
            "### Linux {}, {THREADS} threads on {CPUS} processors\n\n{}",
            rig.release(),
            rows("a call", &costs)
        ));
    }
    Ok(sections.join("\n"))
}
