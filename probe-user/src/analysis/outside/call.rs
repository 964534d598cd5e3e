//! Calls to a cloud's API, each with all that was recorded of it.

use super::Told;
use crate::cloud::external::{ApiResize, Detail};
use crate::cloud::{ApiState, Interval};
use std::collections::BTreeMap;

/// One call that resizes a disk.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    steps: Vec<(Told<'a>, &'a ApiResize)>,
}

/// The calls in these events, in the order in which they began. Records of one
/// call share its request id, whichever source they are from; a completion that
/// has none (a notification) belongs to the call before it.
pub(super) fn of<'a>(told: &[Told<'a>]) -> Vec<Call<'a>> {
    let mut calls: Vec<Call> = Vec::new();
    let mut by_id: BTreeMap<&str, usize> = BTreeMap::new();
    for &told in told {
        let Detail::ApiResize(step) = &told.event.detail else {
            continue;
        };
        let known = match step.request_id.as_deref() {
            Some(id) => by_id.get(id).copied(),
            None => calls
                .iter()
                .rposition(|call| call.may_continue(step, told.event.at)),
        };
        if let Some(known) = known {
            calls[known].steps.push((told, step));
        } else {
            by_id.extend(step.request_id.as_deref().map(|id| (id, calls.len())));
            calls.push(Call {
                steps: vec![(told, step)],
            });
        }
    }
    calls
}

impl<'a> Call<'a> {
    /// Whether a record without a request id may tell more of this call.
    fn may_continue(&self, step: &ApiResize, at: Interval) -> bool {
        let same = |a: Option<u64>, b: Option<u64>| a.is_none() || b.is_none() || a == b;
        let same_size = same(self.to_bytes(), step.to_bytes);
        let (states, accepted) = (self.failure().is_none(), self.accepted());
        match step.state {
            ApiState::Completed | ApiState::Failed => {
                states && same_size && self.completed().is_none()
            }
            // One call told by two sources.
            ApiState::Accepted | ApiState::Requested => {
                same_size && accepted.is_some_and(|told| !apart(told.event.at, at))
            }
        }
    }

    fn step(&self, state: ApiState) -> Option<(Told<'a>, &'a ApiResize)> {
        self.steps
            .iter()
            .find(|(_, step)| step.state == state)
            .copied()
    }

    /// When it began: its earliest record.
    pub fn began(&self) -> Interval {
        self.first().event.at
    }

    /// Its earliest record.
    pub fn first(&self) -> Told<'a> {
        self.steps[0].0
    }

    /// All of its records.
    pub fn records(&self) -> impl Iterator<Item = Told<'a>> {
        self.steps.iter().map(|(told, _)| *told)
    }

    /// The record that the API took it. A call that completed was taken.
    pub fn accepted(&self) -> Option<Told<'a>> {
        let taken = self.step(ApiState::Accepted);
        let taken = taken.or_else(|| self.completed().and(self.steps.first().copied()));
        taken.map(|(told, _)| told)
    }

    /// The record that the cloud was done.
    pub fn completed(&self) -> Option<(Told<'a>, &'a ApiResize)> {
        self.step(ApiState::Completed)
    }

    /// The record that it was refused, or failed later.
    pub fn failure(&self) -> Option<(Told<'a>, &'a ApiResize)> {
        self.step(ApiState::Failed)
    }

    /// Name of the call.
    pub fn action(&self) -> &'a str {
        &self.steps[0].1.action
    }

    /// Size before.
    pub fn from_bytes(&self) -> Option<u64> {
        self.steps.iter().find_map(|(_, step)| step.from_bytes)
    }

    /// Size asked for.
    pub fn to_bytes(&self) -> Option<u64> {
        self.steps.iter().find_map(|(_, step)| step.to_bytes)
    }

    /// The disk that it names.
    pub fn disk_id(&self) -> Option<&'a str> {
        self.steps
            .iter()
            .find_map(|(_, step)| step.disk_id.as_deref())
    }

    /// The provider's id of the request.
    pub fn request_id(&self) -> Option<&'a str> {
        self.steps
            .iter()
            .find_map(|(_, step)| step.request_id.as_deref())
    }

    /// Who called.
    pub fn actor(&self) -> Option<&'a str> {
        self.steps
            .iter()
            .find_map(|(_, step)| step.actor.as_deref())
    }

    /// The disk grows only when it is detached or its instance restarted.
    pub fn is_offline(&self) -> bool {
        self.steps.iter().any(|(_, step)| step.offline)
    }
}

/// Records of one call by two sources are not this far apart.
const SAME_CALL_NS: i64 = 5_000_000_000;

fn apart(a: Interval, b: Interval) -> bool {
    a.end_ns.saturating_add(SAME_CALL_NS) < b.start_ns
        || b.end_ns.saturating_add(SAME_CALL_NS) < a.start_ns
}
