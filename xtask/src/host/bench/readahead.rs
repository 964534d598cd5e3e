//! What one readahead window of four pages costs more under each tracer.

use anyhow::Result;

use super::{
    Bench, Found,
    costs::{self, MANY, ONE},
};

pub(super) fn run(bench: &Bench, found: &mut Found) -> Result<()> {
    costs::measure(bench, "readahead", "a window", &[ONE, MANY], found)
}
