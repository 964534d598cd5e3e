//! It grew in the end.

use super::evidence::{growth, sizes};
use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::case::{Case, real};
use crate::analysis::volume::{Attempt, Growth, ToolRun, Volume};
use crate::units::gap;

pub(super) const RULE: Rule = Rule {
    name: "resize/late",
    version: 2,
    severity: Severity::Info,
    headline: "GREW LATE",
    explains: &["resize/ok"],
    looks_for: "The file system grew to its device's size, but more than 60 s after the device or the call to the cloud, or only \
                after a run of the tool that came too early and found nothing to do.",
    rests_on: "The capacity change, the resize that succeeded, and the earlier run, if any.",
    confirm: "The timeline shows all three.",
    advice: "Nothing to do now. It will happen again: whoever resizes should wait for the capacity.",
    silent: None,
    check: Check::Case(check),
};

/// More than this between device, or call, and file system is late.
const LATE_NS: u64 = 60_000_000_000;

fn check(case: &Case) -> Option<Said> {
    let volume = case.volume.as_ref()?;
    let done = volume
        .attempts
        .iter()
        .rev()
        .find(|attempt| attempt.grew())?;
    let asked_ns = since_call(case, volume, done).filter(|&ns| ns > LATE_NS);
    if !volume.is_full_size()? {
        return None;
    }
    let mut evidence = Vec::new();
    let summary = match volume.growths.last() {
        Some(grown) => {
            let delay_ns = done.event.boot_ns.checked_sub(grown.by_ns)?;
            let early = early_run(volume, grown);
            evidence.extend(early.map(|run| Evidence::Event { id: run.event.id }));
            evidence.push(growth(volume, grown));
            let why = match early {
                Some(run) => format!(
                    "{} had run {} too early, with nothing to do",
                    run.tool(),
                    gap(grown.by_ns - run.end_ns())
                ),
                None if delay_ns > LATE_NS => "nobody tried before".to_owned(),
                None => format!("that was {} after the cloud was asked", gap(asked_ns?)),
            };
            let delay = gap(delay_ns);
            format!("the file system grew {delay} after its device; {why}.")
        }
        // It had come with its new size.
        None => format!(
            "the file system grew {} after the cloud was asked.",
            gap(asked_ns?)
        ),
    };
    evidence.extend([Evidence::Event { id: done.event.id }, sizes(volume)]);
    Some(Said {
        device: Some(volume.name.clone()),
        summary,
        evidence,
        ..Said::default()
    })
}

/// A run that had nothing to do because it came before the growth.
fn early_run<'a>(volume: &'a Volume, grown: &Growth) -> Option<&'a ToolRun<'a>> {
    let mut runs = volume.runs.iter().rev();
    runs.find(|run| run.end_ns() <= grown.after_ns && volume.was_no_op(run))
}

/// From the call to the cloud's API to the resize, as little as it may have been.
fn since_call(case: &Case, volume: &Volume, done: &Attempt) -> Option<u64> {
    let call = case.outside.last_call()?.accepted()?;
    let resized = real(volume.recording, done.event.boot_ns)?;
    let since = resized.start_ns.checked_sub(call.event.at.end_ns)?;
    u64::try_from(since).ok()
}
