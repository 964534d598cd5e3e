//! Someone tried to resize, and was refused.

use super::evidence::{not_resized_later, sizes};
use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::volume::{Attempt, ToolRun, Volume};

pub(super) const RULE: Rule = Rule {
    name: "resize/failed",
    version: 1,
    severity: Severity::Critical,
    headline: "RESIZE FAILED",
    explains: &["resize/fs-not-grown", "resize/unknown"],
    looks_for: "A resize call returned an error, or resize2fs or xfs_growfs exited with another code \
                than 0 or was killed, and no later resize of that file system succeeded.",
    rests_on: "The call's return value, and the tool's exit; no resize from then to the end.",
    confirm: "Run the tool by hand and read what it prints; dmesg has ext4's own words.",
    advice: "See what the error means, and resize again.",
    silent: None,
    check: Check::Volume(check),
};

fn check(volume: &Volume) -> Option<Said> {
    let refused = volume.attempts.iter().rev().find(|a| a.error().is_some());
    let run = volume.runs.iter().rev().find(|run| run.failed());
    let at_ns = [refused.map(|a| a.event.boot_ns), run.map(ToolRun::end_ns)];
    let last_ns = at_ns.into_iter().flatten().max()?;
    // Without a call there was nothing that could be refused: a tool that
    // complains about a file system of full size prevents nothing.
    let complained = refused.is_none() && volume.is_full_size() == Some(true);
    if volume.grew_since(last_ns) || complained {
        return None;
    }
    let events = [refused.map(|a| a.event.id), run.map(|run| run.event.id)];
    let mut ids: Vec<u64> = events.into_iter().flatten().collect();
    ids.sort_unstable();
    let mut evidence: Vec<_> = ids.into_iter().map(|id| Evidence::Event { id }).collect();
    let later = not_resized_later(volume, last_ns);
    evidence.extend(later.as_ref().ok().cloned());
    evidence.push(sizes(volume));
    Some(Said {
        device: Some(volume.name.clone()),
        summary: summary(refused, run),
        evidence,
        advice: refused
            .and_then(Attempt::error)
            .and_then(advice)
            .map(str::to_owned),
        doubt: later.err(),
    })
}

fn summary(refused: Option<&Attempt>, run: Option<&ToolRun>) -> String {
    let end = run.map(|run| match (run.exit.exit_code, run.exit.signal) {
        (Some(code), _) => format!("{} exited {code}", run.tool()),
        (None, Some(signal)) => format!("{} was killed by signal {signal}", run.tool()),
        (None, None) => format!("{} ended", run.tool()),
    });
    let error = refused.and_then(Attempt::error);
    match (error, end) {
        (Some(error), Some(end)) => format!("the kernel refused the resize: {error}; {end}."),
        (Some(error), None) => format!("the kernel refused the resize: {error}."),
        (None, end) => format!("{} without a successful resize.", end.unwrap_or_default()),
    }
}

fn advice(error: &str) -> Option<&'static str> {
    Some(match error {
        "EPERM" => {
            "Give the tool CAP_SYS_RESOURCE (ext4) or CAP_SYS_ADMIN (xfs); ext4 also refuses while it \
                    has errors noted: check dmesg."
        }
        "EBUSY" => {
            "Another resize of this file system was running: wait for it, then resize again."
        }
        "EROFS" => "The file system is mounted read-only: remount it read-write, then resize.",
        "ENOSPC" => "There was no room for the new metadata: free some space, then resize again.",
        "EINVAL" => {
            "The kernel takes the size for impossible: is the device as large as was asked for?"
        }
        _ => return None,
    })
}
