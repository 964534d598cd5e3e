//! What others wrote down about the volumes: cloud audit trails, Kubernetes
//! objects, audit and events, and component logs.
//!
//! ```text
//! paths ─► input (folders, stdin, gzip) ─┬─► json ─► a source by record ─┬─► Intake
//!                                        └─► text ─► a source by line ───┘
//! ```
//!
//! A source recognises its records by their content and turns them into
//! [`External`] events and [`Objects`](objects::Objects). Adding one is a
//! file here and one line in [`JSON_SOURCES`].

pub mod external;
pub mod input;
pub mod objects;
pub mod quantity;
pub mod time;

mod actiontrail;
mod azure_activity;
mod cloudtrail;
mod ebs_modifications;
mod gcp_audit;
mod generic;
mod intake;
mod json;
mod k8s_audit;
mod k8s_objects;
mod log;
mod meter;

pub use external::{ApiState, Detail, External, Interval};
pub use input::{InputError, InputReport, Options, read};
pub use intake::Intake;

use serde_json::Value;

/// A source whose records are JSON objects.
pub struct JsonSource {
    /// Name of the format, as reported in `inputs[].format`.
    pub name: &'static str,
    /// When a record of any kind is from: the first to the last of them is what
    /// the input covers. None where absence says nothing.
    pub time: fn(&Value) -> Option<Interval>,
    /// Whether this record is of this format.
    pub recognises: fn(&Value) -> bool,
    /// Takes what the record says. The error is the reason for `rejected`.
    pub parse: fn(&Value, &mut Intake) -> Result<(), String>,
}

/// Every JSON source, the most particular first.
pub const JSON_SOURCES: &[JsonSource] = &[
    actiontrail::SOURCE,
    cloudtrail::SOURCE,
    ebs_modifications::SOURCE,
    gcp_audit::SOURCE,
    azure_activity::SOURCE,
    k8s_audit::SOURCE,
    k8s_objects::SOURCE,
    generic::SOURCE,
    log::SOURCE,
];

/// Names of all formats, for messages.
pub fn format_names() -> Vec<&'static str> {
    let mut names: Vec<&str> = JSON_SOURCES.iter().map(|source| source.name).collect();
    names.extend([generic::CSV]);
    names.extend(
        log::FORMATS
            .iter()
            .filter(|name| **name != log::SOURCE.name),
    );
    names
}
