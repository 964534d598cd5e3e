//! What one `copy_file_range` of 4 KiB costs more under each tracer.

use anyhow::Result;

use super::{Bench, costs};

pub(super) fn run(bench: &Bench) -> Result<String> {
    costs::sections(bench, "copy", "a call")
}
