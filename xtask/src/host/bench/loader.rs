//! What volprobe itself costs, beside bpftrace with one probe.

use anyhow::Result;

use super::{Bench, Found, rig::Rig, table::table};
use crate::guest::bench::Loader;

/// Maps grow no further on a machine with more processors.
const MANY_CPUS: u32 = 128;
pub(super) fn run(bench: &Bench, found: &mut Found) -> Result<()> {
    for series in &bench.kernels {
        let mut rig = Rig::boot(series, 1)?;
        let loader: Loader = rig.measure(&["loader"])?;
        found(&format!("### Linux {}\n\n{}", rig.release(), rows(&loader)))?;
    }
    if let Some(series) = bench.kernels.first() {
        let mut rig = Rig::boot_with(series, 1, MANY_CPUS)?;
        let loader: Loader = rig.measure(&["loader"])?;
        found(&format!(
            "### Linux {}, {MANY_CPUS} processors possible\n\nProcessors {}: {} of maps, {} resident, {} at most.\n",
            rig.release(),
            loader.possible_cpus,
            mib(loader.maps),
            mib(loader.idle.rss_kib << 10),
            mib(loader.idle.peak_kib << 10),
        ))?;
    }
    Ok(())
}

fn rows(loader: &Loader) -> String {
    let row =
        |what: &str, volprobe: String, bpftrace: String| vec![what.to_owned(), volprobe, bpftrace];
    let million = |count: u64| (count / 1_000_000).to_string();
    let (own, other) = (&loader.idle, &loader.bpftrace_idle);
    let rows = [
        row(
            "from its start until all is attached, million instructions",
            million(loader.start),
            million(loader.bpftrace_start),
        ),
        row(
            "resident memory",
            mib(own.rss_kib << 10),
            mib(other.rss_kib << 10),
        ),
        row(
            "at most",
            mib(own.peak_kib << 10),
            mib(other.peak_kib << 10),
        ),
        row(
            "wake-ups a minute while nothing happens",
            own.wakeups.to_string(),
            other.wakeups.to_string(),
        ),
        row(
            "bytes a minute recorded while nothing happens",
            loader.recorded.to_string(),
            "–".to_owned(),
        ),
        row("memory of the maps", mib(loader.maps), "–".to_owned()),
    ];
    table(&["", "volprobe, all probes", "bpftrace, one kprobe"], &rows)
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
