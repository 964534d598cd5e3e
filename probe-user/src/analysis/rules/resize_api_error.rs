//! The cloud refused.

use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::case::Case;
use crate::analysis::outside::{Call, Meaning, Told};
use crate::cloud::external::Detail;

pub(super) const RULE: Rule = Rule {
    name: "resize/api-error",
    version: 1,
    severity: Severity::Critical,
    headline: "REFUSED BY THE CLOUD",
    explains: &["resize/unknown"],
    looks_for: "The last call that asked the cloud to enlarge the disk was refused or failed later, and the \
                device did not grow.",
    rests_on: "The trail's record with its error code; without one, what the controller says.",
    confirm: "The request id in the cloud's console; kubectl describe pvc.",
    advice: "See what the error means, and ask again.",
    silent: None,
    check: Check::Case(check),
};

fn check(case: &Case) -> Option<Said> {
    let outside = &case.outside;
    match outside.last_call() {
        Some(call) => refused(case, &call),
        None => by_controller(case),
    }
}

fn refused(case: &Case, call: &Call) -> Option<Said> {
    let (told, step) = call.failure()?;
    let code = step.error.as_deref().unwrap_or("an error");
    if asks_less(code) || case.grew_since(call.began()) {
        return None;
    }
    let end = if call.accepted().is_some() {
        "failed after it was accepted"
    } else {
        "was refused"
    };
    Some(Said {
        device: case.name(),
        summary: format!("{} {end}: {code}.", call.action()),
        evidence: vec![Evidence::Event { id: told.id }],
        advice: advice(code).map(str::to_owned),
        ..Said::default()
    })
}

/// The provider's words for a size below the present one.
pub(super) fn asks_less(code: &str) -> bool {
    code.contains("InvalidDiskSize.TooSmall")
}

fn by_controller(case: &Case) -> Option<Said> {
    let outside = &case.outside;
    let failed: Told = outside.last(Meaning::CloudFailed)?;
    let later = outside
        .last(Meaning::CloudDone)
        .is_some_and(|done| !done.event.at.is_before(&failed.event.at));
    if later || case.grew_since(failed.event.at) {
        return None;
    }
    let (Detail::KubeEvent { message, .. } | Detail::LogLine { message, .. }) =
        &failed.event.detail
    else {
        return None;
    };
    Some(Said {
        device: case.name(),
        summary: format!("the controller could not enlarge the disk: {message}"),
        evidence: vec![Evidence::Event { id: failed.id }],
        advice: advice(message).map(str::to_owned),
        ..Said::default()
    })
}

fn advice(code: &str) -> Option<&'static str> {
    const ADVICE: &[(&str, &str)] = &[
        (
            "VolumeModificationRateExceeded",
            "AWS takes one modification of a volume in six hours: wait, then ask again.",
        ),
        (
            "IncorrectModificationState",
            "A modification of this volume is still going on: wait for `completed`, then ask again.",
        ),
        (
            "LastOrderProcessing",
            "The order before is still being processed: ask again.",
        ),
        (
            "CreatingSnapshot",
            "A snapshot of the disk is being made: wait for it, then ask again.",
        ),
        (
            "IncorrectDiskStatus",
            "The disk is in a state in which it cannot be resized: look at it in the console.",
        ),
        (
            "InstanceLockedForSecurity",
            "The instance is locked: have it unlocked, then ask again.",
        ),
        (
            "Unauthorized",
            "The driver's role lacks the permission: add it, then ask again.",
        ),
        (
            "Forbidden",
            "The driver's role lacks the permission: add it, then ask again.",
        ),
        (
            "AccessDenied",
            "The driver's role lacks the permission: add it, then ask again.",
        ),
        (
            "Quota",
            "A quota is used up: have it raised, then ask again.",
        ),
    ];
    let known = ADVICE.iter().find(|(part, _)| code.contains(part));
    known.map(|(_, advice)| *advice)
}
