//! The key of a series, from the kernel's form to the schema's.

use crate::probe::schema::Schema;
use crate::sample::probe_schema::key::Kind;
use crate::sample::series::{KeyValue, key_value::Value};
use probe_common::series::{OTHER, Readahead, Route, SeriesKey, Via};

/// Text of every text key of the series that takes what finds no place of its
/// own; its devices and cgroup are 0.
pub const OTHER_TEXT: &str = "other";

/// The values of `key`, in the order of the schema. `id` is the kernel's.
pub fn values(schema: &Schema, id: u32, key: &SeriesKey) -> Vec<KeyValue> {
    let mut devices = [key.dev_in, key.dev_out].into_iter();
    let values = schema.keys.iter().map(|&(name, kind)| {
        let number = |number: u64| Value::Number(if id == OTHER { 0 } else { number });
        match kind {
            Kind::Device => number(devices.next().unwrap_or_default().into()),
            Kind::Cgroup => number(key.cgroup),
            Kind::Text if id == OTHER => Value::Text(OTHER_TEXT.to_owned()),
            Kind::Text => Value::Text(text(name, key.kind)),
        }
    });
    values
        .map(|value| KeyValue { value: Some(value) })
        .collect()
}

/// The part of the packed `kind` that the text key `name` stands for; a number
/// without a name is given as it is.
fn text(name: &str, kind: u32) -> String {
    let [low, high, ..] = kind.to_le_bytes();
    let text = match name {
        "route" => Route::try_from(low).map(Route::name),
        "via" => Via::try_from(high).map(Via::name),
        "kind" => Readahead::try_from(low).map(Readahead::name),
        _ => Err(low),
    };
    text.map_or_else(|number| number.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::schema::{COPY, READAHEAD};

    fn shown(schema: &Schema, id: u32, key: &SeriesKey) -> String {
        let values = values(schema, id, key).into_iter();
        let texts = values.map(|value| match value.value {
            Some(Value::Text(text)) => text,
            Some(Value::Number(number)) => number.to_string(),
            None => "-".to_owned(),
        });
        texts.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn keys_are_in_the_order_of_the_schema() {
        let key = SeriesKey {
            dev_in: 1,
            dev_out: 2,
            kind: Route::Splice as u32 | (Via::Overlay as u32) << 8,
            reserved: 0,
            cgroup: 3,
        };
        assert_eq!(shown(&COPY, 5, &key), "1 2 splice overlay 3");
        let key = SeriesKey {
            kind: Readahead::Mmap as u32,
            ..key
        };
        assert_eq!(shown(&READAHEAD, 5, &key), "1 mmap 3");
    }

    #[test]
    fn the_overflow_series_says_so() {
        assert_eq!(
            shown(&COPY, OTHER, &SeriesKey::default()),
            "0 0 other other 0"
        );
    }

    #[test]
    fn an_unknown_number_is_shown_not_guessed() {
        let key = SeriesKey {
            kind: 9 | 7 << 8,
            ..SeriesKey::default()
        };
        assert_eq!(shown(&COPY, 1, &key), "0 0 9 7 0");
    }
}
