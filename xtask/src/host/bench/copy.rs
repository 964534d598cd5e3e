//! What one `copy_file_range` of 4 KiB costs more under each tracer.

use anyhow::Result;

use super::{Bench, rig::Rig, table::table};
use crate::{guest::bench::Cost, host::build};

pub(super) fn run(bench: &Bench) -> Result<String> {
    let mut sections = Vec::new();
    for series in &bench.kernels {
        let mut rig = Rig::boot(series, 1, build::VM_PROFILE)?;
        let costs: Vec<Cost> = rig.measure(&["copy", "1"])?;
        sections.push(format!("### Linux {}\n\n{}", rig.release(), rows(&costs)));
    }
    Ok(sections.join("\n"))
}

/// A row a tracer, beside its share of what the usual tools cost.
fn rows(costs: &[Cost]) -> String {
    let share = |cost: &Cost, of: &str| {
        let other = costs.iter().find(|cost| cost.tracer == of);
        match other {
            Some(other) if other.added > 0 && cost.added > 0 => {
                format!("{:.2}", cost.added as f64 / other.added as f64)
            }
            _ => "–".to_owned(),
        }
    };
    let rows: Vec<_> = costs
        .iter()
        .map(|cost| {
            vec![
                cost.tracer.clone(),
                cost.instructions.to_string(),
                cost.added.to_string(),
                share(cost, "funclatency"),
                share(cost, "bpftrace kprobe"),
            ]
        })
        .collect();
    table(
        &[
            "attached",
            "instructions of a call",
            "added",
            "× funclatency",
            "× bpftrace kprobe",
        ],
        &rows,
    )
}
