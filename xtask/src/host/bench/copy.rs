//! What one `copy_file_range` of 4 KiB costs more under each tracer.

use anyhow::Result;

use super::{
    Bench, Found,
    costs::{self, MANY, ONE},
};

pub(super) fn run(bench: &Bench, found: &mut Found) -> Result<()> {
    costs::measure(bench, "copy", "a call", &[ONE, MANY], found)
}
