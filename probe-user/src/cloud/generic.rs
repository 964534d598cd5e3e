//! The generic form, for everything that has no source of its own: JSON lines
//! or CSV with these members or columns.
//!
//! | name | what |
//! |---|---|
//! | `time` | RFC 3339, or seconds, ms, µs or ns since 1970; required |
//! | `action` | name of the call; required. One that neither has a new size nor is named like a resize is passed over |
//! | `disk_id` | id of the disk |
//! | `new_size`, `old_size` | in `unit` (GiB without one) |
//! | `new_size_bytes`, `old_size_bytes` | in bytes |
//! | `state` | `requested`, `accepted`, `completed`, `failed`; without one, `accepted`, or `failed` where `error` is set |
//! | `actor`, `request_id`, `error` | as far as known |
//!
//! Other members are ignored.

use super::external::{ApiResize, ApiState, Detail, Interval};
use super::meter::Metered;
use super::{Intake, JsonSource, json, quantity, time};
use serde_json::Value;
use std::io::BufRead;

pub(super) const SOURCE: JsonSource = JsonSource {
    name: "generic-json",
    // As each is taken: its time may be a number.
    time: |_| None,
    recognises,
    parse,
};

/// Name of the CSV form.
pub(super) const CSV: &str = "generic-csv";

fn recognises(record: &Value) -> bool {
    ["time", "action"]
        .iter()
        .all(|name| record.get(name).is_some())
}

fn parse(record: &Value, intake: &mut Intake) -> Result<(), String> {
    take(
        SOURCE.name,
        &|name| json::text(record, &format!("/{name}")),
        intake,
    )
}

/// Whether a file that begins so is the CSV form.
pub(super) fn is_csv(head: &str) -> bool {
    let header = head
        .lines()
        .next()
        .unwrap_or_default()
        .trim_start_matches('\u{feff}');
    let columns: Vec<&str> = header
        .split(',')
        .map(|name| name.trim().trim_matches('"'))
        .collect();
    ["time", "action"].iter().all(|name| columns.contains(name))
}

/// Reads the CSV form; calls `done` for each record with its line.
pub(super) fn each_csv(
    reader: impl BufRead,
    intake: &mut Intake,
    mut done: impl FnMut(u64, Result<(), String>),
) {
    let (reader, meter) = Metered::new(reader);
    let mut table = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(reader);
    let header = match table.headers() {
        Ok(header) => header.clone(),
        Err(error) => return done(1, Err(error.to_string())),
    };
    for row in table.records() {
        meter.begin();
        match row {
            Ok(row) => {
                let line = row.position().map_or(0, csv::Position::line);
                let column = |name: &str| {
                    let index = header
                        .iter()
                        .position(|column| column.trim_start_matches('\u{feff}') == name)?;
                    row.get(index)
                        .filter(|text| !text.is_empty())
                        .map(str::to_owned)
                };
                intake.at_line(line);
                done(line, take(CSV, &column, intake));
            }
            Err(error) => {
                let line = error.position().map_or(meter.line(), csv::Position::line);
                if error.is_io_error() {
                    return done(line, Err(format!("the rest cannot be read: {error}")));
                }
                done(line, Err(error.to_string()));
            }
        }
    }
}

fn take(
    source: &'static str,
    member: &dyn Fn(&str) -> Option<String>,
    intake: &mut Intake,
) -> Result<(), String> {
    let at = member("time").ok_or("no time")?;
    let at = when(&at).ok_or_else(|| format!("time '{at}' is not a time"))?;
    let action = member("action").ok_or("no action")?;
    let unit = member("unit").unwrap_or_else(|| "GiB".to_owned());
    let size = |name: &str| match (member(&format!("{name}_bytes")), member(name)) {
        (Some(bytes), _) => whole(&bytes).map(Some),
        (None, Some(number)) => in_unit(&number, &unit).map(Some),
        (None, None) => Ok(None),
    };
    let error = member("error");
    let state = match member("state").as_deref() {
        Some("requested") => ApiState::Requested,
        Some("accepted") => ApiState::Accepted,
        Some("completed") => ApiState::Completed,
        Some("failed") => ApiState::Failed,
        Some(other) => return Err(format!("unknown state '{other}'")),
        None if error.is_some() => ApiState::Failed,
        None => ApiState::Accepted,
    };
    intake.saw(source, at);
    if size("new_size")?.is_none() && !is_resize(&action) {
        return Ok(());
    }
    let request_id = member("request_id");
    let id = request_id.as_ref().map(|id| format!("{id}/{state:?}"));
    let detail = Detail::ApiResize(ApiResize {
        action,
        disk_id: member("disk_id"),
        from_bytes: size("old_size")?,
        to_bytes: size("new_size")?,
        state,
        error,
        request_id,
        actor: member("actor"),
        offline: false,
    });
    intake.event(source, at, id.as_deref(), detail)
}

/// Whether a call without a size may be one that resizes, by its name.
fn is_resize(action: &str) -> bool {
    let action = action.to_lowercase();
    ["resiz", "modify", "expand", "extend", "grow", "disks/write"]
        .iter()
        .any(|part| action.contains(part))
}

fn when(text: &str) -> Option<Interval> {
    match text.trim().parse::<f64>() {
        Ok(number) => time::epoch(number, !text.contains('.')),
        Err(_) => time::rfc3339(text),
    }
}

fn whole(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("'{text}' is not a number of bytes"))
}

fn in_unit(number: &str, unit: &str) -> Result<u64, String> {
    // `GiB` and `GB`, as people write; Kubernetes' suffixes are `Gi` and `G`.
    let suffix = unit.trim_end_matches(['B', 'b']);
    quantity::bytes(&format!("{}{suffix}", number.trim()))
        .ok_or_else(|| format!("'{number}' {unit} is not a size"))
}
