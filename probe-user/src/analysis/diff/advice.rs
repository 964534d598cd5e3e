//! What to do about a cause.

use super::Side;
use super::schema::{ConfigRow, Named};
use crate::analysis::reading::set_command;
use std::collections::BTreeMap;

/// How to take a difference back, and how to see that this helps.
pub(super) fn advice(
    cause: &ConfigRow,
    names: &BTreeMap<usize, Named>,
    b: &Side,
) -> Option<String> {
    let (_, dev) = names.get(&cause.volume?)?.devs?;
    let more = cause.a.as_u64()?.max(cause.b.as_u64()?);
    Some(format!(
        "{}, open the files anew, record, diff again",
        set_command(b.recording.devices(), dev, more)
    ))
}
