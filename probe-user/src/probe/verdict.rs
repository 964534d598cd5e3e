//! From what happened to what is said: a state for each hook and each probe.
//!
//! Pure. A hook that serves only what this kernel lacks is no gap; a hook that
//! should work and does not, is one, and is never silent.

use super::Reason;
use super::catalog::{Probe, Purpose, Way};
use super::plan::PlannedPurpose;
use super::self_test::SelfTest;
use crate::sample::{ProbeStatus, probe_status};

pub use probe_status::State;

/// What came of one purpose.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The way that is attached.
    pub attached: Option<&'static Way>,
    /// Why better ways are not, or, if none is attached, why none is.
    pub reasons: Vec<Reason>,
}

impl Outcome {
    /// What is to come of a purpose if the kernel agrees with the plan.
    pub fn expected(planned: &PlannedPurpose) -> Self {
        Self {
            attached: planned.usable().next(),
            reasons: planned.against().cloned().collect(),
        }
    }

    /// The state this amounts to.
    pub fn state(&self) -> State {
        if self.attached.is_some() {
            State::Attached
        } else if self.waits() {
            State::Waiting
        } else if self.reasons.iter().all(Reason::is_unsupported) {
            State::Unsupported
        } else {
            State::Failed
        }
    }

    /// Whether it is only a module's loading that is waited for.
    fn waits(&self) -> bool {
        let not_loaded = |reason| matches!(reason, &Reason::NotLoaded(_));
        self.reasons.iter().any(not_loaded)
    }

    /// The reason, for people. Of an attached hook: why it is not attached in
    /// a better way, unless that way is merely that of other kernels.
    pub(super) fn reason(&self) -> String {
        let (broke, lacking): (Vec<_>, Vec<_>) = self
            .reasons
            .iter()
            .partition(|reason| !reason.is_unsupported());
        // What broke says more than what other kernels have.
        let told = if self.attached.is_some() || !broke.is_empty() {
            broke
        } else {
            most_telling(lacking)
        };
        let prefix = match self.attached {
            Some(_) => "second choice, because ",
            None => "",
        };
        let mut unique = Vec::new();
        for reason in told {
            let reason = format!("{prefix}{reason}");
            if !unique.contains(&reason) {
                unique.push(reason);
            }
        }
        unique.join("; ")
    }
}

/// Without the reasons of ways that are only those of other kernels, if any is
/// left then.
fn most_telling(reasons: Vec<&Reason>) -> Vec<&Reason> {
    let is_of_others = |reason: &&Reason| matches!(reason, Reason::OtherArguments(_));
    if reasons.iter().all(is_of_others) {
        return reasons;
    }
    reasons
        .into_iter()
        .filter(|reason| !is_of_others(reason))
        .collect()
}

/// The rows of the hooks that serve, or would serve, a purpose.
fn hooks(purpose: &Purpose, outcome: &Outcome) -> Vec<probe_status::Hook> {
    // Of a purpose that is not served, the first way stands for all.
    let Some(way) = outcome.attached.or(purpose.ways.first()) else {
        return Vec::new();
    };
    let row = |name: &str| probe_status::Hook {
        name: name.to_owned(),
        how: way.how().to_owned(),
        r#for: purpose.what.to_owned(),
        state: outcome.state().into(),
        reason: outcome.reason(),
        module: purpose.module.unwrap_or_default().to_owned(),
    };
    way.hooks().into_iter().map(row).collect()
}

/// The status of a probe that was selected; one outcome a purpose.
pub fn status(probe: &Probe, outcomes: &[Outcome]) -> ProbeStatus {
    let rows = probe.purposes.iter().zip(outcomes);
    ProbeStatus {
        name: probe.name.to_owned(),
        state: state(outcomes).into(),
        reason: reason(probe, outcomes),
        hooks: rows
            .flat_map(|(purpose, outcome)| hooks(purpose, outcome))
            .collect(),
        ..ProbeStatus::default()
    }
}

/// The status of a probe that was not selected.
pub fn off(probe: &Probe) -> ProbeStatus {
    ProbeStatus {
        name: probe.name.to_owned(),
        state: State::Off.into(),
        reason: "not selected".to_owned(),
        ..ProbeStatus::default()
    }
}

/// Whether a purpose in this state leaves its probe with a gap. Waiting does
/// not: without the module there is nothing to see.
fn is_gap(state: State) -> bool {
    matches!(state, State::Unsupported | State::Partial | State::Failed)
}

fn state(outcomes: &[Outcome]) -> State {
    let states: Vec<State> = outcomes.iter().map(Outcome::state).collect();
    let any = |wanted| states.contains(&wanted);
    match (any(State::Attached), states.iter().any(|&s| is_gap(s))) {
        (true, false) => State::Attached,
        (true, true) => State::Partial,
        (false, false) if any(State::Waiting) => State::Waiting,
        _ if any(State::Failed) => State::Failed,
        _ => State::Unsupported,
    }
}

/// What is missing from the probe, and why; each cause is said once.
fn reason(probe: &Probe, outcomes: &[Outcome]) -> String {
    let mut causes: Vec<(String, Vec<&str>)> = Vec::new();
    for (purpose, outcome) in probe.purposes.iter().zip(outcomes) {
        if !is_gap(outcome.state()) {
            continue;
        }
        let why = outcome.reason();
        match causes.iter_mut().find(|(cause, _)| *cause == why) {
            Some((_, missing)) => missing.push(purpose.what),
            None => causes.push((why, vec![purpose.what])),
        }
    }
    match causes.as_slice() {
        [(cause, missing)] if missing.len() == outcomes.len() => cause.clone(),
        _ => {
            let told = causes
                .into_iter()
                .map(|(cause, missing)| format!("no {}: {cause}", missing.join(", no ")));
            told.collect::<Vec<_>>().join("; ")
        }
    }
}

/// The same status after a self-test: a hook that is attached and does not
/// fire is a gap as much as one that is not attached.
pub fn after_self_test(mut status: ProbeStatus, result: &SelfTest) -> ProbeStatus {
    status.self_test = result.to_string();
    if let (SelfTest::Failed(why), State::Attached) = (result, status.state()) {
        status.state = State::Partial.into();
        status.reason = format!("the self-test failed: {why}");
    }
    status
}

#[cfg(test)]
mod tests;
