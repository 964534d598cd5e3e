//! Copies that failed.

use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::tables::{CopyRow, Counts, copy};
use crate::model::Recording;

pub(super) const RULE: Rule = Rule {
    name: "copy/errors",
    version: 1,
    severity: Severity::Warning,
    headline: "COPIES FAILED",
    explains: &[],
    looks_for: "copy_file_range returned errors that say more than \"not this way\": EIO, ENOSPC, EINVAL, \
                EBADF and the like. A clone that is refused is none: cp tries it on every file.",
    rests_on: "The counts of errors of each pair of devices.",
    confirm: "strace -f -e copy_file_range shows the calls; the table of processes says whose they are.",
    advice: "ENOSPC, EDQUOT and EIO are the volume's; EINVAL and EBADF are mistakes of the program.",
    silent: None,
    check: Check::Recording(check),
};

/// Errors with which a kernel or file system says that it cannot copy between
/// these two files. Programs fall back to reading and writing.
const NOT_THIS_WAY: &[&str] = &["EXDEV", "EOPNOTSUPP", "ENOSYS"];

/// Whether an error means that the kernel will not copy between these files.
pub(in crate::analysis) fn is_refusal(errno: &str) -> bool {
    NOT_THIS_WAY.contains(&errno)
}

/// The call was interrupted and is made again.
const AGAIN: &[&str] = &["EINTR", "ERESTARTSYS", "EAGAIN"];

fn check(recording: &Recording) -> Vec<Said> {
    let rows = copy(&Counts::whole(recording));
    rows.iter().filter_map(said).collect()
}

fn said(row: &CopyRow) -> Option<Said> {
    let real = |errno: &str| !is_refusal(errno) && !AGAIN.contains(&errno);
    let errors: Vec<String> = row
        .errors
        .iter()
        .filter(|(errno, _)| real(errno))
        .map(|(errno, count)| format!("{errno} {count} ×"))
        .collect();
    if errors.is_empty() || is_clone_ioctl(row) {
        return None;
    }
    Some(Said {
        device: row.dst.clone().or_else(|| row.src.clone()),
        summary: format!("copies {} failed: {}.", pair(row), errors.join(", ")),
        evidence: vec![series(row)],
        ..Said::default()
    })
}

/// A refused clone is followed by a copy, and no failure.
pub(super) fn is_clone_ioctl(row: &CopyRow) -> bool {
    row.via.as_deref() == Some("ioctl")
}

/// `from vdb to vdc1`.
pub(super) fn pair(row: &CopyRow) -> String {
    let name = |name: &Option<String>| {
        name.clone()
            .unwrap_or_else(|| "an unknown device".to_owned())
    };
    format!("from {} to {}", name(&row.src), name(&row.dst))
}

/// The row as evidence.
pub(super) fn series(row: &CopyRow) -> Evidence {
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "–".to_owned());
    let mut key = format!(
        "copy src={} dst={} route={} via={}",
        name(&row.src),
        name(&row.dst),
        name(&row.route),
        name(&row.via)
    );
    if let Some(pod) = &row.pod {
        key.extend([" pod=", pod]);
    }
    Evidence::Series { key }
}
