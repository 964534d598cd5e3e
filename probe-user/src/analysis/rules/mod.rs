//! Rules: what evidence means.

use super::report::Finding;
use crate::model::Recording;

/// What holds for a recording, most important first.
pub fn findings(_recording: &Recording) -> Vec<Finding> {
    Vec::new()
}

/// A rule's verdict in two or three words, for headings.
pub fn headline(rule: &str) -> &'static str {
    match rule {
        "resize/fs-not-grown" => "DID NOT GROW",
        "resize/partition-not-grown" => "PARTITION DID NOT GROW",
        "resize/mapping-not-grown" => "MAPPING DID NOT GROW",
        _ => "FINDING",
    }
}
