//! A file system that is mounted read-only cannot grow.

use super::evidence::sizes;
use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::volume::Volume;

pub(super) const RULE: Rule = Rule {
    name: "resize/read-only-fs",
    version: 1,
    severity: Severity::Critical,
    headline: "MOUNTED READ-ONLY",
    explains: &["resize/failed", "resize/fs-not-grown", "resize/unknown"],
    looks_for: "A resize was refused with EROFS, and no later resize of that file system succeeded.",
    rests_on: "The call's return value, and the mount's options.",
    confirm: "findmnt DEVICE: the options begin with ro. dmesg tells whether it was remounted after an \
              error.",
    advice: "Find out why it is read-only; remount it read-write, then resize.",
    check: Check::Volume(check),
};

fn check(volume: &Volume) -> Option<Said> {
    let refused = volume
        .attempts
        .iter()
        .rev()
        .find(|a| a.error() == Some("EROFS"))?;
    if volume.grew_since(refused.event.boot_ns) {
        return None;
    }
    Some(Said {
        device: Some(volume.name.clone()),
        summary: "the resize was refused because the file system is read-only (EROFS).".to_owned(),
        evidence: vec![
            Evidence::Event {
                id: refused.event.id,
            },
            sizes(volume),
        ],
        advice: None,
    })
}
