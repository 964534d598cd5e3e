//! Rows of two recordings, side by side.

use super::Side;
use super::compare::{FEW, Ratio, Sample, Verdict, compare};
use super::identity::{Matching, workload};
use super::schema::{Both, DiffRow, Named, Pace};
use crate::analysis::rules::is_refusal;
use crate::model::{Row, Unit, key_name, rows_by};
use crate::sample::probe_schema::{Key, key::Kind};
use crate::sample::series::KeyValue;
use crate::sample::series::key_value::Value as Number;
use crate::sample::{Dev, ProbeSchema};
use crate::units;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A row of few units has no say if it has less than this share of the time, or
/// of the bytes, of the row with most.
const MINOR: f64 = 0.05;

/// If streams advanced by less than this share of the pages, it was read at random.
const SEQUENTIAL: f64 = 0.1;

const MIB: f64 = (1 << 20) as f64;

/// A key that means the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Volume(usize),
    /// A volume that the other side does not have.
    Alone(u32),
    NoVolume,
    Text(String),
    Workload(Option<String>),
}

/// The rows that both sides have, of all probes that have a pace.
pub(super) fn rows(
    a: &Side,
    b: &Side,
    matching: &Matching,
    names: &BTreeMap<usize, Named>,
    threshold: f64,
) -> Vec<DiffRow> {
    let probes = b.recording.totals().schemas.keys();
    let mut rows: Vec<DiffRow> = probes
        .flat_map(|probe| {
            let of_a = side(a, probe, |dev| matching.of_a(dev));
            let of_b = side(b, probe, |dev| matching.of_b(dev));
            let pairs = pair(of_a, of_b);
            pairs
                .into_iter()
                .map(|(row_a, row_b)| row(names, &row_a, &row_b, threshold))
                .collect::<Vec<_>>()
        })
        .collect();
    drop_idle_rates(&mut rows);
    set_minor(&mut rows);
    rows.sort_by_key(|row| std::cmp::Reverse((row.verdict, row.weight_ns)));
    rows
}

/// A row of one side, with its units.
struct SideRow<'a> {
    row: Row<'a, Part>,
    units: Vec<Unit>,
    /// As units, how often anything was called.
    rates: Vec<Unit>,
}

fn side<'a>(
    side: &Side<'a>,
    probe: &str,
    number: impl Fn(Dev) -> Option<usize>,
) -> Vec<SideRow<'a>> {
    let totals = side.recording.totals();
    let devices = side.recording.devices();
    let part = |key: &Key, value: &KeyValue| match (key.kind(), &value.value) {
        (Kind::Device, Some(Number::Number(0))) => Part::NoVolume,
        (Kind::Device, Some(Number::Number(dev))) => {
            let dev = devices.canonical(Dev(u32::try_from(*dev).unwrap_or(u32::MAX)));
            number(dev).map_or(Part::Alone(dev.0), Part::Volume)
        }
        (Kind::Cgroup, Some(Number::Number(id))) => {
            Part::Workload(devices.pod(*id).map(|pod| workload(&pod)))
        }
        (_, Some(Number::Text(text))) => Part::Text(kind(probe, text).to_owned()),
        (_, Some(Number::Number(number))) => Part::Text(number.to_string()),
        (_, None) => Part::Text(String::new()),
    };
    let rows = rows_by(totals, &totals.counts, probe, part);
    let with_units = rows.into_iter().map(|row| SideRow {
        units: side.paces.of(row.series.iter().copied()),
        rates: side.paces.rates(row.series.iter().copied()),
        row,
    });
    with_units
        .filter(|row| !row.units.is_empty() || has_rate(row))
        .collect()
}

/// Of what has no pace, how often it was done says something: reads at random, and
/// copies that were refused, after which programs read and write.
fn has_rate(row: &SideRow) -> bool {
    let refused = row.row.errors.keys().any(|errno| is_refusal(errno));
    (is_read(row) || refused) && !row.rates.is_empty()
}

fn is_read(row: &SideRow) -> bool {
    row.row.schema().probe == "readahead"
}

/// Which kind of window a stream comes in depends on what is cached: the pace
/// is the stream's.
fn kind<'t>(probe: &str, kind: &'t str) -> &'t str {
    match (probe, kind) {
        ("readahead", "sync" | "async" | "forced") => "read",
        _ => kind,
    }
}

type Pairs<'a> = Vec<(SideRow<'a>, SideRow<'a>)>;

/// Rows with the same key; what is left, with the same key but for the route,
/// if either side has one: another kernel or file system may copy otherwise.
fn pair<'a>(of_a: Vec<SideRow<'a>>, of_b: Vec<SideRow<'a>>) -> Pairs<'a> {
    let known = |row: &SideRow| !row.row.keys.iter().any(|p| matches!(p, Part::Alone(_)));
    let (mut left_a, mut left_b) = (of_a, of_b);
    left_a.retain(known);
    left_b.retain(known);
    let mut pairs = Vec::new();
    for keys in [keys as fn(&SideRow) -> Vec<Part>, keys_but_the_route] {
        let (mut by_a, mut by_b) = (by_keys(left_a, keys), by_keys(left_b, keys));
        let common: Vec<_> = by_a
            .keys()
            .filter(|k| by_b.contains_key(*k))
            .cloned()
            .collect();
        (left_a, left_b) = (Vec::new(), Vec::new());
        for key in common {
            match (by_a.remove(&key), by_b.remove(&key)) {
                (Some(mut a), Some(mut b)) if a.len() == 1 && b.len() == 1 => {
                    pairs.extend(a.pop().zip(b.pop()));
                }
                (a, b) => {
                    left_a.extend(a.into_iter().flatten());
                    left_b.extend(b.into_iter().flatten());
                }
            }
        }
        left_a.extend(by_a.into_values().flatten());
        left_b.extend(by_b.into_values().flatten());
        // How often another way was refused says nothing.
        left_a.retain(|row| !row.units.is_empty());
        left_b.retain(|row| !row.units.is_empty());
    }
    pairs
}

fn by_keys<'a>(
    rows: Vec<SideRow<'a>>,
    keys: fn(&SideRow) -> Vec<Part>,
) -> BTreeMap<Vec<Part>, Vec<SideRow<'a>>> {
    let mut by: BTreeMap<Vec<Part>, Vec<SideRow<'a>>> = BTreeMap::new();
    for row in rows {
        by.entry(keys(&row)).or_default().push(row);
    }
    by
}

fn keys(row: &SideRow) -> Vec<Part> {
    row.row.keys.clone()
}

fn keys_but_the_route(row: &SideRow) -> Vec<Part> {
    let names = row.row.schema().keys.iter().map(|key| key.name.as_str());
    names
        .zip(&row.row.keys)
        .filter(|(name, _)| !matches!(*name, "route" | "via"))
        .map(|(_, part)| part.clone())
        .collect()
}

fn row(names: &BTreeMap<usize, Named>, a: &SideRow, b: &SideRow, threshold: f64) -> DiffRow {
    let sides = Both { a, b };
    let by_rate = [a, b]
        .into_iter()
        .any(|side| side.units.is_empty() || is_random(side));
    let units = sides.map(|side| {
        if by_rate {
            side.rates.clone()
        } else {
            side.units.clone()
        }
    });
    let compared = compare(&Sample::of(&units.a), &Sample::of(&units.b), threshold);
    let latency = |quantile: f64| {
        sides.map(|side| {
            let histogram = side.row.histogram("latency_ns")?;
            histogram.quantile(quantile)
        })
    };
    let schema = b.row.schema();
    let bytes = counts_bytes(schema);
    let pace = |each: f64| Pace {
        a: compared.pace.0.map(|pace| pace * each),
        b: compared.pace.1.map(|pace| pace * each),
        ratio: compared.ratio.map(|Ratio { value, .. }| value),
        low: compared.ratio.map(|Ratio { low, .. }| low),
        high: compared.ratio.map(|Ratio { high, .. }| high),
    };
    let (per_mib, each) = if bytes && !by_rate {
        (pace(MIB), Pace::default())
    } else {
        (Pace::default(), pace(1.0))
    };
    let volumes: Vec<usize> = b.row.keys.iter().filter_map(volume).collect();
    DiffRow {
        probe: schema.probe.clone(),
        key: names_of(names, schema, &b.row.keys),
        calls: sides.map(|side| side.row.sum("calls").unwrap_or(0)),
        pace_ns_per_mib: per_mib,
        pace_ns_each: each,
        p50: latency(0.5),
        p99: latency(0.99),
        bytes_per_s: sides.map(|side| throughput(&side.units).filter(|_| bytes)),
        window_pages: sides.map(|side| side.row.histogram("window_pages")?.quantile(0.5)),
        units: units.map(Vec::len),
        // A rate that is another one may be what was asked for: only that it is the
        // same says something of how it was answered.
        verdict: match compared.verdict {
            Verdict::Regressed | Verdict::Improved if by_rate => Verdict::Unclear,
            verdict => verdict,
        },
        minor: false,
        by_rate,
        note: note(a, b, by_rate),
        source: volumes.first().and_then(|n| names.get(n)?.source.clone()),
        volumes,
        weight_ns: most(&units, |unit| unit.time_ns),
        weight_bytes: most(&units, |unit| unit.amount),
    }
}

fn note(a: &SideRow, b: &SideRow, by_rate: bool) -> Option<String> {
    if by_rate {
        let what = if is_read(b) {
            "read at random: no stream went on"
        } else {
            "refused, and nothing of it was read ahead"
        };
        return Some(format!("{what}; compared is how often"));
    }
    let route = |side: &SideRow| {
        let at = side
            .row
            .schema()
            .keys
            .iter()
            .position(|key| key.name == "route")?;
        match side.row.keys.get(at)? {
            Part::Text(text) => Some(text.clone()),
            _ => None,
        }
    };
    let routes = route(a).zip(route(b));
    let other = routes.filter(|(a, b)| a != b);
    let other = other.map(|(a, b)| format!("went by {a} before, by {b} after"));
    let few = a.units.len().min(b.units.len()) < FEW;
    other.or_else(|| few.then(|| "from few intervals: a longer recording is surer".to_owned()))
}

fn volume(part: &Part) -> Option<usize> {
    match part {
        Part::Volume(number) => Some(*number),
        _ => None,
    }
}

fn names_of(
    names: &BTreeMap<usize, Named>,
    schema: &ProbeSchema,
    parts: &[Part],
) -> Map<String, Value> {
    let keys = schema.keys.iter().map(|key| key_name(key).to_owned());
    let values = parts.iter().map(|part| match part {
        Part::Volume(number) => names
            .get(number)
            .map_or(Value::Null, |n| n.name.as_str().into()),
        Part::Text(text) => text.as_str().into(),
        Part::Workload(Some(pod)) => pod.as_str().into(),
        Part::Workload(None) | Part::NoVolume | Part::Alone(_) => Value::Null,
    });
    keys.zip(values).collect()
}

fn counts_bytes(schema: &ProbeSchema) -> bool {
    let amount = schema.pace.as_ref().map(|pace| pace.amount.as_str());
    let sum = schema
        .sums
        .iter()
        .find(|sum| Some(sum.name.as_str()) == amount);
    // Of a recording made before schemas had a pace, all did.
    sum.is_none_or(|sum| matches!(sum.unit.as_str(), "bytes" | "pages"))
}

/// Streams did not go on: what advance there was is chance.
fn is_random(side: &SideRow) -> bool {
    let sum = |name| side.row.sum(name).map(|sum| sum as f64);
    let pages = sum("pages_submitted").zip(sum("pages_advanced"));
    pages.is_some_and(|(submitted, advanced)| advanced < SEQUENTIAL * submitted)
}

fn throughput(units: &[Unit]) -> Option<u64> {
    let bytes: f64 = units.iter().map(|unit| unit.amount as f64).sum();
    let seconds = units
        .iter()
        .map(|unit| unit.wall_ns as f64 / 1e9)
        .sum::<f64>();
    (seconds > 0.0).then(|| (bytes / seconds) as u64)
}

fn most(units: &Both<Vec<Unit>>, of: impl Fn(&Unit) -> u64) -> u64 {
    let sum = |units: &[Unit]| units::sum(units.iter().map(&of));
    sum(&units.a).max(sum(&units.b))
}

/// A refused copy is told by its rate only where nothing else is told of the
/// volume that it would have read.
fn drop_idle_rates(rows: &mut Vec<DiffRow>) {
    let is_refusal = |row: &DiffRow| row.by_rate && row.probe != "readahead";
    let others = rows.iter().filter(|row| !is_refusal(row));
    let told: BTreeSet<usize> = others
        .filter_map(|row| row.volumes.first().copied())
        .collect();
    rows.retain(|row| {
        let source = row.volumes.first();
        !is_refusal(row) || source.is_some_and(|volume| !told.contains(volume))
    });
}

/// Rows of little weight and few units have no say, nor have rates beside paces.
fn set_minor(rows: &mut [DiffRow]) {
    let paced = || rows.iter().filter(|row| !row.by_rate);
    let most = |of: fn(&DiffRow) -> u64| paced().map(of).max().unwrap_or(0) as f64 * MINOR;
    let (time, bytes) = (most(|row| row.weight_ns), most(|row| row.weight_bytes));
    for row in rows.iter_mut().filter(|row| !row.by_rate) {
        let few = row.units.a.min(row.units.b) < FEW;
        let light = (row.weight_ns as f64) < time || (row.weight_bytes as f64) < bytes;
        row.minor = few && light && row.verdict == Verdict::Unclear;
    }
    let paces_decide = rows.iter().any(|row| !row.by_rate && !row.minor);
    for row in rows.iter_mut().filter(|row| row.by_rate) {
        row.minor = paces_decide;
    }
}
