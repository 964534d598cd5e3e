//! The tables of copies, readahead, other probes and processes.

mod route;
mod schema;

pub use schema::{CopyRow, NestedReadahead, Quantiles, ReadaheadRow, SeriesRow, TopRow};

use crate::model::totals::{ProcessKey, ProcessTotal, Processes, SeriesTotal};
use crate::model::{self, Devices, Distribution, Key, Recording, Row, Totals, key_name};
use crate::sample::Dev;
use crate::units::sum;
use serde_json::Value;
use std::collections::BTreeMap;

/// Counts to make tables of: of a whole recording, or of one window of it.
pub(crate) struct Counts<'a> {
    known: &'a Totals,
    series: &'a BTreeMap<u32, SeriesTotal>,
    processes: &'a Processes,
    devices: &'a Devices,
}

impl<'a> Counts<'a> {
    /// Of a whole recording.
    pub(crate) fn whole(recording: &'a Recording) -> Self {
        Self::of(recording, recording.totals())
    }

    /// Of a part of a recording.
    pub(crate) fn of(recording: &'a Recording, part: &'a Totals) -> Self {
        Self {
            known: recording.totals(),
            series: &part.counts,
            processes: &part.processes,
            devices: recording.devices(),
        }
    }

    fn rows(&self, probe: &str) -> Vec<Row<'a>> {
        model::rows(self.known, self.series, self.devices, probe)
    }
}

/// Copies by (src, dst, route, via, pod).
pub(crate) fn copy(counts: &Counts) -> Vec<CopyRow> {
    let mut rows: Vec<CopyRow> = counts.rows("copy").iter().map(copy_row).collect();
    if rows.is_empty() {
        return rows;
    }
    let file_systems = file_systems(counts.devices);
    let why = |row: &CopyRow| route::why_not_better(row, &rows, &file_systems);
    let why: Vec<Option<String>> = rows.iter().map(why).collect();
    let early: Vec<Option<u64>> = rows.iter().map(|row| ended_early(row, &rows)).collect();
    for ((row, why), early) in rows.iter_mut().zip(why).zip(early) {
        (row.why_not_better, row.ended_early) = (why, early);
    }
    rows
}

/// Types of the mounted file systems, by the names that tables have for them.
fn file_systems(devices: &Devices) -> route::FileSystems {
    let named = devices.mounts().filter_map(|state| {
        let name = devices.name(devices.canonical(Dev(state.mount.dev)))?;
        Some((name, state.mount.fs.clone()))
    });
    named.collect()
}

/// Short copies after which the file had not ended. The last call of a file is
/// short, and programs that do not know its length then make one that returns 0;
/// the kernel's programs do not look at the length.
fn ended_early(row: &CopyRow, rows: &[CopyRow]) -> Option<u64> {
    let ends = rows
        .iter()
        .filter(|end| end.bytes_copied == 0 && end.pod == row.pod);
    // A copy within an overlay is counted on what lies beneath; the call that
    // returns 0 does not get there.
    let is_end_of_it = |end: &&CopyRow| match row.via.as_deref() {
        Some("overlay") => end
            .src
            .as_ref()
            .is_some_and(|src| src.starts_with("overlay:")),
        _ => (&end.src, &end.dst, &end.via) == (&row.src, &row.dst, &row.via),
    };
    let ends = ends.filter(is_end_of_it);
    let ends = ends.map(|end| end.calls.saturating_sub(sum(end.errors.values().copied())));
    Some(row.short_copies?.saturating_sub(sum(ends)))
}

fn copy_row(row: &Row) -> CopyRow {
    let key = |name| row.key(name).map(str::to_owned);
    let sum = |name| row.sum(name).unwrap_or(0);
    // A recording made without a part of a probe has zeros there: a copy takes
    // time, so all of it zero means not measured.
    let time_ns = sum("time_ns");
    let measured = time_ns == 0 || sum("on_cpu_ns") > 0 || sum("off_cpu_ns") > 0;
    CopyRow {
        host: None,
        src: key("src"),
        dst: key("dst"),
        route: key("route"),
        via: key("via"),
        pod: key("pod"),
        calls: sum("calls"),
        errors: row.errors.clone(),
        bytes_requested: sum("bytes_requested"),
        bytes_copied: sum("bytes_copied"),
        latency_ns: quantiles(row.histogram("latency_ns"), Some(time_ns)),
        no_latency: sum("no_latency"),
        short_copies: row.sum("short"),
        ended_early: None,
        why_not_better: None,
        on_cpu_ns: row.sum("on_cpu_ns").filter(|_| measured),
        off_cpu_ns: row.sum("off_cpu_ns").filter(|_| measured),
        readahead: NestedReadahead {
            calls: row.sum("readahead_calls"),
            pages: row.sum("readahead_pages"),
            submit_ns: row.sum("readahead_submit_ns"),
        },
    }
}

/// Readahead by (device, pod, kind).
pub(crate) fn readahead(counts: &Counts) -> Vec<ReadaheadRow> {
    counts.rows("readahead").iter().map(readahead_row).collect()
}

fn readahead_row(row: &Row) -> ReadaheadRow {
    let key = |name| row.key(name).map(str::to_owned);
    let sum = |name| row.sum(name).unwrap_or(0);
    ReadaheadRow {
        host: None,
        device: key("device"),
        pod: key("pod"),
        kind: key("kind"),
        calls: sum("calls"),
        pages_requested: sum("pages_requested"),
        pages_submitted: sum("pages_submitted"),
        pages_at_cap: row.sum("pages_at_cap"),
        window_pages: quantiles(row.histogram("window_pages"), row.sum("pages_submitted")),
        submit_ns: quantiles(row.histogram("submit_ns"), row.sum("submit_ns_total")),
        streams: sum("streams"),
        pages_advanced: sum("pages_advanced"),
        active_ns: sum("active_ns"),
    }
}

/// Rows of the probes that have no table of their own.
pub(crate) fn series(counts: &Counts) -> Vec<SeriesRow> {
    let others = counts
        .known
        .schemas
        .keys()
        .filter(|p| !matches!(p.as_str(), "copy" | "readahead"));
    others
        .flat_map(|probe| counts.rows(probe))
        .map(|row| series_row(&row))
        .collect()
}

fn series_row(row: &Row) -> SeriesRow {
    let schema = row.schema();
    let keys = schema.keys.iter().zip(&row.keys);
    let units = schema.sums.iter().map(|s| (s.name.clone(), s.unit.clone()));
    SeriesRow {
        host: None,
        probe: schema.probe.clone(),
        keys: keys
            .map(|(key, value)| (key_name(key).to_owned(), json(value)))
            .collect(),
        sums: schema
            .sums
            .iter()
            .map(|sum| (sum.name.clone(), row.sum(&sum.name).unwrap_or(0)))
            .collect(),
        units: units
            .chain(
                schema
                    .histograms
                    .iter()
                    .map(|h| (h.name.clone(), h.unit.clone())),
            )
            .collect(),
        histograms: schema
            .histograms
            .iter()
            .map(|h| (h.name.clone(), quantiles(row.histogram(&h.name), None)))
            .collect(),
        errors: row.errors.clone(),
    }
}

fn json(key: &Key) -> Value {
    key.text().map_or(Value::Null, Value::from)
}

/// Copies by process, most time first.
pub(crate) fn top(counts: &Counts) -> Vec<TopRow> {
    let mut rows: Vec<_> = counts.processes.iter().collect();
    rows.sort_by_key(|(_, work)| std::cmp::Reverse((work.time_ns, work.calls)));
    let row = |(process, work): (&ProcessKey, &ProcessTotal)| TopRow {
        host: None,
        pid: (process.pid != 0).then_some(process.pid),
        comm: process.comm.clone(),
        pod: counts.devices.pod(process.cgroup),
        container: counts.devices.container(process.cgroup),
        src: counts.devices.name(Dev(process.dev_in)),
        dst: counts.devices.name(Dev(process.dev_out)),
        calls: work.calls,
        bytes: work.bytes,
        time_ns: work.time_ns,
    };
    rows.into_iter().map(row).collect()
}

fn quantiles(distribution: Option<&Distribution>, sum: Option<u64>) -> Quantiles {
    let Some(distribution) = distribution.filter(|d| d.count() > 0) else {
        return Quantiles::default();
    };
    Quantiles {
        count: distribution.count(),
        min: distribution.min(),
        p50: distribution.quantile(0.5),
        p90: distribution.quantile(0.9),
        p99: distribution.quantile(0.99),
        p999: distribution.quantile(0.999),
        max: distribution.max(),
        mean: sum.map(|sum| sum / distribution.count()),
    }
}
