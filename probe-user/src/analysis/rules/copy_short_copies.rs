//! Calls that copy less than they were asked to, again and again.

use super::copy_errors::{pair, series};
use super::{Check, Rule, Said, Severity};
use crate::analysis::tables::{CopyRow, Counts, copy};
use crate::model::Recording;
use crate::units::{bytes, sum};

pub(super) const RULE: Rule = Rule {
    name: "copy/short-copies",
    version: 1,
    severity: Severity::Info,
    headline: "COPIES IN PIECES",
    explains: &[],
    looks_for: "copy_file_range copied less than it was asked to, more often than files ended: each file takes \
                many calls. A file system or server with a limit of its own does that, and signals do.",
    rests_on: "Calls that copied less than asked, against calls that returned 0 because the file had ended.",
    confirm: "strace -f -e copy_file_range shows what is asked and what is returned.",
    advice: "Nothing is lost: programs go on where a call ended. Where the pieces are small, what each call \
             costs adds up; look at the bytes a call, and at limits of the server.",
    silent: None,
    check: Check::Recording(check),
};

/// Fewer are chance: a signal, a file that was being written.
const MANY: u64 = 16;

fn check(recording: &Recording) -> Vec<Said> {
    let rows = copy(&Counts::whole(recording));
    rows.iter().filter_map(|row| said(row, &rows)).collect()
}

fn said(row: &CopyRow, rows: &[CopyRow]) -> Option<Said> {
    let short = row.short_copies?;
    // The last call of a file is short, and programs that do not know its
    // length then make one that returns 0.
    let ends = rows
        .iter()
        .filter(|end| end.src == row.src && end.dst == row.dst && end.pod == row.pod)
        .filter(|end| end.via == row.via && end.bytes_copied == 0)
        .map(|end| end.calls.saturating_sub(sum(end.errors.values().copied())));
    let early = short.saturating_sub(sum(ends));
    if early < MANY || early.saturating_mul(2) < row.calls {
        return None;
    }
    Some(Said {
        device: row.dst.clone().or_else(|| row.src.clone()),
        summary: format!(
            "{early} of {} copies {} ended before the file did, after {} each.",
            row.calls,
            pair(row),
            bytes(row.bytes_copied / row.calls.max(1))
        ),
        evidence: vec![series(row)],
        ..Said::default()
    })
}
