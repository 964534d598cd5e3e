//! The volumes of a node as text: what is wrong first, then every layer's size.

use super::page::Page;
use super::style::{Style, Tone};
use super::table::{Align, Table};
use crate::analysis::rules::headline;
use crate::analysis::{Evidence, Finding, LogRow, Severity, VolumeRow, Volumes};
use crate::units;
use std::io::{self, Write};

/// Width of the column of words beside a finding.
const COLUMN: usize = 9;

/// Writes the volumes.
pub fn volumes_text(volumes: &Volumes, style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(style);
    let kernel = volumes
        .kernel
        .as_ref()
        .map(|kernel| format!("Linux {kernel}"));
    let node: Vec<String> = volumes.host.clone().into_iter().chain(kernel).collect();
    page.line(0, &[(Tone::Strong, &node.join(" · "))]);
    for finding in &volumes.findings {
        page.blank();
        write_finding(&mut page, volumes, finding);
    }
    page.blank();
    if volumes.volumes.is_empty() {
        page.line(0, &[(Tone::Plain, "no volume")]);
    } else {
        table(volumes).write(&mut page, 1);
    }
    for row in &volumes.volumes {
        if let Some(error) = &row.fs_size_error {
            page.blank();
            let text = format!("{}: size of the file system not known: {error}", row.device);
            page.wrap(1, 2, Tone::Odd, &text);
        }
    }
    if volumes.findings.is_empty() && !volumes.volumes.is_empty() {
        page.blank();
        page.line(0, &[(Tone::Plain, all_well(volumes))]);
    }
    kernel_log(&mut page, volumes.kernel_log.as_deref().unwrap_or_default());
    super::correlate::inputs(&mut page, &volumes.inputs);
    out.write_all(page.finish().as_bytes())
}

/// What the kernel's log still says of sizes, the last lines of it.
fn kernel_log(page: &mut Page, rows: &[LogRow]) {
    const SHOWN: usize = 10;
    if rows.is_empty() {
        return;
    }
    page.blank();
    page.line(0, &[(Tone::Strong, "kernel log")]);
    let left_out = rows.len().saturating_sub(SHOWN);
    if left_out > 0 {
        let text = format!("… {left_out} before these in --json …");
        page.line(1, &[(Tone::Faint, &text)]);
    }
    for row in &rows[left_out..] {
        let day = row.time.replace('T', " ");
        let second = day
            .split('.')
            .next()
            .unwrap_or_default()
            .trim_end_matches('Z');
        page.entry(1, second.len() + 2, second, &row.message);
    }
}

fn all_well(volumes: &Volumes) -> &'static str {
    let all_known = volumes
        .volumes
        .iter()
        .all(|row| row.fs_size_error.is_none());
    if all_known {
        "no layer is smaller than what it lies on"
    } else {
        "of the layers whose size is known, none is smaller than what it lies on"
    }
}

fn write_finding(page: &mut Page, volumes: &Volumes, finding: &Finding) {
    let tone = match finding.severity {
        Severity::Critical => Tone::Bad,
        Severity::Warning | Severity::Info => Tone::Odd,
    };
    let name = title(volumes, finding);
    page.spread((Tone::Strong, &name), (tone, headline(finding.rule)));
    page.wrap(
        0,
        2,
        Tone::Plain,
        &format!("{}  [{}]", finding.summary, finding.rule),
    );
    for evidence in &finding.evidence {
        if let Evidence::Config { device, what } = evidence {
            let device = device
                .as_deref()
                .map(|name| format!("{name}: "))
                .unwrap_or_default();
            page.entry(3, COLUMN, "now", &format!("{device}{what}"));
        }
    }
    if let Some(advice) = &finding.advice {
        page.entry(3, COLUMN, "to do", advice);
    }
}

/// `vdb · d-bp1 · pv pv-1 · pod db/mysql-0`, or its mount point where no pod has it.
fn title(volumes: &Volumes, finding: &Finding) -> String {
    let device = finding.device.clone().unwrap_or_default();
    let holds = |row: &&VolumeRow| row.device == device;
    let Some(row) = volumes.volumes.iter().find(holds) else {
        return device;
    };
    let mut parts = vec![device];
    parts.extend(row.disk_id.clone());
    parts.extend(row.pv.as_ref().map(|pv| format!("pv {pv}")));
    match row.pods.first() {
        Some(pod) => parts.push(format!("pod {pod}")),
        None => parts.extend(row.mounts.first().cloned()),
    }
    parts.join(" · ")
}

fn table(volumes: &Volumes) -> Table {
    let mut table = Table::new(&[
        ("volume", Align::Left),
        ("disk", Align::Left),
        ("request", Align::Right),
        ("cloud", Align::Right),
        ("size", Align::Right),
        ("partition", Align::Right),
        ("mapping", Align::Right),
        ("file system", Align::Right),
        ("", Align::Left),
        ("read-ahead", Align::Right),
        ("used by", Align::Left),
    ]);
    for row in &volumes.volumes {
        let size = |size: Option<u64>| units::maybe(size, units::bytes);
        let read_ahead = units::maybe(row.read_ahead_kb, |kb| format!("{kb} KiB"));
        table.row([
            row.device.clone(),
            row.disk_id
                .clone()
                .or_else(|| row.serial.clone())
                .unwrap_or_default(),
            size(row.sizes.request),
            size(row.sizes.api),
            size(row.sizes.device),
            size(row.sizes.partition),
            size(row.sizes.mapping),
            size(row.sizes.fs),
            row.fs.clone().unwrap_or_default(),
            read_ahead,
            used_by(row),
        ]);
    }
    table
}

fn used_by(row: &VolumeRow) -> String {
    let pods = row.pods.iter().map(|pod| format!("pod {pod}"));
    let first = pods
        .chain(row.source.clone())
        .chain(row.mounts.iter().cloned())
        .next();
    first.unwrap_or_else(|| "nothing".to_owned())
}

#[cfg(test)]
#[path = "volumes_tests.rs"]
mod tests;
