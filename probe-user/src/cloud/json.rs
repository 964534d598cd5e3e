//! JSON inputs, read as a stream: lines of objects, one document, or several;
//! an array at the top, or in an envelope (`{"Records": […]}`), is never held
//! whole.

use super::external::Interval;
use super::time::rfc3339;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::fmt;
use std::io::{BufRead, Read};

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

/// A line of JSON lines longer than this is refused, not held.
const MAX_LINE: u64 = 16 << 20;

/// Calls `record` for each object with its line; `Err` is what cannot be read,
/// and where.
pub(super) fn each(
    reader: impl BufRead,
    is_lines: bool,
    mut record: impl FnMut(u64, Result<Value, String>),
) -> std::io::Result<()> {
    if is_lines {
        each_line(reader, &mut record)
    } else {
        each_document(reader, &mut record)
    }
}

fn each_line(
    mut reader: impl BufRead,
    record: &mut impl FnMut(u64, Result<Value, String>),
) -> std::io::Result<()> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() as u64 == MAX_LINE && line.last() != Some(&b'\n') {
            record(
                number,
                Err(format!("the line is longer than {MAX_LINE} bytes")),
            );
            skip_line(&mut reader)?;
        } else if !line.trim_ascii().is_empty() {
            record(
                number,
                serde_json::from_slice(&line).map_err(|error| error.to_string()),
            );
        }
    }
    Ok(())
}

fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(length);
        if end.is_some() {
            return Ok(());
        }
    }
}

fn each_document(
    reader: impl BufRead,
    record: &mut impl FnMut(u64, Result<Value, String>),
) -> std::io::Result<()> {
    let line = Cell::new(1);
    let mut values = serde_json::Deserializer::from_reader(CountLines {
        reader,
        line: &line,
    });
    loop {
        match values.end() {
            Ok(()) => return Ok(()),
            Err(error) if error.is_io() => return Err(error.into()),
            Err(_) => {}
        }
        if let Err(error) = (Root {
            line: &line,
            record,
        })
        .deserialize(&mut values)
        {
            if error.is_io() {
                return Err(error.into());
            }
            // There is no way to tell where the next record begins.
            record(
                error.line() as u64,
                Err(format!("{error}; the rest is not read")),
            );
            return Ok(());
        }
    }
}

/// Counts the lines that were read; `serde_json` reads byte by byte.
struct CountLines<'a, R> {
    reader: R,
    line: &'a Cell<u64>,
}

impl<R: BufRead> Read for CountLines<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.reader.read(buffer)?;
        let lines = buffer[..length]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count();
        self.line.set(self.line.get() + lines as u64);
        Ok(length)
    }
}

/// A whole document: an array of records, an envelope, or one record.
struct Root<'a, F> {
    line: &'a Cell<u64>,
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

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<(), A::Error> {
        loop {
            // Where the element before it ended: the record itself may be long.
            let line = self.line.get();
            let Some(value) = records.next_element::<Value>()? else {
                return Ok(());
            };
            match value {
                // `get events,pvc -o json` in one file, or pages of an export.
                Value::Object(object) => flatten(object, line, self.record),
                _ => return Err(A::Error::custom("an element is not an object")),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { line, record } = self;
        let mut object = Map::new();
        let mut was_envelope = false;
        while let Some(name) = members.next_key::<String>()? {
            if ENVELOPES.contains(&name.as_str()) {
                let other = members.next_value_seed(Member {
                    line,
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
            record(line.get(), Ok(Value::Object(object)));
        }
        Ok(())
    }
}

/// Hands on the records of an object that was read already.
fn flatten(
    object: Map<String, Value>,
    line: u64,
    record: &mut impl FnMut(u64, Result<Value, String>),
) {
    let envelope = ENVELOPES.iter().find(|&&name| {
        object
            .get(name)
            .and_then(Value::as_array)
            .is_some_and(|a| a.iter().all(Value::is_object))
    });
    match envelope {
        Some(&name) => {
            for value in object
                .get(name)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                record(line, Ok(value.clone()));
            }
        }
        None => record(line, Ok(Value::Object(object))),
    }
}

/// The value of a member that may hold records: handed on one by one if it is
/// an array, else given back.
struct Member<'a, F> {
    line: &'a Cell<u64>,
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
        loop {
            let line = self.line.get();
            match records.next_element::<Value>()? {
                Some(value) => (self.record)(line, Ok(value)),
                None => return Ok(None),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, value)) = members.next_entry()? {
            object.insert(name, value);
        }
        Ok(Some(Value::Object(object)))
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
        })
        .unwrap();
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
