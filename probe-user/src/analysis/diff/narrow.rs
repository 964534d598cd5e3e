//! One volume only.

use super::Side;
use super::schema::{ConfigRow, DiffRow, Named};
use crate::analysis::volumes::called;
use std::collections::{BTreeMap, BTreeSet};

/// Numbers of the volumes that are called `name` in A or B, and of what they
/// lie on; none if nothing is.
pub(super) fn numbers(
    name: &str,
    names: &BTreeMap<usize, Named>,
    a: &Side,
    b: &Side,
) -> Option<BTreeSet<usize>> {
    let (of_a, of_b) = (called(a.recording, name), called(b.recording, name));
    let is_it = |named: &Named| match named.devs {
        Some((a, b)) => of_a.contains(&a) || of_b.contains(&b),
        None => false,
    };
    let found = names.iter().filter(|(_, named)| is_it(named));
    let found: BTreeSet<usize> = found.map(|(number, _)| *number).collect();
    (!found.is_empty()).then_some(found)
}

/// Leaves only what these volumes have a part in. What is the node's stays.
pub(super) fn keep(
    numbers: &BTreeSet<usize>,
    rows: &mut Vec<DiffRow>,
    config: &mut Vec<ConfigRow>,
) {
    rows.retain(|row| row.volumes.iter().any(|volume| numbers.contains(volume)));
    config.retain(|row| row.volume.is_none_or(|volume| numbers.contains(&volume)));
}
