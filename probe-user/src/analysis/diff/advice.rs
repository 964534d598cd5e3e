//! What to do about a cause.

use super::Side;
use super::schema::{ConfigRow, Named};
use crate::sample::Dev;
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
        set_read_ahead(b, dev, more)
    ))
}

/// The command that sets read-ahead: of a disk by its queue, of a mount that
/// lies on no disk by its backing device.
fn set_read_ahead(side: &Side, dev: Dev, kb: u64) -> String {
    match side.recording.devices().device(dev) {
        Some(device) if !device.name.is_empty() => {
            format!("echo {kb} > /sys/block/{}/queue/read_ahead_kb", device.name)
        }
        _ => format!("echo {kb} > /sys/class/bdi/{dev}/read_ahead_kb"),
    }
}
