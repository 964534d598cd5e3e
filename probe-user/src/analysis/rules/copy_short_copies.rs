//! Calls that copy less than they were asked to, again and again.

use super::copy_errors::{pair, series};
use super::{Check, Rule, Said, Severity};
use crate::analysis::tables::{CopyRow, Counts, copy};
use crate::model::Recording;
use crate::units::bytes;

pub(super) const RULE: Rule = Rule {
    name: "copy/short-copies",
    version: 1,
    severity: Severity::Info,
    headline: "COPIES IN PIECES",
    explains: &[],
    looks_for: "Short copies: copy_file_range copied less than it was asked to, and less than was left of the file, so \
                that each file takes many calls. A file system or server with a limit of its own does that, and \
                signals do. That cp asks for more than any file has is no short copy.",
    rests_on: "Calls that copied less than asked, less as many as there were calls that returned 0: programs copy \
               until they find the file at its end. What is left of a file the kernel's side does not look at: a \
               program that asks for more than there is and does not ask again is taken for cut short.",
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
    rows.iter().filter_map(said).collect()
}

fn said(row: &CopyRow) -> Option<Said> {
    let early = row.ended_early?;
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
