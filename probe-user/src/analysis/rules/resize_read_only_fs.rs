//! A file system that is mounted read-only cannot grow.

use super::evidence::{not_resized_later, sizes};
use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::case::Case;
use crate::analysis::outside::Meaning;
use crate::analysis::volume::Volume;

pub(super) const RULE: Rule = Rule {
    name: "resize/read-only-fs",
    version: 1,
    severity: Severity::Critical,
    headline: "MOUNTED READ-ONLY",
    explains: &["resize/failed", "resize/fs-not-grown", "resize/unknown"],
    looks_for: "A resize was refused with EROFS, or kubelet says that the volume is read-only, and no \
                later resize of that file system succeeded.",
    rests_on: "The call's return value, and the mount's options, and no resize from then to the end; or kubelet's own words.",
    confirm: "findmnt DEVICE: the options begin with ro. dmesg tells whether it was remounted after an \
              error.",
    advice: "Find out why it is read-only; remount it read-write, then resize.",
    silent: Some("kubelet leaves read-only volumes alone and takes that for success."),
    check: Check::Case(check),
};

fn check(case: &Case) -> Option<Said> {
    let refused = case.volume.as_ref().and_then(refused);
    refused.or_else(|| said(case))
}

/// What kubelet says: it does not try then, and takes that for success.
fn said(case: &Case) -> Option<Said> {
    let told = case.outside.last(Meaning::ReadOnly)?;
    let full = case.volume.as_ref().and_then(Volume::is_full_size) == Some(true);
    if full && case.has_wanted_size() != Some(false) {
        return None;
    }
    Some(Said {
        device: case.name(),
        summary: "nobody resized the file system because it is read-only.".to_owned(),
        evidence: vec![Evidence::Event { id: told.id }],
        ..Said::default()
    })
}

fn refused(volume: &Volume) -> Option<Said> {
    let refused = volume
        .attempts
        .iter()
        .rev()
        .find(|a| a.error() == Some("EROFS"))?;
    if volume.grew_since(refused.event.boot_ns) {
        return None;
    }
    let later = not_resized_later(volume, refused.end_ns()?);
    let mut evidence = vec![Evidence::Event {
        id: refused.event.id,
    }];
    evidence.extend(later.as_ref().ok().cloned());
    evidence.push(sizes(volume));
    Some(Said {
        device: Some(volume.name.clone()),
        summary: "the resize was refused because the file system is read-only (EROFS).".to_owned(),
        evidence,
        doubt: later.err(),
        ..Said::default()
    })
}
