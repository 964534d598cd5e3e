//! One workload on two kernels, compared on the host: the drift of a default.

use std::{path::Path, process::Command, time::Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{
    scenarios::{Kit, left},
    tally::{Tally, Verdict},
};
use crate::guest::scenarios::diff::{AFTER, BEFORE, FILE, is_cause};

/// The name of the test.
const NAME: &str = "vm::drift_between_kernels";

/// The disk that the workload reads.
const DISK: &str = "vdb";

/// Compares what the scenarios of both kernels left. `series` are those that ran.
pub fn check(series: &[&str], kit: &Kit, tally: &Tally) -> Result<()> {
    let (before, after) = (left(BEFORE.0, FILE)?, left(AFTER.0, FILE)?);
    let both_ran = [BEFORE, AFTER].iter().all(|(one, _)| series.contains(one));
    if !both_ran || !before.exists() || !after.exists() {
        let why = format!("takes a recording of {} and one of {}", BEFORE.0, AFTER.0);
        Tally::skip(NAME, &why);
        return Ok(());
    }
    let start = Instant::now();
    let verdict = match compare(&kit.volprobe, &before, &after) {
        Ok(()) => Verdict::Passed,
        Err(error) => Verdict::Failed(format!("{error:#}")),
    };
    tally.add_timed(NAME, verdict, start.elapsed().as_secs_f64());
    Ok(())
}

/// The default that became larger is named as the cause, in either direction, and
/// the kernel as a difference.
fn compare(volprobe: &Path, before: &Path, after: &Path) -> Result<()> {
    let newer = diff(volprobe, before, after)?;
    is_cause(&newer, "improved", DISK, [BEFORE.1, AFTER.1])?;
    let older = diff(volprobe, after, before)?;
    is_cause(&older, "regressed", DISK, [AFTER.1, BEFORE.1])?;
    let rows = newer["config"].as_array().into_iter().flatten();
    let mut kernels = rows.filter(|row| row["what"] == "kernel");
    let kernel = kernels.next().context("the kernels do not differ")?;
    let is_of = |side: &str, series: &str| {
        let release = kernel[side].as_str().unwrap_or_default();
        release.starts_with(&format!("{series}."))
    };
    ensure!(is_of("a", BEFORE.0) && is_of("b", AFTER.0), "{kernel}");
    Ok(())
}

fn diff(volprobe: &Path, a: &Path, b: &Path) -> Result<Value> {
    let output = Command::new(volprobe)
        .args(["diff", "--json"])
        .args([a, b])
        .output()
        .context("cannot start volprobe")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).context("the diff is not JSON")
}
