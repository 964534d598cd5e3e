//! The volume that did not grow: the tool ran first, the device grew after.

use super::evidence::{grow_command, growth, kind_of, sizes};
use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::absence::Basis;
use crate::analysis::case::Case;
use crate::analysis::fill::fills;
use crate::units::gap;

pub(super) const RULE: Rule = Rule {
    name: "resize/no-op-before-capacity",
    version: 1,
    severity: Severity::Critical,
    headline: "DID NOT GROW",
    explains: &["resize/fs-not-grown", "resize/unknown"],
    looks_for: "resize2fs or xfs_growfs ran before the disk had grown, found nothing to do and exited \
                0; then it grew, and nobody resized the file system again.",
    rests_on: "The tool's exit with code 0 and no resize call; the capacity change after it; no resize \
               and no further run of such a tool from then to the end of the recording.",
    confirm: "Compare `blockdev --getsize64 DEVICE` with `dumpe2fs -h DEVICE` (block count × block \
              size) or `xfs_info MOUNT`. Not df: it leaves out what the file system needs for itself.",
    advice: "Resize the file system now; let the component that does it wait until the device has the \
             size that was asked for.",
    silent: Some(
        "the tool's \"Nothing to do!\" goes to no log, and its exit code 0 is taken for success.",
    ),
    check: Check::Case(check),
};

/// Where nobody is known to have asked for the growth, a run this long before it
/// has nothing to do with it.
const NEAR_NS: u64 = 600_000_000_000;

fn check(case: &Case) -> Option<Said> {
    let volume = case.volume.as_ref()?;
    let run = volume.runs.last()?;
    let grown = volume
        .growths
        .iter()
        .find(|growth| growth.after_ns >= run.end_ns())?;
    let early_ns = grown.by_ns.saturating_sub(run.end_ns());
    let is_early = run.saw.is_none_or(|saw| saw < grown.to);
    let belongs = match case.ran_before_asked(volume, run) {
        Some(before) => !before,
        None => early_ns <= NEAR_NS,
    };
    if !belongs || !is_early || !volume.was_no_op(run) {
        return None;
    }
    let last = volume.growths.last()?;
    if volume.fs_bytes().is_some_and(|fs| fills(fs, last.to)) {
        return None;
    }
    let absence = volume.nobody_resized_since(grown.after_ns).ok()?;
    let mut evidence = vec![Evidence::Event { id: run.event.id }];
    evidence.extend(
        volume
            .growths
            .iter()
            .filter(|g| g.after_ns >= run.end_ns())
            .map(|g| growth(volume, g)),
    );
    evidence.push(absence.evidence(volume.recording));
    evidence.push(sizes(volume));
    Some(Said {
        device: Some(volume.name.clone()),
        summary: format!(
            "{} ran {} before the {} had grown, found nothing to do, and exited 0; {}.",
            run.tool(),
            gap(early_ns),
            kind_of(volume, grown.dev),
            match absence.basis {
                Basis::Events | Basis::Both => "nothing resized it afterwards",
                Basis::State => "it has not grown since",
            }
        ),
        evidence,
        advice: Some(grow_command(volume)),
        ..Said::default()
    })
}
