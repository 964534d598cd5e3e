//! The whole of a stream.

use super::Totals;
use super::coverage::{self, Interval, Reading};
use super::events::Events;
use super::totals::stepped;
use super::{Anchors, Devices, Folded, Instant, Probes};
use crate::sample::{End, Event, Gap, ModuleChange, Record, Sample, Session, Window, event};
use crate::sink::Sink;

/// Someone may still be about to use a growth for this long, where nothing else was
/// said.
const UNUSED_AFTER_NS: u64 = 30_000_000_000;

/// A stream, folded. Sums come from [`Totals`]; this adds what has a place in
/// time: events, sizes that were read, states of probes, losses, the clock. It
/// takes as much memory as a report can show, however long the stream is.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    totals: Totals,
    devices: Devices,
    probes: Probes,
    anchors: Anchors,
    events: Events,
    losses: Vec<Interval>,
    missed: Vec<Interval>,
    reading: Reading,
    last_boot_ns: u64,
    part_end_ns: u64,
    end: Option<End>,
}

impl Recording {
    /// Adds the next window.
    pub fn apply(&mut self, window: &Window) {
        self.totals.fold(window);
        let has_a_place = |sample: &&Sample| match &sample.record {
            Some(record) => record.is_timeline() || matches!(record, Record::Anchor(_)),
            None => false,
        };
        self.apply_history(Window {
            samples: window.samples.iter().filter(has_a_place).cloned().collect(),
            ..*window
        });
    }

    /// Adds what has a place in time, but no counts: for windows of a file
    /// whose totals are known otherwise ([`Self::add_totals`]).
    pub fn apply_history(&mut self, mut window: Window) {
        self.last_boot_ns = self.last_boot_ns.max(window.to_boot_ns);
        self.apply_anchors(&window);
        for record in std::mem::take(&mut window.samples)
            .into_iter()
            .filter_map(|s| s.record)
        {
            self.apply_record(record, &window);
        }
    }

    /// Takes the anchors around what happened, and the clock's steps. Of the
    /// others only the latest counts: a reader that passes over windows in which
    /// nothing happened must get the same times.
    fn apply_anchors(&mut self, window: &Window) {
        let records = window.samples.iter().filter_map(|s| s.record.as_ref());
        let eventful = records.clone().any(Record::is_timeline);
        for record in records {
            let Record::Anchor(anchor) = record else {
                continue;
            };
            // It may lie behind the window that it is in, and the stream goes on to it.
            self.last_boot_ns = self.last_boot_ns.max(anchor.boot_ns);
            let before = self.anchors.last();
            if eventful || before.is_none_or(|before| stepped(&before, anchor)) {
                if let Some(before) = before {
                    self.anchors.add(&before);
                }
                self.anchors.add(anchor);
            } else {
                self.anchors.set_latest(anchor);
            }
        }
    }

    /// A further file of the stream begins: the end of the one before was not
    /// that of the stream.
    pub fn begin_part(&mut self) {
        self.part_end_ns = self.last_boot_ns;
        self.end = None;
    }

    /// Boot time at which the part before the last one ended, ns.
    pub fn part_end_ns(&self) -> u64 {
        self.part_end_ns
    }

    /// Adds the counts of the stream, or of a further part of it.
    pub fn add_totals(&mut self, totals: &Totals) {
        let clock = &totals.clock;
        let ends = [&clock.first, &clock.last].into_iter();
        let steps = clock
            .steps
            .iter()
            .flat_map(|step| [&step.before, &step.after]);
        for anchor in ends.chain(steps).flatten() {
            self.anchors.add(anchor);
            self.last_boot_ns = self.last_boot_ns.max(anchor.boot_ns);
        }
        self.last_boot_ns = self.last_boot_ns.max(totals.to_boot_ns);
        if self.totals.windows == 0 {
            self.totals = totals.clone();
        } else {
            let first = self.totals.session.take();
            self.totals.absorb(totals);
            if let (Some(session), Some(first)) = (&mut self.totals.session, first) {
                session.start_boot_ns = first.start_boot_ns;
                session.part = first.part;
            }
        }
    }

    /// Notes what reading the file showed.
    pub fn set_reading(&mut self, reading: Reading) {
        self.reading = reading;
    }

    fn apply_record(&mut self, record: Record, window: &Window) {
        let interval = |what: &str, count| Interval {
            what: what.to_owned(),
            count,
            from_ns: window.from_boot_ns,
            to_ns: window.to_boot_ns,
        };
        match record {
            Record::Probe(status) => self.probes.add(&status),
            Record::Event(event) if !event.self_test => {
                self.events.add(event);
            }
            Record::Inventory(inventory) => self.devices.apply(&inventory),
            Record::Loss(loss) => {
                coverage::add(&mut self.losses, interval(&loss.kind, loss.count));
            }
            Record::Missed(missed) => {
                let count = missed.count.unwrap_or(0);
                coverage::add(&mut self.missed, interval(&missed.probe, count));
            }
            Record::End(end) => {
                self.last_boot_ns = self.last_boot_ns.max(end.boot_ns);
                self.end = Some(end);
            }
            Record::Event(_)
            | Record::Anchor(_)
            | Record::Session(_)
            | Record::Schema(_)
            | Record::Series(_)
            | Record::Delta(_)
            | Record::Process(_)
            | Record::Gap(_) => {}
        }
    }

    /// Sums, series and schemas.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Where and with what the stream was made.
    pub fn session(&self) -> Option<&Session> {
        self.totals.session.as_ref()
    }

    /// The node's volumes.
    pub fn devices(&self) -> &Devices {
        &self.devices
    }

    /// The probes' states over time.
    pub fn probes(&self) -> &Probes {
        &self.probes
    }

    /// All events but those of the self-test, in the order of their ids. Of a
    /// very long list, what findings need and the first and last of the rest.
    pub fn events(&self) -> impl Iterator<Item = &Event> + Clone {
        self.events.all()
    }

    /// Events that are counted only, by kind as in the timeline.
    pub fn folded(&self) -> impl Iterator<Item = (&'static str, Folded)> {
        self.events.folded()
    }

    /// Forgets the oldest events, so that a stream may run for months.
    pub fn keep_newest_events(&mut self, count: usize) {
        self.events.keep_newest(count);
    }

    /// When modules were loaded (true) and unloaded.
    pub fn modules(&self) -> impl Iterator<Item = (u64, &ModuleChange)> {
        self.events().filter_map(|event| match &event.detail {
            Some(event::Detail::Module(change)) => Some((event.boot_ns, change)),
            _ => None,
        })
    }

    /// What was lost, and when.
    pub fn losses(&self) -> &[Interval] {
        &self.losses
    }

    /// Runs that the kernel skipped, by probe, and when.
    pub fn missed(&self) -> &[Interval] {
        &self.missed
    }

    /// All gaps: those in the stream, and those that reading it showed.
    pub fn gaps(&self) -> impl Iterator<Item = Gap> {
        let read = self.reading.gaps.iter().cloned();
        self.totals.gaps().chain(read).chain(self.events.gaps())
    }

    /// What reading the file showed.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The statement with which its maker ended the stream.
    pub fn ended(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Boot time at which the recording began, ns.
    pub fn start_ns(&self) -> u64 {
        self.session().map_or(0, |session| session.start_boot_ns)
    }

    /// For how long a growth may stay unused before that is a finding, ns: as the
    /// recorder was told, so that a report says what was announced.
    pub fn unused_after_ns(&self) -> u64 {
        let told = self.session().and_then(|session| session.unused_after_ns);
        told.unwrap_or(UNUSED_AFTER_NS)
    }

    /// Boot time of the last that is known, ns.
    pub fn end_ns(&self) -> u64 {
        self.last_boot_ns
    }

    /// Real time of a boot time.
    pub fn real(&self, boot_ns: u64) -> Option<Instant> {
        self.anchors.at(boot_ns)
    }
}

impl Sink for Recording {
    fn window(&mut self, window: &Window) -> anyhow::Result<()> {
        self.apply(window);
        Ok(())
    }
}
