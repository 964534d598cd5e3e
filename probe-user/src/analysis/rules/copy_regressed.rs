//! Copies that became slower from one recording to the next.

use super::{Check, Evidence, Finding, Rule, Said, Severity, finding};
use crate::analysis::diff::DiffRow;

pub(super) const RULE: Rule = Rule {
    name: "copy/regressed",
    version: 1,
    severity: Severity::Warning,
    headline: "COPIES SLOWER",
    explains: &[],
    looks_for: "The copies between two volumes take longer for a MiB than in an earlier recording, or on \
                another node, by more than the threshold.",
    rests_on: "volprobe diff A B: the time in the calls over the bytes copied, by flush interval; the lower \
               bound of the 95 % interval of its ratio is above the threshold.",
    confirm: "volprobe diff A B tells which difference in the configuration is shown to be the cause. Record \
              each side once more: the verdict should be the same.",
    advice: "Take the cause back if one is shown. If none is, look at what the two sides do not share: the \
             kernel, the disk's own limits, its neighbours.",
    silent: None,
    check: Check::Comparison,
};

/// What a diff says of a row that became slower.
pub(in crate::analysis) fn copy_regressed(row: &DiffRow, advice: Option<&str>) -> Finding {
    let name = |key| row.name(key).unwrap_or("–");
    let factor = |factor: Option<f64>| factor.map_or_else(|| "–".to_owned(), |f| format!("{f:.2}"));
    let pace = row.pace();
    let said = Said {
        device: row.name("src").map(str::to_owned),
        summary: format!(
            "copies from {} to {} take {} times as long as before ({} .. {}).",
            name("src"),
            name("dst"),
            factor(pace.ratio),
            factor(pace.low),
            factor(pace.high)
        ),
        evidence: vec![Evidence::Series {
            key: format!(
                "copy src={} dst={} route={} via={}",
                name("src"),
                name("dst"),
                name("route"),
                name("via")
            ),
        }],
        advice: advice.map(str::to_owned),
        ..Said::default()
    };
    finding(&RULE, said, Vec::new())
}
