//! How fast each series was, flush by flush: what recordings are compared by.

use crate::probe::schema;
use crate::sample::{ProbeSchema, Record, SeriesDelta, Window};
use std::collections::BTreeMap;

/// Stretches of time kept. Of a longer recording, neighbours are joined, so
/// that memory does not grow with it: a day at one flush a second is kept in
/// stretches of 32 s.
const MAX_STRETCHES: u64 = 4096;

/// Series kept; a real recording has some hundreds.
const MAX_SERIES: usize = 16_384;

/// Bytes of a page.
const PAGE: u64 = 4096;

/// What was done in one stretch of time in which anything was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// Time that it took, ns: of several calls at once, the sum of theirs.
    pub time_ns: u64,
    /// What was done: bytes where the schema counts bytes or pages.
    pub amount: u64,
    /// Length of the stretch, ns.
    pub wall_ns: u64,
}

impl Unit {
    fn add(&mut self, other: Self) {
        self.time_ns = self.time_ns.saturating_add(other.time_ns);
        self.amount = self.amount.saturating_add(other.amount);
        self.wall_ns = self.wall_ns.saturating_add(other.wall_ns);
    }
}

/// Where a probe's schema has the parts of its pace.
#[derive(Clone, Copy, Debug)]
struct Places {
    time: usize,
    amount: usize,
    bytes_each: u64,
    untimed: Option<usize>,
    calls: Option<usize>,
}

impl Places {
    fn of(schema: &ProbeSchema) -> Option<Self> {
        let at = |name: &str| schema.sums.iter().position(|sum| sum.name == name);
        let older = older(&schema.probe);
        let pace = schema.pace.as_ref().or(older.as_ref())?;
        let amount = at(&pace.amount)?;
        Some(Self {
            time: at(&pace.time)?,
            amount,
            bytes_each: if schema.sums[amount].unit == "pages" {
                PAGE
            } else {
                1
            },
            untimed: at(&pace.untimed),
            calls: at("calls"),
        })
    }

    fn unit(self, delta: &SeriesDelta, wall_ns: u64) -> Option<Unit> {
        let sum = |at: usize| delta.sums.get(at).copied().unwrap_or(0);
        // A call that has no time would make the others look fast.
        let timed = self.untimed.is_none_or(|at| sum(at) == 0);
        let unit = Unit {
            time_ns: sum(self.time),
            amount: sum(self.amount).saturating_mul(self.bytes_each),
            wall_ns,
        };
        (timed && unit.amount > 0 && unit.time_ns > 0).then_some(unit)
    }

    fn calls(self, delta: &SeriesDelta) -> u64 {
        let sum = |at: usize| delta.sums.get(at).copied().unwrap_or(0);
        self.calls.map_or(0, sum)
    }
}

/// Recordings made before schemas had a pace: what it was for these probes.
fn older(probe: &str) -> Option<crate::sample::probe_schema::Pace> {
    let known = [&schema::COPY, &schema::READAHEAD];
    let schema = known.into_iter().find(|schema| schema.probe == probe)?;
    ProbeSchema::from(schema).pace
}

/// The paces of all series of a recording.
#[derive(Clone, Debug, Default)]
pub struct Paces {
    places: BTreeMap<String, Places>,
    probes: BTreeMap<u32, String>,
    /// By series: stretch and what was done in it, ascending.
    units: BTreeMap<u32, Vec<(u64, Unit)>>,
    /// By series: stretch and calls in it, ascending.
    calls: BTreeMap<u32, Vec<(u64, u64)>>,
    /// When each stretch ended, boot time, ns.
    ends: Vec<u64>,
    windows: u64,
    /// A stretch is 2 to the power of this many windows.
    shift: u32,
}

impl Paces {
    /// Adds the next window.
    pub fn apply(&mut self, window: &Window) {
        if self.windows >> self.shift >= MAX_STRETCHES {
            self.join();
        }
        let stretch = self.windows >> self.shift;
        let wall_ns = window.to_boot_ns.saturating_sub(window.from_boot_ns);
        for record in window.samples.iter().filter_map(|s| s.record.as_ref()) {
            match record {
                Record::Schema(schema) => {
                    if let Some(places) = Places::of(schema) {
                        self.places.insert(schema.probe.clone(), places);
                    }
                }
                Record::Series(series) if self.probes.len() < MAX_SERIES => {
                    self.probes.insert(series.id, series.probe.clone());
                }
                Record::Delta(delta) => self.add(stretch, delta, wall_ns),
                _ => {}
            }
        }
        self.ends.truncate(stretch as usize);
        self.ends.push(window.to_boot_ns);
        self.windows += 1;
    }

    fn add(&mut self, stretch: u64, delta: &SeriesDelta, wall_ns: u64) {
        let probe = self.probes.get(&delta.series);
        let Some(places) = probe.and_then(|probe| self.places.get(probe)) else {
            return;
        };
        let calls = places.calls(delta);
        if calls > 0 {
            let all = self.calls.entry(delta.series).or_default();
            push(all, stretch, calls, |sum, more| {
                *sum = sum.saturating_add(more);
            });
        }
        if let Some(unit) = places.unit(delta, wall_ns) {
            let all = self.units.entry(delta.series).or_default();
            push(all, stretch, unit, Unit::add);
        }
    }

    /// Makes stretches twice as long.
    fn join(&mut self) {
        self.shift += 1;
        for units in self.units.values_mut() {
            join(units, Unit::add);
        }
        for calls in self.calls.values_mut() {
            join(calls, |sum, more| *sum = sum.saturating_add(more));
        }
        let ends = self.ends.chunks(2).filter_map(<[u64]>::last).copied();
        self.ends = ends.collect();
    }

    /// The stretches in which any of these series did something, in order.
    pub fn of(&self, series: impl IntoIterator<Item = u32>) -> Vec<Unit> {
        let mut sums: BTreeMap<u64, Unit> = BTreeMap::new();
        for id in series {
            for (stretch, unit) in self.units.get(&id).into_iter().flatten() {
                let sum = sums.entry(*stretch).or_default();
                let wall_ns = sum.wall_ns.max(unit.wall_ns);
                sum.add(*unit);
                sum.wall_ns = wall_ns;
            }
        }
        sums.into_values().collect()
    }

    /// How often any of these series was called: each unit has the calls of a
    /// stretch, and as its time all that went by since the last stretch with any.
    /// The first one only starts the clock.
    pub fn rates(&self, series: impl IntoIterator<Item = u32>) -> Vec<Unit> {
        let mut calls: BTreeMap<u64, u64> = BTreeMap::new();
        for id in series {
            for (stretch, more) in self.calls.get(&id).into_iter().flatten() {
                let sum = calls.entry(*stretch).or_default();
                *sum = sum.saturating_add(*more);
            }
        }
        let end = |stretch: u64| self.ends.get(stretch as usize).copied().unwrap_or(0);
        let next = calls.iter().skip(1);
        next.zip(calls.keys())
            .map(|((stretch, calls), last)| {
                let ns = end(*stretch).saturating_sub(end(*last));
                Unit {
                    time_ns: ns,
                    amount: *calls,
                    wall_ns: ns,
                }
            })
            .filter(|unit| unit.time_ns > 0)
            .collect()
    }
}

fn push<T>(all: &mut Vec<(u64, T)>, stretch: u64, more: T, add: impl Fn(&mut T, T)) {
    match all.last_mut() {
        Some((last, sum)) if *last == stretch => add(sum, more),
        _ => all.push((stretch, more)),
    }
}

fn join<T>(all: &mut Vec<(u64, T)>, add: impl Fn(&mut T, T)) {
    let mut joined = Vec::with_capacity(all.len() / 2 + 1);
    for (stretch, more) in all.drain(..) {
        push(&mut joined, stretch >> 1, more, &add);
    }
    *all = joined;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::{MS, SECOND, Story, VDB, VDC};

    fn paces(story: &Story) -> Paces {
        let mut paces = Paces::default();
        for window in &story.windows {
            paces.apply(window);
        }
        paces
    }

    #[test]
    fn a_unit_is_a_flush_in_which_something_was_done() {
        let mut story = Story::new();
        story
            .at(1000)
            .copies(VDB, VDC, "splice", "syscall", &[MS, 2 * MS]);
        story.at(2000).measure(20, 20);
        story.at(3000).copies(VDB, VDC, "splice", "syscall", &[MS]);
        let unit = |calls: u64, time_ns| Unit {
            time_ns,
            amount: calls << 20,
            wall_ns: 1000 * MS,
        };
        assert_eq!(paces(&story).of([1]), [unit(2, 3 * MS), unit(1, MS)]);
        assert_eq!(paces(&story).of([7]), []);
    }

    #[test]
    fn a_rate_has_the_quiet_time_in_it() {
        let mut story = Story::new();
        for ms in [1000, 2000, 5000] {
            story.at(ms).random_reads(VDB, 30, 1);
        }
        story.at(6000).measure(20, 20);
        let paces = paces(&story);
        let unit = |ns| Unit {
            time_ns: ns,
            amount: 30,
            wall_ns: ns,
        };
        assert_eq!(paces.rates([1]), [unit(1000 * MS), unit(3000 * MS)]);
        assert_eq!(paces.of([1]), []);
        assert_eq!(paces.rates([7]), []);
    }

    #[test]
    fn calls_without_a_time_spoil_their_unit() {
        let mut story = Story::new();
        for (second, calls) in [(1, 0), (2, 1), (3, 0)] {
            story
                .at(second * 1000)
                .copies(VDB, VDC, "splice", "syscall", &[MS]);
            let window = story.windows.last_mut().unwrap();
            let delta = window.samples.iter_mut().find_map(|s| match &mut s.record {
                Some(Record::Delta(delta)) => Some(delta),
                _ => None,
            });
            delta.unwrap().sums[1] = calls;
        }
        assert_eq!(paces(&story).of([1]).len(), 2);
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_lost() {
        let mut story = Story::new();
        story.at(1000).copies(VDB, VDC, "splice", "syscall", &[MS]);
        let mut paces = paces(&story);
        let window = Window {
            samples: story.windows.pop().unwrap().samples,
            to_boot_ns: MS,
            ..Window::default()
        };
        let more = 3 * MAX_STRETCHES + 5;
        for n in 0..more {
            paces.apply(&Window {
                to_boot_ns: (n + 2) * SECOND,
                ..window.clone()
            });
        }
        let units = paces.of([1]);
        assert!(units.len() as u64 <= MAX_STRETCHES, "{}", units.len());
        let sum: u64 = units.iter().map(|unit| unit.amount).sum();
        assert_eq!(sum, (more + 1) << 20);
        let rates = paces.rates([1]);
        assert_eq!(rates.len() + 1, units.len());
    }
}
