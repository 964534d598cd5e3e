//! Series folded into the rows of a table.
//!
//! Driven by the schemas in the stream alone, so that a probe this program
//! never heard of has its rows too.

use super::totals::{SeriesTotal, Totals};
use super::{Devices, Distribution};
use crate::sample::probe_schema::key::Kind;
use crate::sample::series::KeyValue;
use crate::sample::series::key_value::Value;
use crate::sample::series_delta::HistogramDelta;
use crate::sample::{Dev, ProbeSchema, probe_schema};
use std::collections::BTreeMap;

/// One key of a row, with devices and cgroups resolved to names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// As in the stream.
    Text(String),
    /// Name of a device; `None` where there is none.
    Device(Option<String>),
    /// Pod of a cgroup; `None` where it belongs to none.
    Pod(Option<String>),
}

impl Key {
    /// The text of the key, if it has any.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Device(name) | Self::Pod(name) => name.as_deref(),
        }
    }
}

/// The sum of all series that share the same resolved keys.
#[derive(Clone, Debug)]
pub struct Row<'a, K = Key> {
    schema: &'a ProbeSchema,
    /// In the order of the schema.
    pub keys: Vec<K>,
    /// Ids of the series.
    pub series: Vec<u32>,
    sums: Vec<u64>,
    histograms: Vec<Distribution>,
    /// Calls by the name of their error.
    pub errors: BTreeMap<String, u64>,
}

impl Row<'_> {
    /// The key with this name; a cgroup's key is called `pod`.
    pub fn key(&self, name: &str) -> Option<&str> {
        let at = self
            .schema
            .keys
            .iter()
            .position(|key| key_name(key) == name)?;
        self.keys.get(at)?.text()
    }
}

impl<'a, K> Row<'a, K> {
    /// The schema of the row's probe.
    pub fn schema(&self) -> &'a ProbeSchema {
        self.schema
    }

    /// The sum with this name; `None` if the schema has none.
    pub fn sum(&self, name: &str) -> Option<u64> {
        let at = self.schema.sums.iter().position(|sum| sum.name == name)?;
        Some(self.sums.get(at).copied().unwrap_or(0))
    }

    /// The histogram with this name; `None` if the schema has none.
    pub fn histogram(&self, name: &str) -> Option<&Distribution> {
        let at = self.schema.histograms.iter().position(|h| h.name == name)?;
        self.histograms.get(at)
    }

    fn add(&mut self, series: u32, total: &SeriesTotal) {
        self.series.push(series);
        for (sum, add) in self.sums.iter_mut().zip(&total.sums) {
            *sum = sum.saturating_add(*add);
        }
        for (histogram, add) in self.histograms.iter_mut().zip(&total.histograms) {
            let (buckets, counts) = add.buckets.iter().copied().unzip();
            histogram.add(&HistogramDelta {
                max: add.max,
                buckets,
                counts,
            });
        }
        for (name, count) in &total.errors {
            let errors = self.errors.entry(name.clone()).or_default();
            *errors = errors.saturating_add(*count);
        }
    }
}

/// The name a key has in tables: a cgroup is shown as its pod.
pub fn key_name(key: &probe_schema::Key) -> &str {
    match key.kind() {
        Kind::Cgroup => "pod",
        Kind::Text | Kind::Device => &key.name,
    }
}

/// The rows of a probe, in the order of their keys; series in which nothing
/// was counted have none. `known` has the schemas and keys; the counts are
/// those of `counts`, which may be of a single window.
pub fn rows<'a>(
    known: &'a Totals,
    counts: &BTreeMap<u32, SeriesTotal>,
    devices: &Devices,
    probe: &str,
) -> Vec<Row<'a>> {
    let key = |key: &probe_schema::Key, value: &KeyValue| resolve(key.kind(), value, devices);
    rows_by(known, counts, probe, key)
}

/// As [`rows`], with keys of the caller's own making.
pub fn rows_by<'a, K: Ord + Clone>(
    known: &'a Totals,
    counts: &BTreeMap<u32, SeriesTotal>,
    probe: &str,
    resolve: impl Fn(&probe_schema::Key, &KeyValue) -> K,
) -> Vec<Row<'a, K>> {
    let Some(schema) = known.schemas.get(probe) else {
        return Vec::new();
    };
    let mut rows: BTreeMap<Vec<K>, Row<'a, K>> = BTreeMap::new();
    for (id, total) in counts {
        let Some(series) = known.series.get(id).filter(|series| series.probe == probe) else {
            continue;
        };
        if total.sums.iter().all(|&sum| sum == 0) {
            continue;
        }
        let keys: Vec<K> = schema
            .keys
            .iter()
            .zip(&series.keys)
            .map(|(key, value)| resolve(key, value))
            .collect();
        let row = rows.entry(keys.clone()).or_insert_with(|| Row {
            schema,
            keys,
            series: Vec::new(),
            sums: vec![0; schema.sums.len()],
            histograms: vec![Distribution::default(); schema.histograms.len()],
            errors: BTreeMap::new(),
        });
        row.add(*id, total);
    }
    rows.into_values().collect()
}

/// The probe of a series, and its keys in words; nothing for an unknown one.
pub fn series_name(known: &Totals, devices: &Devices, id: u32) -> Vec<String> {
    let Some(series) = known.series.get(&id) else {
        return Vec::new();
    };
    let schema = known.schemas.get(&series.probe);
    let keys = schema.map_or(&[][..], |schema| &schema.keys);
    let words = keys.iter().zip(&series.keys).filter_map(|(key, value)| {
        resolve(key.kind(), value, devices)
            .text()
            .map(str::to_owned)
    });
    std::iter::once(series.probe.clone()).chain(words).collect()
}

fn resolve(kind: Kind, value: &KeyValue, devices: &Devices) -> Key {
    match (kind, &value.value) {
        (Kind::Device, Some(Value::Number(dev))) => Key::Device(
            u32::try_from(*dev)
                .ok()
                .and_then(|dev| devices.name(Dev(dev))),
        ),
        (Kind::Cgroup, Some(Value::Number(id))) => Key::Pod(devices.pod(*id)),
        (_, Some(Value::Text(text))) => Key::Text(text.clone()),
        (_, Some(Value::Number(number))) => Key::Text(number.to_string()),
        (_, None) => Key::Text(String::new()),
    }
}
