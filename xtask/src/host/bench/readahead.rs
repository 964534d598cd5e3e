//! What one readahead window of 32 pages costs more under each tracer.

use anyhow::Result;

use super::{Bench, Found, costs};

pub(super) fn run(bench: &Bench, found: &mut Found) -> Result<()> {
    costs::measure(bench, "readahead", "a window", found)
}
