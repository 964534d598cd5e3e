//! What one readahead window of 32 pages costs more under each tracer.

use anyhow::Result;

use super::{Bench, costs};

pub(super) fn run(bench: &Bench) -> Result<String> {
    costs::sections(bench, "readahead", "a window")
}
