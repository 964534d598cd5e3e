//! What one readahead window of 32 pages costs more under each tracer. By one
//! thread: of several, finding and clearing 32 pages differs by more from one round
//! to the next than any tracer adds.

use anyhow::Result;

use super::{
    Bench, Found,
    costs::{self, ONE},
};

pub(super) fn run(bench: &Bench, found: &mut Found) -> Result<()> {
    costs::measure(bench, "readahead", "a window", &[ONE], found)
}
