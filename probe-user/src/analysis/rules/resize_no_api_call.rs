//! Somebody asked for more, and nobody told the cloud.

use super::evidence::sizes;
use super::resize_wrong_device::stray_call;
use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::case::Case;
use crate::analysis::outside::Meaning;
use crate::analysis::times::rfc3339;
use crate::cloud::Interval;
use crate::units::bytes_change;

pub(super) const RULE: Rule = Rule {
    name: "resize/no-api-call",
    version: 1,
    severity: Severity::Critical,
    headline: "NEVER ASKED FOR",
    explains: &["resize/unknown"],
    looks_for: "A claim was asked to be larger, the trail of API calls goes on past that, and it has no \
                call for the claim's disk; the device did not grow.",
    rests_on: "The write of the claim; the trail, and the time that it covers: a trail comes minutes late, so it must go \
               on well past the write. Where the node was recorded, no capacity change after it.",
    confirm: "Look for the disk's id in the trail; kubectl describe pvc; the log of external-resizer.",
    advice: "See why the controller did nothing: is external-resizer running, does the storage class \
             have allowVolumeExpansion, has the claim another driver?",
    silent: Some("nobody waits for a call that was never made."),
    check: Check::Case(check),
};

fn check(case: &Case) -> Option<Said> {
    let outside = &case.outside;
    let request = outside.request()?;
    let told = request.told?;
    let asked = told.event.at;
    let trail = outside
        .trail()
        .filter(|trail| asked.is_before(trail) || asked.end_ns < trail.end_ns)?;
    let called = |began: Interval| !began.is_before(&asked);
    let explained = [
        Meaning::CloudFailed,
        Meaning::OfflineOnly,
        Meaning::NotLarger,
    ];
    if outside.calls().iter().any(|call| called(call.began()))
        || explained
            .iter()
            .any(|&meaning| outside.last(meaning).is_some())
        || stray_call(case).is_some()
        || case.grew_since(asked)
        || case.has_wanted_size() == Some(true)
    {
        return None;
    }
    let id = outside.disk_id.as_deref().unwrap_or("its disk");
    let begins_late = trail.start_ns > asked.end_ns;
    let absence = Evidence::Absence {
        what: format!("API call for {id}"),
        probes: Vec::new(),
        from: Some(rfc3339(trail.start_ns.max(asked.start_ns))),
        to: Some(rfc3339(trail.end_ns)),
        basis: "events",
    };
    let mut evidence = vec![Evidence::Event { id: told.id }, absence];
    // What the kernel saw agrees with the trail, where it was watched.
    if let (Ok(absence), Some(volume)) = (case.never_grew_since(told), &case.volume) {
        evidence.extend([absence.evidence(volume.recording), sizes(volume)]);
    }
    Some(Said {
        device: case.name(),
        summary: format!(
            "the claim was asked to grow {}, and no call for {id} reached the cloud's API.",
            bytes_change(request.from_bytes, request.to_bytes)
        ),
        evidence,
        doubt: begins_late.then(|| {
            "the trail begins after the claim was changed: a call may have come before".to_owned()
        }),
        ..Said::default()
    })
}
