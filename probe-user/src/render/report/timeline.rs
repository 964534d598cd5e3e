//! The timeline as text.

use super::super::line::clock;
use super::super::page::Page;
use super::super::style::Tone;
use super::super::table::cut;
use super::told::told;
use crate::analysis::{Detail, Report, TimelineRow, ToolDevice};
use crate::units::{bytes, bytes_change, duration, maybe};
use std::collections::BTreeSet;

/// Width of the column of times.
const COLUMN: usize = 14;
/// Width of the column of devices at most.
const DEVICE: usize = 20;

/// Entries shown from the start and from the end of a long timeline.
const FIRST: usize = 30;
const LAST: usize = 70;

/// The timeline of a report; of several, one of them all, which names the nodes.
pub(super) fn write(page: &mut Page, reports: &[Report]) {
    let mut rows: Vec<Entry> = reports.iter().flat_map(entries).collect();
    if rows.is_empty() {
        return;
    }
    if let [_, _, ..] = reports {
        rows.sort_by_key(|entry| entry.row.t_ns);
    } else {
        for entry in &mut rows {
            entry.node = None;
        }
    }
    page.blank();
    let all = reports.iter().flat_map(|report| &report.timeline);
    let error = all.filter_map(|row| row.error_ns).max();
    let precision = maybe(error, |ns| format!("± {}", duration(ns)));
    let title = format!("timeline, UTC {precision}");
    page.line(0, &[(Tone::Strong, &title)]);
    let left_out = rows.len().saturating_sub(FIRST + LAST);
    let (first, last) = rows.split_at(if left_out > 0 { FIRST } else { 0 });
    table(page, first);
    if left_out > 0 {
        page.line(
            1,
            &[(Tone::Faint, &format!("… {left_out} more in --json …"))],
        );
    }
    table(page, &last[left_out..]);
    for folded in reports.iter().flat_map(|report| &report.timeline_folded) {
        let text = format!(
            "and {} {} between {} and {}, counted only",
            folded.count,
            folded.kind,
            clock(folded.from.as_deref()),
            clock(folded.to.as_deref())
        );
        page.line(1, &[(Tone::Faint, &text)]);
    }
}

/// An entry, and the node that it is of.
struct Entry<'a> {
    node: Option<&'a str>,
    row: &'a TimelineRow,
}

impl Entry<'_> {
    fn place(&self) -> String {
        let device = self.row.device.as_deref().unwrap_or_default();
        match self.node {
            Some(node) => format!("{node} {device}"),
            None => device.to_owned(),
        }
    }
}

fn entries(report: &Report) -> impl Iterator<Item = Entry<'_>> {
    let node = report.session.host.as_deref();
    shown(report)
        .into_iter()
        .map(move |row| Entry { node, row })
}

/// All entries but starts of tools whose end is there too.
fn shown(report: &Report) -> Vec<&TimelineRow> {
    let ended: BTreeSet<u32> = report
        .timeline
        .iter()
        .filter(|row| matches!(row.detail, Detail::ExecExit { .. }))
        .filter_map(|row| row.pid)
        .collect();
    let is_shown = |row: &&TimelineRow| match row.detail {
        Detail::ExecStart { .. } => !row.pid.is_some_and(|pid| ended.contains(&pid)),
        _ => true,
    };
    report.timeline.iter().filter(is_shown).collect()
}

fn table(page: &mut Page, rows: &[Entry]) {
    let width = rows.iter().map(|entry| entry.place().chars().count()).max();
    let width = width.unwrap_or(0).min(DEVICE);
    for entry in rows {
        let place = cut(&entry.place(), width);
        let head = format!("{}  {place}", clock(entry.row.time.as_deref()));
        page.entry(1, COLUMN + width + 2, &head, &what(entry.row));
    }
}

/// What happened, in words.
pub fn what(row: &TimelineRow) -> String {
    let by = match (&row.comm, row.pid) {
        (Some(comm), Some(pid)) => format!(" by {comm} [{pid}]"),
        (None, Some(pid)) => format!(" by [{pid}]"),
        _ => String::new(),
    };
    let pod = row
        .pod
        .as_ref()
        .map(|pod| format!(", pod {pod}"))
        .unwrap_or_default();
    let failed =
        |error: &Option<String>| error.as_ref().map(|e| format!(": {e}")).unwrap_or_default();
    match &row.detail {
        Detail::FsResize {
            fs,
            from_bytes,
            to_bytes,
            requested_bytes,
            error,
            duration_ns,
            command,
            ..
        } => {
            let asked = requested_bytes
                .map(|b| format!(", asked for {}", bytes(b)))
                .unwrap_or_default();
            match (error, duration_ns) {
                (_, None) => {
                    let to = to_bytes
                        .map(|to| format!(", then {}", bytes(to)))
                        .unwrap_or_default();
                    format!("{fs} resize ({command}){asked}{to}{by}{pod}: its return was not seen")
                }
                (Some(error), Some(ns)) => {
                    format!(
                        "{fs} resize ({command}) failed: {error}{asked}, after {}{by}{pod}",
                        duration(*ns)
                    )
                }
                (None, Some(ns)) => format!(
                    "{fs} resized {} in {}{by}{pod}",
                    bytes_change(*from_bytes, *to_bytes),
                    duration(*ns)
                ),
            }
        }
        Detail::Capacity {
            from_bytes,
            to_bytes,
        } => format!("device {}", bytes_change(*from_bytes, *to_bytes)),
        Detail::Partition {
            op,
            number,
            from_bytes,
            to_bytes,
            error,
        } => {
            let number = number.map(|n| format!(" {n}")).unwrap_or_default();
            let size = match (from_bytes, to_bytes) {
                (None, None) => String::new(),
                (None, Some(to)) => format!(", {}", bytes(*to)),
                (from, to) => format!(", {}", bytes_change(*from, *to)),
            };
            format!("partition{number} {op}{size}{}{by}{pod}", failed(error))
        }
        Detail::ExecStart { argv } => format!("{} started{by}{pod}", argv.join(" ")),
        Detail::ExecExit { .. } => format!("{}{pod}", exit(row)),
        Detail::ReadAhead {
            from, to, error, ..
        } => {
            let kb = |kb: &Option<u64>| maybe(*kb, |kb| kb.to_string());
            format!(
                "read_ahead_kb {} → {}{}{by}{pod}",
                kb(from),
                kb(to),
                failed(error)
            )
        }
        Detail::ApiResize { .. }
        | Detail::Claim { .. }
        | Detail::KubeEvent { .. }
        | Detail::LogLine { .. } => told(row),
        Detail::Mount {
            mount_point,
            fs,
            error,
        } => {
            let (op, at) = match row.kind {
                "mount.add" => ("mounted", "at"),
                "mount.remove" => ("unmounted", "from"),
                _ => ("unmount failed", "at"),
            };
            let place = match mount_point {
                Some(path) => format!(" {at} {path}"),
                None => String::new(),
            };
            format!("{fs} {op}{place}{}{by}{pod}", failed(error))
        }
    }
}

fn exit(row: &TimelineRow) -> String {
    let Detail::ExecExit {
        argv,
        exit_code,
        signal,
        duration_ns,
        resize_calls,
        devices,
    } = &row.detail
    else {
        return String::new();
    };
    let name = if argv.is_empty() {
        row.comm.clone().unwrap_or_default()
    } else {
        argv.join(" ")
    };
    let end = match (exit_code, signal) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "ended".to_owned(),
    };
    let pid = row.pid.map(|pid| format!(" [{pid}]")).unwrap_or_default();
    let after = duration_ns
        .map(|ns| format!(" after {}", duration(ns)))
        .unwrap_or_default();
    // Of a tool that never makes one, that says nothing.
    let resizes = ["resize2fs", "xfs_growfs"]
        .iter()
        .any(|tool| name.contains(tool));
    let calls = match resize_calls {
        Some(0) if resizes => ", no resize call".to_owned(),
        None | Some(0) => String::new(),
        Some(1) => ", 1 resize call".to_owned(),
        Some(n) => format!(", {n} resize calls"),
    };
    format!("{name}{pid}: {end}{after}{calls}{}", saw(row, devices))
}

fn saw(row: &TimelineRow, devices: &[ToolDevice]) -> String {
    let one = |tool: &ToolDevice| {
        // The entry's own device is beside it already.
        let device = match &tool.device {
            Some(name) if row.device.as_ref() == Some(name) => "it".to_owned(),
            Some(name) => name.clone(),
            None => "a device".to_owned(),
        };
        let guess = match tool.resolved.as_str() {
            "argv" => " (by its arguments)",
            _ => "",
        };
        match tool.size_bytes {
            Some(size) => format!("saw {device} at {}{guess}", bytes(size)),
            None if device == "it" => guess.to_owned(),
            None => format!("on {device}{guess}"),
        }
    };
    let mut text = String::new();
    for tool in devices {
        let one = one(tool);
        if !one.is_empty() {
            text.extend([", ", one.trim_start()]);
        }
    }
    text
}
