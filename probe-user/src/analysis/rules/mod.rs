//! Rules: what evidence means.
//!
//! A rule is a pure function of its own of the evidence, in a file of its own,
//! and one line in [`ALL`]. It knows nothing of the others: which of several
//! that hold is said is decided by [`rank`] and by what each explains.

mod clock_unsynchronised;
mod copy_errors;
mod copy_fallback;
mod copy_regressed;
mod copy_short_copies;
mod evidence;
#[cfg(test)]
mod near_misses;
mod rank;
mod readahead_changed;
mod readahead_reset;
mod readahead_too_small;
mod readahead_window_shrunk;
#[cfg(test)]
mod reading_tests;
mod resize_api_error;
mod resize_device_never_grew;
mod resize_failed;
mod resize_fs_not_grown;
mod resize_late;
mod resize_mapping_not_grown;
mod resize_no_api_call;
mod resize_no_op_before_capacity;
mod resize_offline_needed;
mod resize_ok;
mod resize_partition_not_grown;
mod resize_read_only_fs;
mod resize_shrink_refused;
mod resize_unknown;
mod resize_wrong_device;
#[cfg(test)]
mod tests;

pub(in crate::analysis) use evidence::growth as evidence_of_growth;

use super::case::Case;
use super::finding::{Evidence, Finding, Severity};
use super::volume::Volume;
use crate::model::Recording;

pub(super) use copy_errors::is_refusal;
pub(super) use copy_regressed::copy_regressed;
pub(super) use readahead_changed::changes as read_ahead_changes;

/// All rules. Their order says nothing.
pub const ALL: &[&Rule] = &[
    &clock_unsynchronised::RULE,
    &copy_errors::RULE,
    &copy_fallback::RULE,
    &copy_regressed::RULE,
    &copy_short_copies::RULE,
    &readahead_changed::RULE,
    &readahead_reset::RULE,
    &readahead_too_small::RULE,
    &readahead_window_shrunk::RULE,
    &resize_api_error::RULE,
    &resize_device_never_grew::RULE,
    &resize_failed::RULE,
    &resize_fs_not_grown::RULE,
    &resize_late::RULE,
    &resize_mapping_not_grown::RULE,
    &resize_no_api_call::RULE,
    &resize_no_op_before_capacity::RULE,
    &resize_offline_needed::RULE,
    &resize_ok::RULE,
    &resize_partition_not_grown::RULE,
    &resize_read_only_fs::RULE,
    &resize_shrink_refused::RULE,
    &resize_unknown::RULE,
    &resize_wrong_device::RULE,
];

/// A rule, with its document.
#[derive(Debug)]
pub struct Rule {
    /// `area/what-happened`.
    pub name: &'static str,
    /// Counted up when it finds other things than before.
    pub version: u32,
    /// How bad it is if it holds.
    pub severity: Severity,
    /// The verdict in two or three words.
    pub headline: &'static str,
    /// Rules that say less of the same volume when this one holds.
    pub explains: &'static [&'static str],
    /// What it looks for.
    pub looks_for: &'static str,
    /// On what evidence it rests.
    pub rests_on: &'static str,
    /// How to see it by hand.
    pub confirm: &'static str,
    /// What to do.
    pub advice: &'static str,
    /// Why nobody was told, where that is known.
    pub silent: Option<&'static str>,
    check: Check,
}

/// What a rule is a function of.
#[derive(Debug)]
enum Check {
    /// One volume, by what its node saw.
    Volume(fn(&Volume) -> Option<Said>),
    /// One volume, by what its node saw and what others tell.
    Case(fn(&Case) -> Option<Said>),
    /// The whole recording.
    Recording(fn(&Recording) -> Vec<Said>),
    /// Two recordings: a diff says it.
    Comparison,
}

/// What a rule has to say.
#[derive(Clone, Debug, Default)]
struct Said {
    /// The volume's name.
    device: Option<String>,
    summary: String,
    evidence: Vec<Evidence>,
    /// What to do here; the rule's general advice where it is `None`.
    advice: Option<String>,
    /// What is not known, and leaves another answer open.
    doubt: Option<String>,
}

/// The rule with this name.
pub fn find(name: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|rule| rule.name == name)
}

/// The rules, those that say most first.
pub fn by_rank(rules: &[&'static Rule]) -> Vec<&'static Rule> {
    let mut rules = rules.to_vec();
    rules.sort_by_key(|rule| rank::of(rule.name));
    rules
}

/// A rule's verdict in two or three words, for headings.
pub fn headline(name: &str) -> &'static str {
    find(name).map_or("FINDING", |rule| rule.headline)
}

/// What holds for a recording, most important first.
pub fn findings(recording: &Recording) -> Vec<Finding> {
    of_rules(ALL, recording)
}

fn of_rules(rules: &[&'static Rule], recording: &Recording) -> Vec<Finding> {
    let cases = Volume::all(recording).into_iter().map(Case::of_node);
    let mut findings: Vec<Finding> = cases.filter_map(|case| verdict_by(rules, &case)).collect();
    findings.extend(whole_by(rules, recording));
    sort(&mut findings);
    findings
}

/// The verdict on one volume.
pub fn verdict(case: &Case) -> Option<Finding> {
    verdict_by(ALL, case)
}

fn verdict_by(rules: &[&'static Rule], case: &Case) -> Option<Finding> {
    let said = rules.iter().filter_map(|rule| {
        let said = match rule.check {
            Check::Volume(check) => check(case.volume.as_ref()?),
            Check::Case(check) => check(case),
            Check::Recording(_) | Check::Comparison => None,
        };
        Some((*rule, said?))
    });
    rank::verdict(said.collect())
}

/// The rank of a rule: the smaller, the more it says.
pub fn rank(rule: &str) -> usize {
    rank::of(rule)
}

/// The verdict where two are possible, and which one hangs on a clock that is
/// not synchronised.
pub fn undecided(verdict: &Finding, or: &str) -> Finding {
    clock_unsynchronised::undecided(verdict, or)
}

/// What holds for a recording as a whole.
pub fn whole(recording: &Recording) -> Vec<Finding> {
    whole_by(ALL, recording)
}

fn whole_by(rules: &[&'static Rule], recording: &Recording) -> Vec<Finding> {
    let mut found = Vec::new();
    for rule in rules {
        if let Check::Recording(check) = rule.check {
            let said = check(recording).into_iter();
            found.extend(said.map(|said| finding(rule, said, rule.explains.to_vec())));
        }
    }
    rank::without_explained(found)
}

/// Most important first.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|f| {
        (
            std::cmp::Reverse(f.severity),
            rank::of(f.rule),
            f.device.clone(),
        )
    });
}

fn finding(rule: &Rule, said: Said, explains: Vec<&'static str>) -> Finding {
    Finding {
        host: None,
        rule: rule.name,
        version: rule.version,
        severity: rule.severity,
        device: said.device,
        summary: said.summary,
        evidence: said.evidence,
        explains,
        advice: said
            .advice
            .or_else(|| Some(rule.advice.to_owned()).filter(|a| !a.is_empty())),
        doubt: said.doubt,
    }
}
