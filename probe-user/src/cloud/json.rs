//! JSON inputs, read as a stream: lines of objects, one document, or several;
//! an array at the top, or in an envelope (`{"Records": […]}`), is never held
//! whole.

use super::external::Interval;
use super::meter::{self, MAX_RECORD, Meter, Metered};
use super::time::rfc3339;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;
use std::io::BufRead;

/// Members that hold the records of an envelope: CloudTrail and Azure's
/// diagnostic settings, `LookupEvents`, Kubernetes lists, Azure's REST API,
/// AWS `describe-volumes-modifications`, GCP `entries.list`.
const ENVELOPES: &[&str] = &[
    "Records",
    "records",
    "Events",
    "items",
    "value",
    "VolumesModifications",
    "entries",
];

/// Calls `record` for each object with its line; `Err` is what cannot be read,
/// and where.
pub(super) fn each(
    reader: impl BufRead,
    is_lines: bool,
    mut record: impl FnMut(u64, Result<Value, String>),
) {
    if is_lines {
        each_line(reader, &mut record);
    } else {
        each_document(reader, &mut record);
    }
}

fn each_line(mut reader: impl BufRead, record: &mut impl FnMut(u64, Result<Value, String>)) {
    let mut line = Vec::new();
    for number in 1.. {
        // One more, to tell whether it was cut.
        match meter::line(&mut reader, MAX_RECORD + 1, &mut line) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                return record(number, Err(format!("the rest cannot be read: {error}")));
            }
        }
        if line.len() > MAX_RECORD {
            record(number, Err(format!("longer than {MAX_RECORD} bytes")));
        } else if !line.trim_ascii().is_empty() {
            record(number, value(&line).map_err(|error| error.to_string()));
        }
    }
}

/// A value; text that is not UTF-8 (a name in an older encoding) costs a letter,
/// not the record.
fn value(line: &[u8]) -> serde_json::Result<Value> {
    match std::str::from_utf8(line) {
        Ok(line) => serde_json::from_str(line),
        Err(_) => serde_json::from_str(&String::from_utf8_lossy(line)),
    }
}

fn each_document(reader: impl BufRead, record: &mut impl FnMut(u64, Result<Value, String>)) {
    let (reader, meter) = Metered::new(reader);
    let mut values = serde_json::Deserializer::from_reader(reader);
    loop {
        meter.begin();
        let root = Root {
            meter: &meter,
            record: &mut *record,
        };
        let read = match values.end() {
            Ok(()) => return,
            Err(error) if error.is_io() => Err(error),
            Err(_) => root.deserialize(&mut values),
        };
        if let Err(error) = read {
            // There is no way to tell where the next record begins.
            let line = if meter.is_over() || error.line() == 0 {
                meter.line()
            } else {
                error.line() as u64
            };
            return record(line, Err(format!("{error}; the rest is not read")));
        }
    }
}

/// A whole document, or an element of an array at its top (pages of an export,
/// `get events` and `get pvc` in one file): an array of such, an envelope, or a
/// record.
struct Root<'a, F> {
    meter: &'a Meter,
    record: &'a mut F,
}

impl<'de, F: FnMut(u64, Result<Value, String>)> DeserializeSeed<'de> for Root<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(u64, Result<Value, String>)> Visitor<'de> for Root<'_, F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object or an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Self { meter, record } = self;
        loop {
            let element = Root {
                meter,
                record: &mut *record,
            };
            if elements.next_element_seed(element)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { meter, record } = self;
        meter.begin();
        let line = meter.line();
        let mut object = Map::new();
        let mut was_envelope = false;
        while let Some(name) = members.next_key::<String>()? {
            if ENVELOPES.contains(&name.as_str()) {
                let other = members.next_value_seed(Member {
                    meter,
                    record: &mut *record,
                })?;
                match other {
                    None => was_envelope = true,
                    Some(value) => drop(object.insert(name, value)),
                }
            } else {
                object.insert(name, members.next_value()?);
            }
        }
        if !was_envelope {
            record(line, Ok(Value::Object(object)));
        }
        Ok(())
    }
}

/// The value of a member that may hold records: handed on one by one if it is
/// an array, else given back.
struct Member<'a, F> {
    meter: &'a Meter,
    record: &'a mut F,
}

impl<'de, F: FnMut(u64, Result<Value, String>)> DeserializeSeed<'de> for Member<'_, F> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(u64, Result<Value, String>)> Visitor<'de> for Member<'_, F> {
    type Value = Option<Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<Self::Value, A::Error> {
        while let Some((line, value)) = records.next_element_seed(Placed(self.meter))? {
            (self.record)(line, Ok(value));
        }
        // What follows is no part of the last.
        self.meter.begin();
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        let members = MapAccessDeserializer::new(members);
        Value::deserialize(members).map(Some)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(Some(Value::Null))
    }
}

/// A record, and the line that it begins in.
struct Placed<'a>(&'a Meter);

impl<'de> DeserializeSeed<'de> for Placed<'_> {
    type Value = (u64, Value);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.begin();
        // Its first byte was looked at already.
        let line = self.0.line();
        Ok((line, Value::deserialize(deserializer)?))
    }
}

/// Text at a JSON pointer; a number is text too.
pub(super) fn text(value: &Value, pointer: &str) -> Option<String> {
    match value.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number at a JSON pointer, as a number or as text.
pub(super) fn integer(value: &Value, pointer: &str) -> Option<u64> {
    match value.pointer(pointer)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Bytes of a size in whole GiB at a JSON pointer: what every cloud's API takes.
pub(super) fn gibibytes(value: &Value, pointer: &str) -> Option<u64> {
    integer(value, pointer)?.checked_mul(1 << 30)
}

/// The RFC 3339 time at a JSON pointer. The error says what is wrong with it.
pub(super) fn time(value: &Value, pointer: &str) -> Result<Interval, String> {
    let name = pointer.trim_start_matches('/');
    let at = text(value, pointer).ok_or_else(|| format!("no {name}"))?;
    rfc3339(&at).ok_or_else(|| format!("{name} '{at}' is not a time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, is_lines: bool) -> (Vec<u64>, Vec<String>) {
        let (mut lines, mut errors) = (Vec::new(), Vec::new());
        each(text.as_bytes(), is_lines, |line, record| match record {
            Ok(record) => lines.push(integer(&record, "/n").unwrap() * 100 + line),
            Err(error) => errors.push(error),
        });
        (lines, errors)
    }

    #[test]
    fn records_come_out_of_every_container() {
        for text in [
            "{\"n\":1}\n{\"n\":2}",
            "[{\"n\":1},\n{\"n\":2}]",
            "{\"Records\":[{\"n\":1},\n{\"n\":2}]}",
            "{\"kind\":\"List\",\"items\":[{\"n\":1},\n{\"n\":2}],\"metadata\":{}}",
            "[{\"Events\":[{\"n\":1}]},\n{\"Events\":[{\"n\":2}]}]",
        ] {
            let (records, errors) = read(text, false);
            assert_eq!(errors, Vec::<String>::new(), "{text}");
            assert_eq!(
                records.iter().map(|n| n / 100).collect::<Vec<_>>(),
                [1, 2],
                "{text}"
            );
        }
    }

    #[test]
    fn a_record_has_the_line_that_it_begins_in() {
        for text in [
            "[{\"n\":1},\n{\"n\":2,\n\"m\":0}]",
            "{\"items\":[{\"n\":1},\n  {\n\"n\":2}]}",
            "{\"n\":1}\n{\n\"n\":2\n}",
        ] {
            assert_eq!(read(text, false).0, [101, 202], "{text}");
        }
    }

    #[test]
    fn a_record_that_is_too_long_is_refused() {
        let long = "x".repeat(MAX_RECORD);
        let text = format!("{{\"n\":1}}\n{{\"n\":2,\"m\":\"{long}\"}}\n{{\"n\":3}}");
        let (lines, errors) = read(&text, true);
        assert_eq!((lines, errors.len()), (vec![101, 303], 1));
        // Not to be found in a document is where it ends.
        let (lines, errors) = read(&text, false);
        assert_eq!((lines, errors.len()), (vec![101], 1));
        assert!(errors[0].contains("longer"), "{}", errors[0]);
        // Many short ones may be as long as they like together.
        let short = format!("{{\"n\":1,\"m\":\"{}\"}}", "x".repeat(MAX_RECORD / 3));
        for text in [
            format!("[{short},{short},{short},{short}]"),
            format!("{{\"items\":[{short},{short},{short},{short}]}}"),
            format!("{short}{short}{short}{short}"),
        ] {
            assert_eq!(read(&text, false), (vec![101; 4], vec![]));
        }
    }

    #[test]
    fn a_letter_of_another_encoding_costs_no_line() {
        let mut lines = Vec::new();
        each(&b"{\"n\":1,\"m\":\"K\xf6ln\"}"[..], true, |line, record| {
            lines.push((line, integer(&record.unwrap(), "/n")));
        });
        assert_eq!(lines, [(1, Some(1))]);
    }

    #[test]
    fn a_member_named_like_an_envelope_may_be_something_else() {
        let (records, _) = read("{\"value\":{\"deep\":[1]},\"n\":7}", false);
        assert_eq!(records, [701]);
    }

    #[test]
    fn a_bad_line_does_not_stop_the_next() {
        let (records, errors) = read("{\"n\":1}\n{\"n\":\n\n{\"n\":2}", true);
        assert_eq!(records, [101, 204]);
        assert_eq!(errors.len(), 1);
    }

    #[test]
    fn what_came_before_the_damage_counts() {
        let (records, errors) = read("[{\"n\":1},{\"n\":2}, oops", false);
        assert_eq!(records.len(), 2);
        assert_eq!(errors.len(), 1);
    }

    #[test]
    fn deep_nesting_is_an_error_not_a_crash() {
        let (_, errors) = read(&"[".repeat(100_000), false);
        assert_eq!(errors.len(), 1);
    }
}
