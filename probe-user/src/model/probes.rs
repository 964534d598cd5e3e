//! The state of each probe, over time.

use crate::sample::ProbeStatus;
use crate::sample::probe_status::State;
use std::collections::BTreeMap;

/// What was said about each probe, in the order it was said.
#[derive(Clone, Debug, Default)]
pub struct Probes(BTreeMap<String, Vec<ProbeStatus>>);

impl Probes {
    /// Adds a status; one that says nothing new is left out.
    pub fn add(&mut self, status: &ProbeStatus) {
        let history = self.0.entry(status.name.clone()).or_default();
        let says_nothing_new = |last: &ProbeStatus| {
            let since = ProbeStatus {
                boot_ns: last.boot_ns,
                ..status.clone()
            };
            since == *last || status.boot_ns < last.boot_ns
        };
        if !history.last().is_some_and(says_nothing_new) {
            history.push(status.clone());
        }
    }

    /// The last status of each probe, by name.
    pub fn latest(&self) -> impl Iterator<Item = &ProbeStatus> {
        self.0.values().filter_map(|history| history.last())
    }

    /// All statuses of a probe that held at some moment of the time, oldest
    /// first. What held before the first is unknown.
    pub fn during(&self, name: &str, from_ns: u64, to_ns: u64) -> &[ProbeStatus] {
        let Some(history) = self.0.get(name) else {
            return &[];
        };
        let start = history.partition_point(|status| status.boot_ns <= from_ns);
        let end = history.partition_point(|status| status.boot_ns <= to_ns);
        &history[start.saturating_sub(1)..end.max(start)]
    }
}

/// The word for a state, as in the report.
pub fn state_name(state: State) -> &'static str {
    match state {
        State::Off => "off",
        State::Attached => "attached",
        State::Partial => "partial",
        State::Waiting => "waiting",
        State::Unsupported => "unsupported",
        State::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(boot_ns: u64, state: State) -> ProbeStatus {
        ProbeStatus {
            name: "resize".to_owned(),
            state: state.into(),
            boot_ns,
            ..ProbeStatus::default()
        }
    }

    #[test]
    fn the_states_of_a_time_include_the_one_it_began_with() {
        let mut probes = Probes::default();
        for (at, state) in [
            (10, State::Waiting),
            (20, State::Attached),
            (25, State::Attached),
            (30, State::Failed),
        ] {
            probes.add(&status(at, state));
        }
        let states = |from, to| -> Vec<State> {
            probes
                .during("resize", from, to)
                .iter()
                .map(ProbeStatus::state)
                .collect()
        };
        assert_eq!(states(22, 28), [State::Attached]);
        assert_eq!(
            states(12, 35),
            [State::Waiting, State::Attached, State::Failed]
        );
        assert_eq!(states(1, 5), []);
        assert!(probes.during("copy", 1, 50).is_empty());
    }
}
