//! Comparing recordings: what became slower, and why.

mod disk;
mod drift;
mod filesystems;
mod network;
mod scene;
mod unpaced;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::guest::recorder::volprobe;

pub use drift::{AFTER, BEFORE, FILE};

pub(super) use disk::{not_the_read_ahead, read_ahead_of_a_disk};
pub(super) use drift::kernels_default;
pub(super) use filesystems::{overlay, xfs};
pub(super) use network::{nfs_to_nfs, slow_copy_on_nfs};
pub(super) use unpaced::unpaced;

/// `volprobe diff --json`, which must succeed.
fn diff(a: &Path, b: &Path) -> Result<Value> {
    diff_within("1.10", a, b)
}

/// The same, where a pace or rate that differs by a smaller factor is the same.
fn diff_within(threshold: &str, a: &Path, b: &Path) -> Result<Value> {
    let (a, b) = (a.to_string_lossy(), b.to_string_lossy());
    let done = volprobe(&["diff", "--json", "--threshold", threshold, &a, &b])?;
    ensure!(done.code == Some(0), "diff ended with {:?}", done.code);
    let json: Value = serde_json::from_str(&done.stdout).context("the diff is not JSON")?;
    ensure!(
        json["schema"] == "volprobe.diff/1",
        "schema {}",
        json["schema"]
    );
    println!("{}", json["summary"]);
    Ok(json)
}

/// Requires that read-ahead of `device` is the cause, in either direction: A had
/// the larger value and was faster.
fn blames(a: &Path, b: &Path, device: &str, kb: [u64; 2]) -> Result<Value> {
    let there = diff(a, b)?;
    is_cause(&there, "regressed", device, kb)?;
    is_cause(&diff(b, a)?, "improved", device, [kb[1], kb[0]])?;
    Ok(there)
}

/// Requires this verdict, and read-ahead of `device` as its cause.
pub fn is_cause(diff: &Value, verdict: &str, device: &str, [a, b]: [u64; 2]) -> Result<()> {
    let cause = json!({"what": "read_ahead_kb", "device": device, "a": a, "b": b});
    ensure!(
        diff["verdict"] == verdict && diff["cause"] == cause,
        "not {verdict} by {cause}: {} {}",
        diff["summary"],
        diff["config"]
    );
    Ok(())
}

/// Requires this verdict, and that nothing is blamed.
fn blames_nothing(diff: &Value, verdict: &str) -> Result<()> {
    ensure!(
        diff["verdict"] == verdict && diff["cause"].is_null(),
        "not {verdict} without a cause: {} {}",
        diff["summary"],
        diff["config"]
    );
    Ok(())
}

/// What is said of the read-ahead that differs: effect, and why.
fn read_ahead(diff: &Value) -> Result<(&str, &str)> {
    let rows = diff["config"].as_array().into_iter().flatten();
    let mut rows = rows.filter(|row| row["what"] == "read_ahead_kb");
    let row = rows.next().context("no difference of read-ahead")?;
    ensure!(rows.next().is_none(), "{}", diff["config"]);
    let text = |name: &str| row[name].as_str().unwrap_or_default();
    Ok((text("effect"), text("why")))
}
