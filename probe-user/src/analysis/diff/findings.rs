//! Findings of two recordings, by where they hold.

use super::Side;
use super::identity::Matching;
use super::schema::FindingsDiff;
use crate::analysis::{Finding, rules};
use crate::sample::Dev;
use std::collections::BTreeMap;

/// A finding with the number of its volume; none if it is about no volume of
/// both recordings.
struct Placed {
    number: Option<usize>,
    finding: Finding,
}

/// All findings of both.
pub(super) struct Placements {
    a: Vec<Placed>,
    b: Vec<Placed>,
}

pub(super) fn findings(a: &Side, b: &Side, matching: &Matching) -> Placements {
    Placements {
        a: placed(a, |dev| matching.of_a(dev)),
        b: placed(b, |dev| matching.of_b(dev)),
    }
}

impl Placements {
    /// Leaves only those about volumes that are wanted.
    pub(super) fn keep(&mut self, wanted: impl Fn(Option<usize>) -> bool) {
        self.a.retain(|one| wanted(one.number));
        self.b.retain(|one| wanted(one.number));
    }

    /// The same rule about the same volume is in both.
    pub(super) fn into_rows(self) -> FindingsDiff {
        let is_in = |one: &Placed, others: &[Placed]| others.iter().any(|other| one.is(other));
        let only = |of: &[Placed], others: &[Placed], common: bool| {
            let wanted = of.iter().filter(|one| is_in(one, others) == common);
            wanted.map(|one| one.finding.clone()).collect()
        };
        FindingsDiff {
            only_a: only(&self.a, &self.b, false),
            only_b: only(&self.b, &self.a, false),
            both: only(&self.b, &self.a, true),
        }
    }
}

impl Placed {
    fn is(&self, other: &Self) -> bool {
        let same_volume = match (self.number, other.number) {
            (None, None) => self.finding.device.is_none() && other.finding.device.is_none(),
            (one, other) => one == other,
        };
        self.finding.rule == other.finding.rule && same_volume
    }
}

fn placed(side: &Side, number: impl Fn(Dev) -> Option<usize>) -> Vec<Placed> {
    let devices = side.recording.devices();
    let disks = devices.all().map(|(dev, _)| dev);
    let mounted = devices.mounts().map(|state| Dev(state.mount.dev));
    let by_name: BTreeMap<String, Dev> = disks
        .chain(mounted.map(|dev| devices.canonical(dev)))
        .filter_map(|dev| Some((devices.name(dev)?, dev)))
        .collect();
    let place = |finding: Finding| {
        let dev = finding.device.as_ref().and_then(|name| by_name.get(name));
        Placed {
            number: dev.and_then(|dev| number(*dev)),
            finding,
        }
    };
    let findings = rules::findings(side.recording);
    findings.into_iter().map(place).collect()
}
