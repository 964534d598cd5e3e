//! What processes did since the start: the largest, and one sum for the rest.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::sample::ProcessDelta;

/// Processes kept after a clearing.
const KEEP: usize = 2048;
/// Processes at which a clearing is due.
const CLEAR_AT: usize = 4096;

/// The name under which the smallest are summed.
pub const OTHER: &str = "(other)";

/// One process with one pair of devices.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProcessKey {
    /// Process id; 0 for [`OTHER`].
    pub pid: u32,
    /// Command name.
    pub comm: String,
    /// Control group id.
    pub cgroup: u64,
    /// Device read from.
    pub dev_in: u32,
    /// Device written to.
    pub dev_out: u32,
}

/// What it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessTotal {
    /// Calls.
    pub calls: u64,
    /// Bytes copied.
    pub bytes: u64,
    /// Time in the calls, ns.
    pub time_ns: u64,
}

impl ProcessTotal {
    fn add(&mut self, more: Self) {
        self.calls = self.calls.saturating_add(more.calls);
        self.bytes = self.bytes.saturating_add(more.bytes);
        self.time_ns = self.time_ns.saturating_add(more.time_ns);
    }

    fn since(self, earlier: Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(earlier.calls),
            bytes: self.bytes.saturating_sub(earlier.bytes),
            time_ns: self.time_ns.saturating_sub(earlier.time_ns),
        }
    }
}

/// Totals by process. A node that starts thousands of processes an hour does
/// not make this grow: the smallest by time are summed as [`OTHER`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processes(BTreeMap<ProcessKey, ProcessTotal>);

impl Processes {
    /// Adds what a process did in a window.
    pub fn add(&mut self, delta: &ProcessDelta) {
        let key = ProcessKey {
            pid: delta.pid,
            comm: delta.comm.clone(),
            cgroup: delta.cgroup,
            dev_in: delta.dev_in,
            dev_out: delta.dev_out,
        };
        self.0.entry(key).or_default().add(ProcessTotal {
            calls: delta.calls,
            bytes: delta.bytes,
            time_ns: delta.time_ns,
        });
        if self.0.len() >= CLEAR_AT {
            self.clear();
        }
    }

    fn clear(&mut self) {
        let mut rest = self.0.remove(&other()).unwrap_or_default();
        let mut all: Vec<_> = std::mem::take(&mut self.0).into_iter().collect();
        // Stable: equal times stay in the order of their keys, so that the
        // result depends on nothing but the stream.
        all.sort_by_key(|(_, total)| Reverse(total.time_ns));
        for (_, total) in all.drain(KEEP.min(all.len())..) {
            rest.add(total);
        }
        self.0 = all.into_iter().collect();
        self.0.insert(other(), rest);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&ProcessKey, &ProcessTotal)> {
        self.0.iter()
    }

    /// As records.
    pub(super) fn to_deltas(&self) -> Vec<ProcessDelta> {
        self.0
            .iter()
            .map(|(key, total)| record(key, total))
            .collect()
    }

    /// What this has more than `earlier`, as records.
    pub(super) fn since(&self, earlier: &Self) -> Vec<ProcessDelta> {
        // Those that were cleared away in between are in the sum of the others.
        let mut cleared = ProcessTotal::default();
        for (key, total) in &earlier.0 {
            if !self.0.contains_key(key) {
                cleared.add(*total);
            }
        }
        self.0
            .iter()
            .map(|(key, total)| {
                let mut before = earlier.0.get(key).copied().unwrap_or_default();
                if *key == other() {
                    before.add(cleared);
                }
                record(key, &total.since(before))
            })
            .filter(|delta| delta.calls != 0 || delta.bytes != 0 || delta.time_ns != 0)
            .collect()
    }
}

fn other() -> ProcessKey {
    ProcessKey {
        comm: OTHER.to_owned(),
        ..ProcessKey::default()
    }
}

fn record(key: &ProcessKey, total: &ProcessTotal) -> ProcessDelta {
    ProcessDelta {
        pid: key.pid,
        comm: key.comm.clone(),
        cgroup: key.cgroup,
        dev_in: key.dev_in,
        dev_out: key.dev_out,
        calls: total.calls,
        bytes: total.bytes,
        time_ns: total.time_ns,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_processes_stay_few_and_their_sum_stays_right() {
        let mut processes = Processes::default();
        for pid in 1..20_000 {
            processes.add(&ProcessDelta {
                pid,
                calls: 1,
                bytes: 10,
                time_ns: u64::from(pid),
                ..ProcessDelta::default()
            });
            assert!(processes.0.len() < CLEAR_AT);
        }
        let calls: u64 = processes.iter().map(|(_, total)| total.calls).sum();
        assert_eq!(calls, 19_999);
        assert!(processes.iter().any(|(key, _)| key.pid == 19_999));
    }

    #[test]
    fn restored_totals_go_on_as_if_never_written() {
        let mut whole = Processes::default();
        let mut restored = Processes::default();
        for pid in 1..9_000 {
            let delta = ProcessDelta {
                pid,
                time_ns: u64::from(pid.wrapping_mul(2_654_435_761)),
                ..ProcessDelta::default()
            };
            whole.add(&delta);
            restored.add(&delta);
            if pid % 1000 == 0 {
                let records = restored.to_deltas();
                restored = Processes::default();
                for record in &records {
                    restored.add(record);
                }
            }
        }
        assert_eq!(whole, restored);
    }
}
