//! Copies that the kernel would not do, so that programs read and write.

use super::copy_errors::{is_clone_ioctl, is_refusal, pair, series};
use super::{Check, Evidence, Rule, Said, Severity};
use crate::analysis::tables::{CopyRow, Counts, ReadaheadRow, copy, readahead};
use crate::model::Recording;
use crate::units::{duration, sum};

/// Pages of 4 KiB in a MiB.
const PAGES_A_MIB: f64 = 256.0;

pub(super) const RULE: Rule = Rule {
    name: "copy/fallback",
    version: 1,
    severity: Severity::Info,
    headline: "COPIED BY READING",
    explains: &[],
    looks_for: "copy_file_range was refused with EXDEV, EOPNOTSUPP or ENOSYS: the program then reads and \
                writes, and read-ahead decides how fast.",
    rests_on: "The counts of these errors; readahead on the source, where there was any.",
    confirm: "strace -f -e copy_file_range,read,write shows the refused call and the reads after it.",
    advice: "Nothing is wrong. Where the copy is slow, look at read_ahead_kb of the source.",
    silent: None,
    check: Check::Recording(check),
};

fn check(recording: &Recording) -> Vec<Said> {
    let counts = Counts::whole(recording);
    let reads = readahead(&counts);
    copy(&counts)
        .iter()
        .filter_map(|row| said(row, &reads))
        .collect()
}

fn said(row: &CopyRow, reads: &[ReadaheadRow]) -> Option<Said> {
    let refused = row.errors.iter().filter(|(errno, _)| is_refusal(errno));
    let errors: Vec<String> = refused
        .map(|(errno, count)| format!("{errno} {count} ×"))
        .collect();
    if errors.is_empty() || is_clone_ioctl(row) {
        return None;
    }
    // Its own reads, and those of whom nothing is known.
    let of_source: Vec<_> = reads
        .iter()
        .filter(|r| r.device.is_some() && r.device == row.src)
        .filter(|r| r.pod.is_none() || r.pod == row.pod)
        .collect();
    let pages = sum(of_source.iter().map(|r| r.pages_submitted));
    let then = match (&row.src, pages) {
        (Some(src), 1..) => {
            let pace = pace(&of_source).unwrap_or_default();
            format!("; {pages} pages were then read ahead from {src}{pace}")
        }
        _ => "; no readahead on the source was seen".to_owned(),
    };
    let why = row.why_not_better.as_ref();
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    let mut evidence = vec![series(row)];
    evidence.extend(of_source.into_iter().map(|r| Evidence::Series {
        key: format!(
            "readahead device={} kind={}",
            r.device.as_deref().unwrap_or("–"),
            r.kind.as_deref().unwrap_or("–")
        ),
    }));
    Some(Said {
        device: row.src.clone(),
        summary: format!(
            "the kernel would not copy {}: {}{why}{then}.",
            pair(row),
            errors.join(", ")
        ),
        evidence,
        ..Said::default()
    })
}

/// How long the reads took for a MiB: `, 24 ms/MiB`.
fn pace(reads: &[&ReadaheadRow]) -> Option<String> {
    let pages = sum(reads.iter().map(|row| row.pages_advanced));
    let ns = sum(reads.iter().map(|row| row.active_ns));
    let a_mib = (ns as f64 / pages as f64 * PAGES_A_MIB) as u64;
    (pages > 0).then(|| format!(", {}/MiB", duration(a_mib)))
}
