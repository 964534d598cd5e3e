//! It can only grow while nobody has it.

use super::evidence::{growth_unknown, sizes};
use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::case::Case;
use crate::analysis::outside::Meaning;

pub(super) const RULE: Rule = Rule {
    name: "resize/offline-needed",
    version: 1,
    severity: Severity::Warning,
    headline: "WAITS FOR A RESTART",
    explains: &["resize/device-never-grew", "resize/unknown"],
    looks_for: "The call was accepted as one that takes effect offline (Type=offline, which is Alibaba \
                Cloud's default), or the driver says that it only expands detached volumes; the device did \
                not grow.",
    rests_on: "The call's parameters, or the driver's own words; where the node was recorded, no capacity change after it.",
    confirm: "The Type of the call in the trail; kubectl describe pvc.",
    advice: "Restart the instance, or stop the pod so that the volume is detached and attached again; next \
             time ask for Type=online where the disk allows it.",
    silent: Some(
        "the call succeeds at once; that it takes effect later is only in its parameters.",
    ),
    check: Check::Case(check),
};

fn check(case: &Case) -> Option<Said> {
    let outside = &case.outside;
    let call = outside
        .last_call()
        .filter(|call| call.is_offline() && call.accepted().is_some() && call.failure().is_none());
    let said = outside.last(Meaning::OfflineOnly);
    let (why, told) = match (&call, said) {
        (Some(call), _) => (
            format!("{} was accepted as an offline resize", call.action()),
            call.first(),
        ),
        (None, Some(told)) => (
            "the driver expands this volume only while it is detached".to_owned(),
            told,
        ),
        (None, None) => return None,
    };
    if case.grew_since(told.event.at) || case.has_wanted_size() == Some(true) {
        return None;
    }
    let mut evidence = vec![Evidence::Event { id: told.id }];
    let absence = case.never_grew_since(told);
    let since = match &absence {
        Ok(_) => "; the device has not grown since",
        Err(_) => "",
    };
    if let (Ok(absence), Some(volume)) = (&absence, &case.volume) {
        evidence.extend([absence.evidence(volume.recording), sizes(volume)]);
    }
    Some(Said {
        device: case.name(),
        summary: format!("{why}{since}."),
        evidence,
        doubt: absence.err().map(|why| growth_unknown(&why)),
        ..Said::default()
    })
}
