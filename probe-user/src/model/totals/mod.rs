//! Running totals of a stream: what a key frame holds.
//!
//! Folding all windows of a recording, or its last key frame and the windows
//! after it, gives the same totals.

mod absorb;
mod bounded;
mod clock;
mod key_frame;
mod processes;
mod series;
mod since;
mod volumes;

pub use clock::Clock;
pub(crate) use clock::stepped;
pub(crate) use key_frame::split_inventory;
pub use processes::{OTHER, ProcessKey, ProcessTotal, Processes};
pub use series::{HistogramTotal, SeriesTotal};
pub use volumes::Volumes;

use std::collections::BTreeMap;

use crate::sample::{Gap, Loss, Missed, ProbeSchema, ProbeStatus, Record, Series, Session, Window};
use bounded::{entry, insert};

/// Everything of a stream that has a last value or a sum. Events are not here:
/// they are a stream of their own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Where and with what the stream was made.
    pub session: Option<Session>,
    /// Schemas by probe.
    pub schemas: BTreeMap<String, ProbeSchema>,
    /// Last state by probe.
    pub probes: BTreeMap<String, ProbeStatus>,
    /// Series by id.
    pub series: BTreeMap<u32, Series>,
    /// Counts by series id.
    pub counts: BTreeMap<u32, SeriesTotal>,
    /// Sums by process.
    pub processes: Processes,
    /// Devices, mounts, control groups.
    pub volumes: Volumes,
    /// Losses by kind.
    pub losses: BTreeMap<String, LossTotal>,
    /// Runs that the kernel skipped, by probe and hook; none: not known.
    pub missed: BTreeMap<(String, String), Option<u64>>,
    /// Times for which the recorder itself knew something to be unknown.
    pub gaps: BTreeMap<GapKey, u64>,
    /// The clock.
    pub clock: Clock,
    /// Number of windows.
    pub windows: u64,
    /// Number of the last window.
    pub window_seq: u64,
    /// End of the last window, boottime in ns.
    pub to_boot_ns: u64,
    /// Number of events, those of the self-test included.
    pub events: u64,
    /// Records that were left out because there were too many of a kind. Not 0
    /// in a hostile recording only.
    pub not_kept: u64,
}

/// A loss of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossTotal {
    /// How many.
    pub count: u64,
    /// Start of the first window with such a loss, boottime in ns.
    pub from_boot_ns: u64,
    /// End of the last one.
    pub to_boot_ns: u64,
}

/// What tells one gap from another. The value in the map is its end, boottime
/// in ns; 0: still open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GapKey {
    /// Start, boottime in ns.
    pub from_boot_ns: u64,
    /// The probe concerned; empty: all.
    pub probe: String,
    /// Why.
    pub why: String,
}

impl Totals {
    /// Adds a window, or one part of it after the other.
    pub fn fold(&mut self, window: &Window) {
        if self.windows == 0 || window.seq != self.window_seq {
            self.windows += 1;
        }
        self.window_seq = window.seq;
        self.to_boot_ns = window.to_boot_ns;
        for record in window.samples.iter().filter_map(|s| s.record.as_ref()) {
            self.record(record, window);
        }
    }

    fn record(&mut self, record: &Record, window: &Window) {
        match record {
            Record::Session(session) => self.session = Some((**session).clone()),
            Record::Schema(schema) => self.schema(schema),
            Record::Probe(status) => self.probe(status),
            Record::Series(series) => self.series(series),
            Record::Delta(delta) => match entry(&mut self.counts, delta.series) {
                Some(total) => total.add(delta),
                None => self.not_kept += 1,
            },
            Record::Event(_) => self.events += 1,
            Record::Inventory(inventory) => self.not_kept += self.volumes.take(inventory),
            Record::Anchor(anchor) => self.clock.add(anchor),
            Record::Loss(loss) => self.loss(loss, window.from_boot_ns, window.to_boot_ns),
            Record::Missed(missed) => self.missed(missed),
            Record::Process(process) => self.processes.add(process),
            Record::Gap(gap) => self.gap(gap),
            Record::End(_) => {}
        }
    }

    fn schema(&mut self, schema: &ProbeSchema) {
        self.not_kept += insert(&mut self.schemas, schema.probe.clone(), schema.clone());
    }

    fn probe(&mut self, status: &ProbeStatus) {
        self.not_kept += insert(&mut self.probes, status.name.clone(), status.clone());
    }

    fn series(&mut self, series: &Series) {
        self.not_kept += insert(&mut self.series, series.id, series.clone());
    }

    fn loss(&mut self, loss: &Loss, from: u64, to: u64) {
        if loss.count == 0 {
            return;
        }
        match entry(&mut self.losses, loss.kind.clone()) {
            Some(total) => {
                if total.count == 0 {
                    total.from_boot_ns = from;
                }
                total.count = total.count.saturating_add(loss.count);
                total.from_boot_ns = total.from_boot_ns.min(from);
                total.to_boot_ns = total.to_boot_ns.max(to);
            }
            None => self.not_kept += 1,
        }
    }

    fn missed(&mut self, missed: &Missed) {
        let key = (missed.probe.clone(), missed.hook.clone());
        // Once it was not known, the sum is not known.
        let count = match self.missed.get(&key) {
            None => missed.count,
            Some(sum) => sum
                .zip(missed.count)
                .map(|(sum, more)| sum.saturating_add(more)),
        };
        self.not_kept += insert(&mut self.missed, key, count);
    }

    fn gap(&mut self, gap: &Gap) {
        let key = GapKey {
            from_boot_ns: gap.from_boot_ns,
            probe: gap.probe.clone(),
            why: gap.why.clone(),
        };
        self.not_kept += insert(&mut self.gaps, key, gap.to_boot_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;

    fn window(seq: u64, records: Vec<Record>) -> Window {
        Window {
            seq,
            from_boot_ns: seq * 10,
            to_boot_ns: seq * 10 + 10,
            samples: records.into_iter().map(Sample::from).collect(),
        }
    }

    fn missed(count: Option<u64>) -> Record {
        Record::Missed(Missed {
            probe: "copy".into(),
            hook: "fexit".into(),
            count,
        })
    }

    #[test]
    fn an_unknown_number_of_missed_runs_makes_the_sum_unknown() {
        let key = ("copy".to_owned(), "fexit".to_owned());
        let mut totals = Totals::default();
        totals.fold(&window(1, vec![missed(Some(2)), missed(Some(3))]));
        assert_eq!(totals.missed[&key], Some(5));
        totals.fold(&window(2, vec![missed(None)]));
        totals.fold(&window(3, vec![missed(Some(1))]));
        assert_eq!(totals.missed[&key], None);
    }

    #[test]
    fn losses_keep_the_interval_they_fell_in() {
        let loss = |count| {
            Record::Loss(Loss {
                kind: "ring/exec".into(),
                count,
            })
        };
        let mut totals = Totals::default();
        totals.fold(&window(1, vec![loss(0)]));
        totals.fold(&window(2, vec![loss(4)]));
        totals.fold(&window(3, vec![]));
        totals.fold(&window(4, vec![loss(1)]));
        let expected = LossTotal {
            count: 5,
            from_boot_ns: 20,
            to_boot_ns: 50,
        };
        assert_eq!(totals.losses["ring/exec"], expected);
    }

    #[test]
    fn a_gap_that_closes_is_one_gap() {
        let gap = |to_boot_ns| {
            Record::Gap(Gap {
                probe: "resize".into(),
                from_boot_ns: 7,
                to_boot_ns,
                why: "module unloaded".into(),
            })
        };
        let mut totals = Totals::default();
        totals.fold(&window(1, vec![gap(0)]));
        totals.fold(&window(2, vec![gap(20)]));
        assert_eq!(totals.gaps.values().collect::<Vec<_>>(), [&20]);
    }
}
