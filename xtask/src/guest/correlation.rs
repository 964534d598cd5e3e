//! `volprobe correlate --json`, and what scenarios ask of it.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::recorder::volprobe;

/// What came of joining a recording with what others wrote down.
#[derive(Debug)]
pub(super) struct Correlation(pub Value);

impl Correlation {
    /// Joins a recording with the files of a folder, once for people and once for
    /// programs. The JSON is kept beside the recording.
    pub(super) fn of(recording: &Path, folder: &Path) -> Result<Self> {
        let (file, folder) = (recording.to_string_lossy(), folder.to_string_lossy());
        let words = ["correlate", &file, "--events", &folder];
        let text = volprobe(&words)?;
        ensure!(text.code == Some(0), "correlate: {}", text.stderr);
        let output = std::process::Command::new(super::recorder::VOLPROBE)
            .args(words)
            .arg("--json")
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "correlate --json: {said}");
        fs::write(recording.with_extension("json"), &output.stdout)?;
        let json: Value = serde_json::from_slice(&output.stdout).context("no JSON")?;
        for input in json["inputs"].as_array().context("no inputs")? {
            ensure!(
                input["rejected"] == json!([]),
                "not all was understood: {input}"
            );
        }
        Ok(Self(json))
    }

    /// The row of a claim of the namespace `db`.
    pub(super) fn of_claim(&self, name: &str) -> Result<&Value> {
        let pvc = format!("db/{name}");
        let rows = self.0["correlation"].as_array().context("no rows")?;
        let mut rows = rows.iter().filter(|row| row["pvc"] == pvc);
        let row = rows.next().with_context(|| format!("no row of {pvc}"))?;
        ensure!(rows.next().is_none(), "two rows of {pvc}");
        Ok(row)
    }

    /// The finding that is a claim's verdict.
    pub(super) fn finding(&self, row: &Value) -> Result<&Value> {
        let findings = self.0["findings"].as_array().context("no findings")?;
        let mut findings = findings.iter();
        let is_it = |finding: &&Value| {
            finding["rule"] == row["verdict"]
                && (finding["device"] == row["device"] || finding["device"] == row["disk_id"])
        };
        findings
            .find(is_it)
            .with_context(|| format!("no finding {} of {}", row["verdict"], row["device"]))
    }
}

/// One layer of a row.
pub(super) fn layer<'a>(row: &'a Value, name: &str) -> Result<&'a Value> {
    let layers = row["layers"].as_array().context("no layers")?;
    let mut layers = layers.iter().filter(|layer| layer["layer"] == name);
    layers
        .next()
        .with_context(|| format!("no layer {name} in {row}"))
}

/// What a row's layer or a finding says did not happen.
pub(super) fn absences(of: &Value) -> Vec<&Value> {
    let evidence = of["evidence"].as_array().into_iter().flatten();
    evidence
        .filter(|evidence| evidence["kind"] == "absence")
        .collect()
}
