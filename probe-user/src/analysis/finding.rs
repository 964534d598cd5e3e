//! A finding, and the evidence that it rests on.

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Should be looked at.
    Warning,
    /// Somebody does not have what was asked for.
    Critical,
}

/// What evidence means.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The node; only in a report of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Name of the rule.
    pub rule: &'static str,
    /// Version of the rule.
    pub version: u32,
    /// How bad it is.
    pub severity: Severity,
    /// The volume.
    pub device: Option<String>,
    /// One sentence.
    pub summary: String,
    /// On what it rests.
    pub evidence: Vec<Evidence>,
    /// Rules that also held here and say less.
    pub explains: Vec<&'static str>,
    /// What to do.
    pub advice: Option<String>,
    /// What is not known, and leaves another answer open.
    #[serde(skip)]
    pub doubt: Option<String>,
}

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Evidence {
    /// An entry of the timeline.
    Event {
        /// Its id.
        id: u64,
    },
    /// Something that did not happen.
    Absence {
        /// What did not happen.
        what: String,
        /// Probes that would have seen it.
        probes: Vec<String>,
        /// RFC 3339, UTC.
        from: Option<String>,
        /// RFC 3339, UTC.
        to: Option<String>,
        /// events, state or both.
        basis: &'static str,
    },
    /// A setting or a size.
    Config {
        /// Of what.
        device: Option<String>,
        /// What it is.
        what: String,
    },
    /// A row of a table.
    Series {
        /// Its key, as `probe name=value …`.
        key: String,
    },
}
