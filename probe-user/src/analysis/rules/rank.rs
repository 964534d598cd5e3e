//! Which of the rules that hold for a volume is its verdict.

use std::collections::BTreeSet;

use super::{Finding, Rule, Said, finding};

/// All rules, those that say most first: a specific cause before a general
/// one. This is the only place that knows an order.
const RANKS: &[&str] = &[
    "resize/no-api-call",
    "resize/api-error",
    "resize/wrong-device",
    "resize/shrink-refused",
    "resize/read-only-fs",
    "resize/offline-needed",
    "resize/device-never-grew",
    "resize/no-op-before-capacity",
    "resize/partition-not-grown",
    "resize/mapping-not-grown",
    "resize/failed",
    "resize/fs-not-grown",
    "resize/late",
    "resize/ok",
    "resize/unknown",
    "readahead/reset-by-resize",
    "readahead/window-shrunk",
    "readahead/too-small",
    "readahead/changed-during-recording",
    "copy/errors",
    "copy/regressed",
    "copy/short-copies",
    "copy/fallback",
    "clock/unsynchronised",
];

/// The rank of a rule; the smaller, the more it says.
pub(super) fn of(rule: &str) -> usize {
    RANKS
        .iter()
        .position(|name| *name == rule)
        .unwrap_or(RANKS.len())
}

/// The verdict on one volume: what nothing else explains, and of that what says
/// most. It explains what it says it does, and everything else that holds.
pub(super) fn verdict(said: Vec<(&'static Rule, Said)>) -> Option<Finding> {
    let is_explained = |name: &str| said.iter().any(|(rule, _)| rule.explains.contains(&name));
    let left = said.iter().filter(|(rule, _)| !is_explained(rule.name));
    let best = left
        .map(|(rule, _)| rule.name)
        .min_by_key(|name| of(name))?;
    let others = said.iter().map(|(rule, _)| rule.name);
    let mut others: BTreeSet<&str> = others.filter(|name| *name != best).collect();
    let (rule, said) = said.into_iter().find(|(rule, _)| rule.name == best)?;
    others.extend(rule.explains);
    let mut explains: Vec<_> = others.into_iter().collect();
    explains.sort_by_key(|name| of(name));
    Some(finding(rule, said, explains))
}

/// Leaves out what another finding about the same device explains.
pub(super) fn without_explained(mut findings: Vec<Finding>) -> Vec<Finding> {
    let explained = |f: &Finding| {
        let mut others = findings.iter().filter(|other| other.device == f.device);
        others.any(|other| other.explains.contains(&f.rule))
    };
    let explained: Vec<bool> = findings.iter().map(explained).collect();
    let mut explained = explained.into_iter();
    findings.retain(|_| !explained.next().unwrap_or(false));
    findings
}

#[cfg(test)]
mod tests {
    use super::super::ALL;
    use super::*;

    #[test]
    fn every_rule_has_a_rank_of_its_own() {
        let mut ranks: Vec<_> = ALL.iter().map(|rule| of(rule.name)).collect();
        ranks.sort_unstable();
        ranks.dedup();
        assert_eq!(ranks.len(), ALL.len());
        assert!(ranks.iter().all(|&rank| rank < RANKS.len()));
    }

    #[test]
    fn what_explains_has_the_better_rank() {
        for rule in ALL {
            for explained in rule.explains {
                assert!(
                    of(rule.name) < of(explained),
                    "{} explains {explained}",
                    rule.name
                );
                assert!(RANKS.contains(explained), "{explained}");
            }
        }
    }

    #[test]
    fn of_any_two_the_same_one_wins_whatever_their_order() {
        let said = |rule: &'static Rule| {
            let said = Said {
                device: None,
                summary: String::new(),
                evidence: Vec::new(),
                ..Said::default()
            };
            (rule, said)
        };
        for a in ALL {
            for b in ALL.iter().filter(|b| b.name != a.name) {
                let one = verdict(vec![said(a), said(b)]).unwrap();
                let other = verdict(vec![said(b), said(a)]).unwrap();
                assert_eq!(one, other, "{} and {}", a.name, b.name);
                assert_eq!(of(one.rule), of(a.name).min(of(b.name)));
            }
        }
    }
}
