//! Another disk was enlarged.

use super::evidence::sizes;
use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::case::Case;
use crate::analysis::outside::Call;
use crate::units::maybe;

pub(super) const RULE: Rule = Rule {
    name: "resize/wrong-device",
    version: 1,
    severity: Severity::Critical,
    headline: "ANOTHER DISK GREW",
    explains: &["resize/unknown"],
    looks_for: "The cloud was told to enlarge another disk than the one that the volume lies on: this one \
                was asked for, or a tool ran on it, and the call names a disk nobody had asked for.",
    rests_on: "The disk id in the API call; the serial number or volume handle of the volume's own disk; \
               the capacity changes that were seen.",
    confirm: "lsblk -o NAME,SERIAL and the volumeHandle of the persistent volume against the call's disk id.",
    advice: "Enlarge the right disk. The other one has been paid for: it does not shrink.",
    silent: Some("the call succeeded, for a disk that exists."),
    check: Check::Case(check),
};

fn check(case: &Case) -> Option<Said> {
    let call = stray_call(case)?;
    let told = call.first();
    let request = case.outside.request().and_then(|request| request.told);
    let mut evidence: Vec<Evidence> = request
        .map(|told| Evidence::Event { id: told.id })
        .into_iter()
        .collect();
    evidence.push(Evidence::Event { id: told.id });
    let other = call.disk_id().unwrap_or_default();
    let own = case.outside.disk_id.as_deref();
    let mut grew = String::new();
    if let Some(volume) = &case.volume {
        let run = volume.runs.last();
        evidence.extend(run.map(|run| Evidence::Event { id: run.event.id }));
        if let Some((name, id)) = volume.growth_of_disk(other) {
            grew = format!(", and {name} grew");
            evidence.extend(id.map(|id| Evidence::Event { id }));
        }
        evidence.push(sizes(volume));
    }
    Some(Said {
        device: case.name(),
        summary: format!(
            "the call names {other}{grew}; this volume lies on {}.",
            maybe(own, str::to_owned)
        ),
        evidence,
        ..Said::default()
    })
}

/// A call that was accepted for a disk that nobody asked to grow, in place of
/// this volume's: it came after this one was asked for, or before a tool ran on
/// it for nothing, and this one neither got a call nor grew.
pub(super) fn stray_call<'a>(case: &Case<'a>) -> Option<Call<'a>> {
    let outside = &case.outside;
    outside.disk_id.as_ref()?;
    let request = outside.request();
    let asked = request.and_then(|request| request.told);
    let run = case.volume.as_ref().and_then(|volume| {
        let last = volume.runs.last();
        Some((volume, last.filter(|run| volume.was_no_op(run))?))
    });
    outside.strays.iter().find_map(|call| {
        let began = call.began();
        let same_size = match (call.to_bytes(), outside.wanted_bytes()) {
            (Some(call), Some(wanted)) => call == wanted,
            _ => true,
        };
        let after_request = asked.is_some_and(|told| !began.is_before(&told.event.at));
        let before_run = asked.is_none()
            && run.is_some_and(|(volume, run)| {
                case.is_after(volume, run.start_ns(), began)
                    && volume
                        .growth_of_disk(call.disk_id().unwrap_or_default())
                        .is_some()
            });
        let own_call = outside.calls().iter().any(|own| match asked {
            Some(told) => !own.began().is_before(&told.event.at),
            None => true,
        });
        let holds = call.accepted().is_some()
            && same_size
            && (after_request || before_run)
            && !own_call
            && !case.grew_since(began);
        holds.then(|| call.clone())
    })
}
