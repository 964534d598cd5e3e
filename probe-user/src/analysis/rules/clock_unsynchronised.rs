//! The node's clock does not vouch for itself.

use super::{Check, Evidence, Finding, Rule, Said, Severity, finding};
use crate::model::Recording;
use crate::units::duration;

pub(super) const RULE: Rule = Rule {
    name: "clock/unsynchronised",
    version: 1,
    severity: Severity::Info,
    headline: "CLOCK UNSYNCHRONISED",
    explains: &[],
    looks_for: "The kernel says that its clock is not synchronised, or that it may be off by a second or \
                more. It is then taken to be good to 1 s, which is an assumption.",
    rests_on: "adjtimex at each flush.",
    confirm: "timedatectl, chronyc tracking.",
    advice: "Let chrony or timesyncd run. Orders among kernel events do not depend on it; orders between \
             this node and other sources do.",
    silent: None,
    check: Check::Recording(check),
};

/// Which of two verdicts holds depends on an order that the clock cannot tell.
pub(super) fn undecided(verdict: &Finding, or: &str) -> Finding {
    let said = Said {
        device: verdict.device.clone(),
        summary: format!(
            "whether it is {} or {or} depends on an order that the node's clock, which is not \
             synchronised, cannot tell.",
            verdict.rule
        ),
        evidence: verdict.evidence.clone(),
        ..Said::default()
    };
    finding(&RULE, said, vec![verdict.rule])
}

/// From here on the kernel's own bound says nothing.
const USELESS_NS: u64 = 1_000_000_000;

fn check(recording: &Recording) -> Vec<Said> {
    let clock = &recording.totals().clock;
    if clock.anchors == 0 || clock.unsynchronised == 0 && clock.max_error_ns < USELESS_NS {
        return Vec::new();
    }
    let what = format!(
        "{} of {} readings unsynchronised, error up to {}",
        clock.unsynchronised,
        clock.anchors,
        duration(clock.max_error_ns)
    );
    let said = Said {
        device: None,
        summary:
            "the node's clock is not synchronised: against other clocks its times are assumed good \
                  to 1 s."
                .to_owned(),
        evidence: vec![Evidence::Config { device: None, what }],
        ..Said::default()
    };
    vec![said]
}
