//! Rules: what evidence means.

use super::report::Finding;
use crate::model::Recording;

/// What holds for a recording, most important first.
pub fn findings(_recording: &Recording) -> Vec<Finding> {
    Vec::new()
}

/// A rule's verdict in two or three words, for headings.
pub fn headline(_rule: &str) -> &'static str {
    "FINDING"
}
