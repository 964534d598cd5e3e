//! What each tracer adds to an operation, by one thread and by many on several
//! processors, as tables.

use anyhow::Result;

use super::{Bench, Found, rig::Rig, table::table};
use crate::guest::bench::Cost;

/// Who does the work: threads, and the processors that they have.
#[derive(Clone, Copy)]
pub(super) struct Workers {
    pub cpus: u32,
    pub threads: u32,
}

/// One thread, on a processor of its own.
pub(super) const ONE: Workers = Workers {
    cpus: 1,
    threads: 1,
};
/// More threads than processors.
pub(super) const MANY: Workers = Workers {
    cpus: 4,
    threads: 8,
};

/// A part for each kernel and these workers, of a workload that the guest program
/// knows by name.
pub(super) fn measure(
    bench: &Bench,
    workload: &str,
    operation: &str,
    workers: &[Workers],
    found: &mut Found,
) -> Result<()> {
    for series in &bench.kernels {
        for &Workers { cpus, threads } in workers {
            let mut rig = Rig::boot(series, cpus)?;
            let costs: Vec<Cost> = rig.measure(&[workload, &threads.to_string()])?;
            let by = match threads {
                1 => "one thread".to_owned(),
                _ => format!("{threads} threads on {cpus} processors"),
            };
            found(&format!(
                "### Linux {}, {by}\n\n{}",
                rig.release(),
                rows(operation, &costs)
            ))?;
        }
    }
    Ok(())
}

/// A row a tracer, beside its share of what the usual tools cost.
fn rows(operation: &str, costs: &[Cost]) -> String {
    let plain = costs.first().and_then(|cost| cost.instructions);
    let added = |cost: &Cost| Some(cost.instructions? as i64 - plain? as i64);
    let share = |cost: &Cost, of: &str| {
        let other = costs
            .iter()
            .find(|cost| cost.tracer == of)
            .and_then(added)?;
        let own = added(cost)?;
        (own > 0 && other > 0).then(|| format!("{:.2}", own as f64 / other as f64))
    };
    let dash = || "–".to_owned();
    let rows: Vec<_> = costs
        .iter()
        .map(|cost| {
            let instructions = cost.instructions.map(|count| count.to_string());
            vec![
                cost.tracer.clone(),
                instructions.unwrap_or_else(|| "not on this kernel".to_owned()),
                added(cost).map_or_else(dash, |count| count.to_string()),
                share(cost, "funclatency").unwrap_or_else(dash),
                share(cost, "bpftrace kprobe").unwrap_or_else(dash),
            ]
        })
        .collect();
    table(
        &[
            "attached",
            &format!("instructions of {operation}"),
            "added",
            "× funclatency",
            "× bpftrace kprobe",
        ],
        &rows,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_what_is_added() {
        let cost = |tracer: &str, instructions| Cost {
            tracer: tracer.to_owned(),
            instructions,
        };
        let text = rows(
            "a call",
            &[
                cost("nothing", Some(1000)),
                cost("volprobe", Some(1400)),
                cost("funclatency", Some(1500)),
                cost("other", None),
            ],
        );
        assert!(
            text.contains("| other | not on this kernel | – | – | – |"),
            "{text}"
        );
        assert!(text.contains("| nothing | 1000 | 0 | – | – |"), "{text}");
        assert!(
            text.contains("| volprobe | 1400 | 400 | 0.80 | – |"),
            "{text}"
        );
    }
}
