//! What volprobe itself costs, beside bpftrace with one probe.

use anyhow::{Result, ensure};

use super::{Bench, Found, rig::Rig, table::table};
use crate::guest::bench::Loader;

/// Maps grow no further on a machine with more processors.
const MANY_CPUS: u32 = 128;
/// A kernel that counts processors as possible which the machine could be given;
/// 6.12 does so only where a newer firmware offers them.
const WITH_MANY: &str = "5.10";

pub(super) fn run(bench: &Bench, found: &mut Found) -> Result<()> {
    for series in &bench.kernels {
        let mut rig = Rig::boot(series, 1)?;
        let loader: Loader = rig.measure(&["loader"])?;
        found(&format!(
            "### Linux {}\n\n{}\n{}",
            rig.release(),
            rows(&loader),
            parts(&loader)
        ))?;
    }
    if bench.kernels.iter().any(|series| series == WITH_MANY) {
        let mut rig = Rig::boot_with(WITH_MANY, 1, MANY_CPUS)?;
        let loader: Loader = rig.measure(&["loader"])?;
        let possible = format!("0-{}", MANY_CPUS - 1);
        ensure!(
            loader.possible_cpus == possible,
            "processors {} are possible, not {possible}",
            loader.possible_cpus
        );
        found(&format!(
            "### Linux {}, {MANY_CPUS} processors possible\n\n{} of maps, {} resident, {} at most.\n",
            rig.release(),
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
    let (own, other) = (&loader.idle, &loader.bpftrace_idle);
    let rows = [
        row(
            "from its start until all is attached, million instructions",
            million(loader.start),
            million(loader.bpftrace_start),
        ),
        row(
            "the same with its probe of copies alone",
            million(loader.copy_start),
            "–".to_owned(),
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

/// What the start consists of; what is in no system call is volprobe's own.
fn parts(loader: &Loader) -> String {
    let startup = &loader.startup;
    let calls = startup.verify + startup.attach + startup.maps + startup.read + startup.other;
    let rows = [
        (
            format!("the kernel verifies {} programs", startup.programs),
            startup.verify,
        ),
        ("the kernel attaches them".to_owned(), startup.attach),
        ("the kernel makes the maps".to_owned(), startup.maps),
        (
            "the kernel lists its functions and types".to_owned(),
            startup.read,
        ),
        ("other system calls".to_owned(), startup.other),
        (
            "volprobe itself".to_owned(),
            loader.start.saturating_sub(calls),
        ),
    ];
    let rows = rows.map(|(what, count)| vec![what, million(count)]);
    table(&["of volprobe's start", "million instructions"], &rows)
}

fn million(count: u64) -> String {
    (count / 1_000_000).to_string()
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
