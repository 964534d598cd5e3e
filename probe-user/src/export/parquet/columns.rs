//! JSON objects as Arrow columns, by a schema.

use arrow_array::builder::{ListBuilder, MapBuilder, MapFieldNames, StringBuilder, UInt64Builder};
use arrow_array::{
    ArrayRef, BooleanArray, Int64Array, StringArray, StructArray, TimestampNanosecondArray,
    UInt64Array, new_null_array,
};
use arrow_schema::{DataType, Field, Fields, TimeUnit};
use serde_json::Value;
use std::sync::Arc;

/// Text.
pub(super) fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

/// A count, a size, a time in ns.
pub(super) fn number(name: &str) -> Field {
    Field::new(name, DataType::UInt64, true)
}

/// A number that may be below 0.
pub(super) fn signed(name: &str) -> Field {
    Field::new(name, DataType::Int64, true)
}

/// True or false.
pub(super) fn flag(name: &str) -> Field {
    Field::new(name, DataType::Boolean, true)
}

/// A time; the row has it in ns since the Unix epoch.
pub(super) fn time(name: &str) -> Field {
    let utc = Some("UTC".into());
    Field::new(name, DataType::Timestamp(TimeUnit::Nanosecond, utc), true)
}

/// A list of texts.
pub(super) fn texts(name: &str) -> Field {
    let item = Field::new_list_field(DataType::Utf8, true);
    Field::new(name, DataType::List(Arc::new(item)), true)
}

/// Counts by name.
pub(super) fn counts(name: &str) -> Field {
    let fields = Fields::from(vec![
        Field::new("keys", DataType::Utf8, false),
        Field::new("values", DataType::UInt64, true),
    ]);
    let entries = Field::new("entries", DataType::Struct(fields), false);
    Field::new(name, DataType::Map(Arc::new(entries), false), true)
}

/// Numbers that belong together.
pub(super) fn group(name: &str, numbers: &[&str]) -> Field {
    let fields: Fields = numbers.iter().map(|name| number(name)).collect();
    Field::new(name, DataType::Struct(fields), false)
}

/// A distribution.
pub(super) fn quantiles(name: &str) -> Field {
    group(
        name,
        &["count", "min", "p50", "p90", "p99", "p999", "max", "mean"],
    )
}

/// The columns of these rows. What a row lacks, or has in another type than the
/// column's, is null.
pub(super) fn arrays(fields: &Fields, rows: &[Value]) -> Vec<ArrayRef> {
    let rows: Vec<&Value> = rows.iter().collect();
    fields
        .iter()
        .map(|field| array(field.data_type(), &values(&rows, field.name())))
        .collect()
}

fn values<'a>(rows: &[&'a Value], name: &str) -> Vec<&'a Value> {
    rows.iter()
        .map(|row| row.get(name).unwrap_or(&Value::Null))
        .collect()
}

fn array(data_type: &DataType, values: &[&Value]) -> ArrayRef {
    let all = values.iter();
    match data_type {
        DataType::Utf8 => Arc::new(all.map(|v| plain(v)).collect::<StringArray>()),
        DataType::UInt64 => Arc::new(all.map(|v| v.as_u64()).collect::<UInt64Array>()),
        DataType::Int64 => Arc::new(all.map(|v| v.as_i64()).collect::<Int64Array>()),
        DataType::Boolean => Arc::new(all.map(|v| v.as_bool()).collect::<BooleanArray>()),
        DataType::Timestamp(..) => {
            let times: TimestampNanosecondArray = all.map(|v| v.as_i64()).collect();
            Arc::new(times.with_timezone("UTC"))
        }
        DataType::List(_) => list(values),
        DataType::Map(..) => map(values),
        DataType::Struct(fields) => {
            let children = fields
                .iter()
                .map(|field| array(field.data_type(), &self::values(values, field.name())))
                .collect();
            Arc::new(StructArray::new(fields.clone(), children, None))
        }
        // No table has another type; a column of nulls says nothing wrong.
        other => new_null_array(other, values.len()),
    }
}

/// A text as it is; of anything else its JSON.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn list(values: &[&Value]) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for value in values {
        let items = value.as_array();
        for item in items.into_iter().flatten() {
            lists.values().append_option(plain(item));
        }
        lists.append(items.is_some());
    }
    Arc::new(lists.finish())
}

fn map(values: &[&Value]) -> ArrayRef {
    let names = MapFieldNames {
        entry: "entries".to_owned(),
        key: "keys".to_owned(),
        value: "values".to_owned(),
    };
    let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), UInt64Builder::new());
    for value in values {
        for (name, count) in value.as_object().into_iter().flatten() {
            maps.keys().append_value(name);
            maps.values().append_option(count.as_u64());
        }
        // Fails only where keys and values are not as many as each other.
        let _ = maps.append(value.is_object());
    }
    Arc::new(maps.finish())
}
