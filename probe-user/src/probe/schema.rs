//! What each probe measures: the one declaration that tables, recordings,
//! reports and exports are driven by.
//!
//! The order of sums and histograms is the order of the words in the kernel's
//! cells ([`probe_common::cell`]).

use crate::sample::{ProbeSchema, probe_schema};
use probe_common::bucket::{PAGE_BUCKETS, TIME_BUCKETS};

/// Schema of a probe that counts into series.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Name of the probe.
    pub probe: &'static str,
    /// Keys of its series, in order: name and kind.
    pub keys: &'static [(&'static str, probe_schema::key::Kind)],
    /// Sums: name and unit.
    pub sums: &'static [(&'static str, &'static str)],
    /// Histograms: name, unit, number of buckets.
    pub histograms: &'static [(&'static str, &'static str, usize)],
    /// By what two recordings are compared.
    pub pace: Option<Pace>,
}

/// How fast a probe's calls are: names of sums, the first over the second.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Time, ns.
    pub time: &'static str,
    /// What was done in it.
    pub amount: &'static str,
    /// Calls that are in the amount but not in the time.
    pub untimed: Option<&'static str>,
}

use probe_schema::key::Kind::{Cgroup, Device, Text};

/// Copies: `copy_file_range`, and clones by ioctl.
pub const COPY: Schema = Schema {
    probe: "copy",
    keys: &[
        ("src", Device),
        ("dst", Device),
        ("route", Text),
        ("via", Text),
        ("cgroup", Cgroup),
    ],
    sums: &[
        ("calls", "1"),
        ("no_latency", "1"),
        ("time_ns", "ns"),
        ("bytes_requested", "bytes"),
        ("bytes_copied", "bytes"),
        ("errors", "1"),
        ("short", "1"),
        ("on_cpu_ns", "ns"),
        ("off_cpu_ns", "ns"),
        ("switched", "1"),
        ("readahead_calls", "1"),
        ("readahead_pages", "pages"),
        ("readahead_submit_ns", "ns"),
    ],
    histograms: &[("latency_ns", "ns", TIME_BUCKETS)],
    pace: Some(Pace {
        time: "time_ns",
        amount: "bytes_copied",
        untimed: Some("no_latency"),
    }),
};

/// Readahead windows.
pub const READAHEAD: Schema = Schema {
    probe: "readahead",
    keys: &[("device", Device), ("kind", Text), ("cgroup", Cgroup)],
    sums: &[
        ("calls", "1"),
        ("pages_requested", "pages"),
        ("pages_submitted", "pages"),
        ("submit_ns_total", "ns"),
        ("streams", "1"),
        ("pages_advanced", "pages"),
        ("active_ns", "ns"),
        ("pages_at_cap", "pages"),
    ],
    histograms: &[
        ("submit_ns", "ns", TIME_BUCKETS),
        ("window_pages", "pages", PAGE_BUCKETS),
    ],
    pace: Some(Pace {
        time: "active_ns",
        amount: "pages_advanced",
        untimed: None,
    }),
};

impl From<&Schema> for ProbeSchema {
    fn from(schema: &Schema) -> Self {
        Self {
            probe: schema.probe.to_owned(),
            keys: schema
                .keys
                .iter()
                .map(|&(name, kind)| probe_schema::Key {
                    name: name.to_owned(),
                    kind: kind.into(),
                })
                .collect(),
            sums: schema
                .sums
                .iter()
                .map(|&(name, unit)| probe_schema::Sum {
                    name: name.to_owned(),
                    unit: unit.to_owned(),
                })
                .collect(),
            histograms: schema
                .histograms
                .iter()
                .map(|&(name, unit, buckets)| probe_schema::Histogram {
                    name: name.to_owned(),
                    unit: unit.to_owned(),
                    buckets: buckets as u32,
                })
                .collect(),
            pace: schema.pace.map(|pace| probe_schema::Pace {
                time: pace.time.to_owned(),
                amount: pace.amount.to_owned(),
                untimed: pace.untimed.unwrap_or_default().to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use probe_common::cell;

    #[test]
    fn paces_are_of_sums_that_there_are() {
        for schema in [COPY, READAHEAD] {
            let pace = schema.pace.unwrap();
            for name in [pace.time, pace.amount].into_iter().chain(pace.untimed) {
                assert!(schema.sums.iter().any(|sum| sum.0 == name), "{name}");
            }
        }
    }

    #[test]
    fn schemas_fill_the_kernels_cells() {
        for (schema, words) in [(COPY, cell::COPY_WORDS), (READAHEAD, cell::READAHEAD_WORDS)] {
            let buckets: Vec<usize> = schema.histograms.iter().map(|h| h.2).collect();
            assert_eq!(
                cell::words(schema.sums.len(), &buckets),
                words,
                "{}",
                schema.probe
            );
        }
    }
}
