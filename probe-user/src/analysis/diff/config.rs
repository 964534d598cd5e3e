//! Differences in the configuration.

use super::Side;
use super::schema::{ConfigRow, Effect, Named};
use crate::analysis::reading;
use crate::model::{Devices, Recording};
use crate::node::is_remote;
use crate::sample::Dev;
use crate::sample::inventory::Mount;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Options that differ from one mount to the next and mean nothing.
const MEANINGLESS: &[&str] = &["clientaddr=", "port=", "lowerdir=", "upperdir=", "workdir="];

/// All differences between the recordings; their effect is not yet judged.
pub(super) fn differences(a: &Side, b: &Side, names: &BTreeMap<usize, Named>) -> Vec<ConfigRow> {
    let mut rows = Vec::new();
    let kernel = |side: &Side| text(side.recording.session().map(|s| s.kernel.as_str()));
    rows.extend(row("kernel", None, kernel(a), kernel(b)));
    for (number, named) in names {
        let Some((dev_a, dev_b)) = named.devs else {
            continue;
        };
        let of_a = settings(a.recording, dev_a);
        let of_b = settings(b.recording, dev_b);
        for ((what, value_a), (_, value_b)) in of_a.into_iter().zip(of_b) {
            rows.extend(row(what, Some((*number, named)), value_a, value_b));
        }
        let options = mounts(a, dev_a).zip(mounts(b, dev_b));
        let Some((mount_a, mount_b)) = options else {
            continue;
        };
        for (what, of) in OPTIONS {
            let (value_a, value_b) = apart(of(mount_a), of(mount_b));
            rows.extend(row(what, Some((*number, named)), value_a, value_b));
        }
    }
    rows
}

/// Options of a mount.
type OptionsOf = fn(&Mount) -> &str;

const OPTIONS: [(&str, OptionsOf); 2] = [
    ("mount_options", |mount| &mount.options),
    ("fs_options", |mount| &mount.fs_options),
];

fn row(
    what: &'static str,
    volume: Option<(usize, &Named)>,
    a: Value,
    b: Value,
) -> Option<ConfigRow> {
    // What one side does not know is no difference.
    if a == b || a.is_null() || b.is_null() {
        return None;
    }
    Some(ConfigRow {
        what,
        device: volume.map(|(_, named)| named.name.clone()),
        source: volume.and_then(|(_, named)| named.source.clone()),
        a,
        b,
        effect: Effect::Unknown,
        why: String::new(),
        volume: volume.map(|(number, _)| number),
    })
}

fn settings(recording: &Recording, dev: Dev) -> Vec<(&'static str, Value)> {
    let devices = recording.devices();
    let device = devices.device(dev);
    let mount = devices.main_mount(dev).map(|state| &state.mount);
    // A partition has its disk's.
    let queue = device.filter(|device| device.partition.is_none());
    let scheduler = queue.and_then(|device| device.scheduler.as_deref());
    vec![
        (
            "read_ahead_kb",
            number(reading::configured_kb(devices, dev)),
        ),
        ("rsize", number(mount.and_then(|mount| mount.rsize))),
        ("scheduler", text(scheduler)),
        (
            "max_sectors_kb",
            number(queue.and_then(|d| d.max_sectors_kb)),
        ),
        (
            "rotational",
            queue
                .and_then(|d| d.rotational)
                .map_or(Value::Null, Value::from),
        ),
        ("fs", text(mount.map(|mount| mount.fs.as_str()))),
        ("size_bytes", number(queue.and_then(|d| d.size_bytes))),
    ]
}

fn mounts<'a>(side: &Side<'a>, dev: Dev) -> Option<&'a Mount> {
    let devices = side.recording.devices();
    devices.main_mount(dev).map(|state| &state.mount)
}

/// The options that only one side has.
fn apart(a: &str, b: &str) -> (Value, Value) {
    let (a, b) = (options(a), options(b));
    let only = |of: &BTreeSet<&str>, other: &BTreeSet<&str>| {
        let only: Vec<&str> = of.difference(other).copied().collect();
        Value::from(only.join(","))
    };
    (only(&a, &b), only(&b, &a))
}

fn options(options: &str) -> BTreeSet<&str> {
    let options = options.split(',').filter(|option| !option.is_empty());
    options
        .filter(|option| !MEANINGLESS.iter().any(|what| option.starts_with(what)))
        .collect()
}

/// What a person calls the volume: the server's path where it is on another machine.
pub(super) fn source(devices: &Devices, dev: Dev) -> Option<String> {
    let mount = &devices.main_mount(dev)?.mount;
    (is_remote(&mount.fs) && !mount.source.is_empty()).then(|| mount.source.clone())
}

fn number(number: Option<u64>) -> Value {
    number.map_or(Value::Null, Value::from)
}

fn text(text: Option<&str>) -> Value {
    text.filter(|text| !text.is_empty())
        .map_or(Value::Null, Value::from)
}
