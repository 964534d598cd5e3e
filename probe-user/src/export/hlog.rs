//! Interval logs of HdrHistogram, version 1.3: one for each series and
//! histogram, an interval a minute, all values. The recorder's buckets are
//! exactly those of a histogram with one significant digit, so nothing is lost.

use super::output::Target;
use super::{Failure, Recordings};
use crate::model::totals::HistogramTotal;
use crate::model::{Devices, Recording, Totals, series_name};
use crate::sample::{Record, Window};
use crate::session::Span;
use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use probe_common::bucket;
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{self, Write};

/// Length of an interval, ns of boot time.
const INTERVAL_NS: u64 = 60_000_000_000;

pub(super) fn write(recordings: &Recordings, target: &Target) -> Result<(), Failure> {
    target.folder()?;
    for (number, parts) in recordings.iter().enumerate() {
        let known = parts.fold(&Span::default())?;
        let prefix = match recordings {
            [_] => String::new(),
            _ => format!("{}-", node_name(&known, number)),
        };
        let mut logs = Logs {
            target,
            prefix,
            known: &known,
            begun: BTreeSet::new(),
            interval: Totals::default(),
            from_ns: 0,
            to_ns: 0,
        };
        let mut result = Ok(());
        parts.windows(|window| {
            result = logs.take(&window);
            result.is_ok()
        })?;
        result?;
        logs.finish()?;
    }
    Ok(())
}

fn node_name(known: &Recording, number: usize) -> String {
    let host = known.session().map_or("", |session| session.host.as_str());
    format!("{}-{number}", file_safe(host))
}

/// The logs of one recording, being written.
struct Logs<'a> {
    target: &'a Target,
    prefix: String,
    known: &'a Recording,
    begun: BTreeSet<String>,
    interval: Totals,
    from_ns: u64,
    to_ns: u64,
}

impl Logs<'_> {
    fn take(&mut self, window: &Window) -> Result<(), Failure> {
        if self.interval.counts.is_empty() {
            self.from_ns = window.from_boot_ns;
        }
        for sample in &window.samples {
            if let Some(Record::Delta(delta)) = &sample.record {
                self.interval
                    .counts
                    .entry(delta.series)
                    .or_default()
                    .add(delta);
            }
        }
        self.to_ns = window.to_boot_ns;
        if self.to_ns.saturating_sub(self.from_ns) >= INTERVAL_NS {
            self.finish()?;
        }
        Ok(())
    }

    /// Writes the interval.
    fn finish(&mut self) -> Result<(), Failure> {
        for (id, total) in std::mem::take(&mut self.interval.counts) {
            let totals = self.known.totals();
            let Some(series) = totals.series.get(&id) else {
                continue;
            };
            let Some(schema) = totals.schemas.get(&series.probe) else {
                continue;
            };
            for (histogram, values) in schema.histograms.iter().zip(&total.histograms) {
                if values.buckets.is_empty() {
                    continue;
                }
                let name = name(self.known.devices(), totals, id, &histogram.name);
                let line = self.line(values)?;
                self.append(&name, &line)?;
            }
        }
        Ok(())
    }

    fn line(&self, values: &HistogramTotal) -> io::Result<String> {
        let other = |error: &dyn std::fmt::Display| io::Error::other(error.to_string());
        let mut histogram = Histogram::<u64>::new(1).map_err(|error| other(&error))?;
        for &(index, count) in &values.buckets {
            histogram
                .record_n(bucket::lowest(index as usize), count)
                .map_err(|error| other(&error))?;
        }
        let mut packed = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&histogram, &mut packed)
            .map_err(|error| other(&error))?;
        let start = self.known.real(self.from_ns).map_or(0, |at| at.t_ns);
        Ok(format!(
            "{:.3},{:.3},{:.3},{}\n",
            start as f64 / 1e9,
            self.to_ns.saturating_sub(self.from_ns) as f64 / 1e9,
            values.max as f64 / 1e6,
            STANDARD.encode(packed)
        ))
    }

    fn append(&mut self, name: &str, line: &str) -> Result<(), Failure> {
        let name = format!("{}{name}.hlog", self.prefix);
        if self.begun.insert(name.clone()) {
            let mut out = self.target.file_in(&name)?;
            out.write_all(HEAD.as_bytes())?;
            out.flush()?;
        }
        let path = self.target.path.join(&name);
        Ok(OpenOptions::new()
            .append(true)
            .open(path)?
            .write_all(line.as_bytes())?)
    }
}

const HEAD: &str = "#[Histogram log format version 1.3]\n\
    \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";

/// `copy-vdb-vdc-splice-syscall-latency_ns-17`: readable, and unique by the id.
fn name(devices: &Devices, totals: &Totals, id: u32, histogram: &str) -> String {
    let words = series_name(totals, devices, id);
    let words: Vec<String> = words.iter().map(|word| file_safe(word)).collect();
    format!("{}-{}-{id}", words.join("-"), file_safe(histogram))
}

/// Letters, digits and `_`, not too long: a name from outside becomes no path.
fn file_safe(name: &str) -> String {
    name.chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}
