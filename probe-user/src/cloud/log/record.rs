//! Log lines that are JSON: klog's own (`--logging-format=json`), zap, slog and
//! logrus, and `journalctl -o json`.

use super::line::{self, Line, component_of, who};
use super::stamp::Stamp;
use crate::cloud::json::text;
use crate::cloud::{Intake, Interval, JsonSource, time};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write as _;

/// Such records in an array or over several lines (`json-pretty`).
pub(in crate::cloud) const SOURCE: JsonSource = JsonSource {
    name: "json-log",
    time: |_| None,
    recognises: |record| of(record).is_some(),
    parse: take,
};

fn take(record: &Value, intake: &mut Intake) -> Result<(), String> {
    let Some(line) = of(record) else {
        return Ok(());
    };
    super::take_placed(line, intake)
}

/// A line that is a record.
pub(super) fn parse(text: &str) -> Option<Line<'static>> {
    if !text.starts_with('{') {
        return None;
    }
    of(&serde_json::from_str(text).ok()?)
}

fn of(record: &Value) -> Option<Line<'static>> {
    journal(record).or_else(|| structured(record))
}

/// `{"__REALTIME_TIMESTAMP":"1773213297963218","MESSAGE":"…",…}`; µs (systemd's
/// "Journal JSON Format"). Text that is not UTF-8 is an array of its bytes.
fn journal(record: &Value) -> Option<Line<'static>> {
    let sent = text(record, "/_SOURCE_REALTIME_TIMESTAMP");
    let received = text(record, "/__REALTIME_TIMESTAMP")?;
    let us: i64 = sent.unwrap_or(received).parse().ok()?;
    let at = Interval::truncated(us.checked_mul(1000)?, 1000);
    let message = match record.get("MESSAGE")? {
        Value::String(message) => message.clone(),
        Value::Array(bytes) => {
            let bytes = bytes
                .iter()
                .filter_map(|byte| u8::try_from(byte.as_u64()?).ok());
            String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
        }
        _ => return None,
    };
    let is_kernel = text(record, "/_TRANSPORT").as_deref() == Some("kernel");
    let component = if is_kernel {
        Some("kernel".to_owned())
    } else {
        text(record, "/SYSLOG_IDENTIFIER").or_else(|| text(record, "/_COMM"))
    };
    let outer = Line {
        format: "journal",
        stamp: Stamp::Full(at),
        component: component.map(Cow::Owned),
        message: message.trim_end().to_owned().into(),
    };
    // What a component wrote may be a line of its own format.
    let inner = line::is_plain(&outer.message).then(|| line::parse(&outer.message));
    match inner.flatten() {
        Some(inner) => Some(Line {
            stamp: inner.stamp.placed_by(at),
            component: who(outer.component.as_deref(), inner.component.as_deref()).map(Cow::Owned),
            ..inner.into_owned()
        }),
        None => Some(outer),
    }
}

/// `{"ts":1773213297963.218,"caller":"…","msg":"…","v":4,…}` (klog, ms; zap, s),
/// `{"time":"2026-03-11T07:14:57Z","level":"info","msg":"…"}` (logrus, slog).
/// What else it holds follows the message as klog writes it in text.
fn structured(record: &Value) -> Option<Line<'static>> {
    let members = record.as_object()?;
    let first = |names: &[&'static str]| {
        let mut names = names.iter();
        names.find_map(|&name| Some((name, members.get(name)?)))
    };
    let (time_name, at) = first(&["ts", "time", "timestamp", "@timestamp"])?;
    let (message_name, message) = first(&["msg", "message"])?;
    let place = first(&["caller", "logger"]);
    // What has a name for what was done is an event of a trail.
    let is_event = ["action", "operationName", "eventName"];
    if time_name != "ts" && is_event.iter().any(|name| members.contains_key(*name)) {
        return None;
    }
    let at = match at {
        Value::String(at) => time::iso(at)?,
        Value::Number(at) => time::epoch(at.as_f64()?, at.is_i64())?,
        _ => return None,
    };
    let message = message.as_str()?;
    let place_name = place.map_or("", |(name, _)| name);
    let told = [time_name, message_name, place_name, "v", "level"];
    let others = members
        .iter()
        .filter(|(name, _)| !told.contains(&name.as_str()));
    Some(Line {
        format: "json-log",
        stamp: Stamp::Full(at),
        component: place
            .and_then(|(_, place)| Some(component_of(place.as_str()?, message).to_owned().into())),
        message: with_members(message.trim_end(), others).into(),
    })
}

fn with_members<'a>(
    message: &str,
    members: impl Iterator<Item = (&'a String, &'a Value)>,
) -> String {
    let mut text = String::new();
    for (name, value) in members {
        let object = |member| value.get(member).and_then(Value::as_str);
        let value = match (object("namespace"), object("name")) {
            // A reference to an object of Kubernetes.
            (Some(namespace), Some(name)) => format!("\"{namespace}/{name}\""),
            (None, Some(name)) => format!("\"{name}\""),
            _ => value.to_string(),
        };
        // Writing to a string does not fail.
        let _ = write!(text, " {name}={value}");
    }
    if text.is_empty() {
        return message.to_owned();
    }
    format!("\"{message}\"{text}")
}
