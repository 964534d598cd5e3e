//! `volprobe report --json`, and what scenarios ask of it.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::recorder::VOLPROBE;

/// The top-level members that a report must have.
const MEMBERS: &[&str] = &[
    "session",
    "completeness",
    "clock",
    "devices",
    "copy",
    "readahead",
    "top",
    "timeline",
    "findings",
];

/// A report.
#[derive(Debug)]
pub(super) struct Report(pub Value);

impl Report {
    /// Reports on a recording. Its JSON is kept beside it, for the log of a
    /// test that fails.
    pub(super) fn of(file: &Path) -> Result<Self> {
        Self::of_all(std::slice::from_ref(&file))
    }

    /// The same on several, as one.
    pub(super) fn of_all(files: &[impl AsRef<Path>]) -> Result<Self> {
        let output = Command::new(VOLPROBE)
            .args(["report", "--json"])
            .args(files.iter().map(AsRef::as_ref))
            .stdin(Stdio::null())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.success(),
            "volprobe report ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        // For the log of a test that fails; not every place can be written to.
        let beside = files
            .first()
            .map(|file| file.as_ref().with_extension("json"));
        let _ = fs::write(beside.unwrap_or_default(), text.as_bytes());
        let json: Value = serde_json::from_str(&text)
            .with_context(|| format!("the report is not JSON: {text}"))?;
        ensure!(
            json["schema"] == "volprobe.report/1",
            "schema is {}",
            json["schema"]
        );
        for member in MEMBERS {
            ensure!(json.get(member).is_some(), "the report has no {member:?}");
        }
        Ok(Self(json))
    }

    /// The recording must be whole and without loss.
    pub(super) fn complete(&self) -> Result<&Self> {
        let completeness = &self.0["completeness"];
        ensure!(
            completeness["complete"] == true,
            "not complete: {completeness}"
        );
        Ok(self)
    }

    /// As [`Self::complete`], but for runs that the kernel itself skipped.
    pub(super) fn complete_but_for_missed_runs(&self) -> Result<&Self> {
        let missed = self
            .probes()?
            .iter()
            .filter_map(|probe| probe["missed_runs"].as_u64())
            .sum::<u64>();
        if missed > 0 {
            println!("the kernel skipped {missed} runs");
            let completeness = &self.0["completeness"];
            ensure!(
                completeness["truncated"] == false,
                "truncated: {completeness}"
            );
            ensure!(
                completeness["gaps"] == serde_json::json!([]),
                "gaps: {completeness}"
            );
            return Ok(self);
        }
        self.complete()
    }

    /// Copies counted and runs that the kernel skipped must add up to the `done`
    /// ones; returns how many are counted.
    pub(super) fn copies_add_up(&self, done: u64) -> Result<u64> {
        let missed = self.probe("copy")?["missed_runs"].as_u64().unwrap_or(0);
        let counted = sum(self.rows("copy")?, "calls")?;
        ensure!(counted + missed == done, "{counted} + {missed} of {done}");
        Ok(counted)
    }

    /// The rows of an array of the report.
    pub(super) fn rows(&self, member: &str) -> Result<&[Value]> {
        match self.0[member].as_array() {
            Some(rows) => Ok(rows),
            None => bail!("{member:?} is no array: {}", self.0[member]),
        }
    }

    /// The probes of the session.
    pub(super) fn probes(&self) -> Result<&[Value]> {
        let probes = &self.0["session"]["probes"];
        probes
            .as_array()
            .map(Vec::as_slice)
            .with_context(|| format!("no probes: {probes}"))
    }

    /// One probe of the session.
    pub(super) fn probe(&self, name: &str) -> Result<&Value> {
        self.probes()?
            .iter()
            .find(|probe| probe["name"] == name)
            .with_context(|| format!("no probe {name:?} in {}", self.0["session"]["probes"]))
    }

    /// Timeline entries of a kind, in order.
    pub(super) fn events(&self, kind: &str) -> Result<Vec<&Value>> {
        Ok(self
            .rows("timeline")?
            .iter()
            .filter(|event| event["kind"] == kind)
            .collect())
    }

    /// Timeline entries of a kind on a device, in order.
    pub(super) fn events_on(&self, kind: &str, device: &str) -> Result<Vec<&Value>> {
        let mut events = self.events(kind)?;
        events.retain(|event| event["device"] == device);
        Ok(events)
    }

    /// The end of the one process whose argv starts with these words.
    pub(super) fn exit_of(&self, argv: &[&str]) -> Result<&Value> {
        let exits: Vec<&Value> = self
            .events("exec.exit")?
            .into_iter()
            .filter(|event| {
                let words = event["detail"]["argv"]
                    .as_array()
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                words.len() >= argv.len() && argv.iter().zip(words).all(|(a, b)| b == a)
            })
            .collect();
        match exits.as_slice() {
            [exit] => Ok(exit),
            _ => bail!(
                "{} ends of {argv:?} instead of one; all ends: {:?}",
                exits.len(),
                self.events("exec.exit")?
            ),
        }
    }

    /// Whether a finding of this rule is there for the device.
    pub(super) fn has_finding(&self, rule: &str, device: &str) -> Result<bool> {
        Ok(self
            .rows("findings")?
            .iter()
            .any(|finding| finding["rule"] == rule && finding["device"] == device))
    }
}

/// Requires one row, and returns it.
pub(super) fn only<'a>(rows: &[&'a Value], what: &str) -> Result<&'a Value> {
    match rows {
        [row] => Ok(row),
        _ => bail!("{} × {what} instead of one: {rows:?}", rows.len()),
    }
}

/// Requires each member of `expected` in `row`, equal. Members may be paths
/// (`detail.from_bytes`).
pub(super) fn has(row: &Value, expected: &[(&str, Value)]) -> Result<()> {
    let mut wrong = Vec::new();
    for (path, value) in expected {
        let found = path.split('.').fold(row, |at, name| &at[name]);
        if found != value {
            wrong.push(format!("{path} is {found}, not {value}"));
        }
    }
    ensure!(wrong.is_empty(), "{} in {row}", wrong.join("; "));
    Ok(())
}

/// A number of a row.
pub(super) fn number(row: &Value, path: &str) -> Result<u64> {
    let found = path.split('.').fold(row, |at, name| &at[name]);
    found
        .as_u64()
        .with_context(|| format!("{path} is {found}, no number, in {row}"))
}

/// The sum of a member over rows.
pub(super) fn sum<'a>(rows: impl IntoIterator<Item = &'a Value>, path: &str) -> Result<u64> {
    rows.into_iter().map(|row| number(row, path)).sum()
}
