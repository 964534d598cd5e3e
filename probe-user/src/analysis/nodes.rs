//! Reports of several recordings, and one timeline of them all.

use super::report::{Report, TimelineRow};
use serde::Serialize;

/// What several recordings show together.
#[derive(Debug, Serialize)]
pub struct Nodes<'a> {
    /// `volprobe.reports/1`.
    pub schema: &'static str,
    /// Each report, as it is alone.
    pub reports: &'a [Report],
    /// What happened on all of them, in the order of real time. Across nodes
    /// that order is as good as their clocks: `error_ns`.
    pub timeline: Vec<NodeRow<'a>>,
}

/// An entry of the common timeline.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NodeRow<'a> {
    /// Place of its report in `reports`.
    pub report: usize,
    /// Name of the node.
    pub node: Option<&'a str>,
    /// As in its report; the id is unique there.
    #[serde(flatten)]
    pub row: &'a TimelineRow,
}

/// Puts reports on one timeline.
pub fn nodes(reports: &[Report]) -> Nodes<'_> {
    let mut timeline: Vec<NodeRow> = reports
        .iter()
        .enumerate()
        .flat_map(|(number, report)| {
            report.timeline.iter().map(move |row| NodeRow {
                report: number,
                node: report.session.host.as_deref(),
                row,
            })
        })
        .collect();
    timeline.sort_by_key(|entry| (entry.row.t_ns, entry.report, entry.row.id));
    Nodes {
        schema: "volprobe.reports/1",
        reports,
        timeline,
    }
}
