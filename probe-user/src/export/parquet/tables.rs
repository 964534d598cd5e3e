//! What the tables hold.

use super::columns::{counts, flag, group, number, quantiles, signed, text, texts, time};
use crate::analysis::Report;
use arrow_schema::{Field, Schema};
use serde::Serialize;
use serde_json::{Value, json};

/// One recording.
pub(super) struct Node {
    pub(super) session: String,
    pub(super) report: Report,
}

/// One table.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) schema: fn() -> Schema,
    pub(super) rows: fn(&Node) -> Result<Vec<Value>, serde_json::Error>,
}

/// All of them.
pub(super) const TABLES: &[Table] = &[
    Table {
        name: "sessions",
        schema: || {
            schema(vec![
                text("kernel"),
                text("boot_id"),
                text("version"),
                text("start"),
                text("end"),
                number("duration_ns"),
                flag("complete"),
                flag("truncated"),
                flag("clock_synchronised"),
            ])
        },
        rows: |node| {
            let report = &node.report;
            let mut row = serde_json::to_value(&report.session)?;
            row["complete"] = json!(report.completeness.complete);
            row["truncated"] = json!(report.completeness.truncated);
            row["clock_synchronised"] = json!(report.clock.synchronised);
            Ok(of_node(node, vec![row]))
        },
    },
    Table {
        name: "devices",
        schema: || {
            schema(vec![
                text("name"),
                text("dev"),
                text("serial"),
                number("size_bytes"),
                number("read_ahead_kb"),
                text("fs"),
                number("fs_size_bytes"),
                number("fs_free_bytes"),
                texts("mounts"),
                text("source"),
                number("rsize"),
                text("pod"),
                text("pv"),
            ])
        },
        rows: |node| rows(node, &node.report.devices),
    },
    Table {
        name: "copies",
        schema: || {
            schema(vec![
                text("src"),
                text("dst"),
                text("route"),
                text("via"),
                text("pod"),
                number("calls"),
                counts("errors"),
                number("bytes_requested"),
                number("bytes_copied"),
                quantiles("latency_ns"),
                number("no_latency"),
                number("on_cpu_ns"),
                number("off_cpu_ns"),
                group("readahead", &["calls", "pages", "submit_ns"]),
            ])
        },
        rows: |node| rows(node, &node.report.copy),
    },
    Table {
        name: "readahead",
        schema: || {
            schema(vec![
                text("device"),
                text("pod"),
                text("kind"),
                number("calls"),
                number("pages_requested"),
                number("pages_submitted"),
                number("pages_at_cap"),
                quantiles("window_pages"),
                quantiles("submit_ns"),
                number("streams"),
                number("pages_advanced"),
                number("active_ns"),
            ])
        },
        rows: |node| rows(node, &node.report.readahead),
    },
    // Probes that this program has no table for; their schema is their own.
    Table {
        name: "series",
        schema: || {
            schema(vec![
                text("probe"),
                text("keys"),
                counts("sums"),
                text("histograms"),
                counts("errors"),
            ])
        },
        rows: |node| rows(node, &node.report.series),
    },
    Table {
        name: "processes",
        schema: || {
            schema(vec![
                number("pid"),
                text("comm"),
                text("pod"),
                text("src"),
                text("dst"),
                number("calls"),
                number("bytes"),
                number("time_ns"),
            ])
        },
        rows: |node| rows(node, &node.report.top),
    },
    Table {
        name: "events",
        schema: || {
            schema(vec![
                number("id"),
                time("time"),
                signed("t_ns"),
                number("error_ns"),
                text("kind"),
                text("device"),
                number("pid"),
                text("comm"),
                text("pod"),
                number("from_bytes"),
                number("to_bytes"),
                text("error"),
                number("duration_ns"),
                texts("argv"),
                signed("exit_code"),
                text("detail"),
            ])
        },
        rows: |node| {
            let rows = rows(node, &node.report.timeline)?;
            Ok(rows.into_iter().map(event).collect())
        },
    },
    Table {
        name: "losses",
        schema: || {
            schema(vec![
                text("kind"),
                number("count"),
                text("from"),
                text("to"),
            ])
        },
        rows: |node| rows(node, &node.report.completeness.lost),
    },
    Table {
        name: "gaps",
        schema: || schema(vec![text("probe"), text("why"), text("from"), text("to")]),
        rows: |node| rows(node, &node.report.completeness.gaps),
    },
    Table {
        name: "findings",
        schema: || {
            schema(vec![
                text("rule"),
                number("version"),
                text("severity"),
                text("device"),
                text("summary"),
                text("advice"),
                texts("explains"),
                text("evidence"),
            ])
        },
        rows: |node| rows(node, &node.report.findings),
    },
];

fn schema(columns: Vec<Field>) -> Schema {
    let mut fields = vec![text("node"), text("session")];
    fields.extend(columns);
    Schema::new(fields)
}

fn rows(node: &Node, rows: &[impl Serialize]) -> Result<Vec<Value>, serde_json::Error> {
    let rows = rows
        .iter()
        .map(serde_json::to_value)
        .collect::<Result<_, _>>()?;
    Ok(of_node(node, rows))
}

fn of_node(node: &Node, mut rows: Vec<Value>) -> Vec<Value> {
    for row in &mut rows {
        row["node"] = json!(node.report.session.host);
        row["session"] = json!(node.session);
    }
    rows
}

/// What kinds of events have in common has columns; all of it is in `detail`.
fn event(mut row: Value) -> Value {
    row["time"] = row["t_ns"].clone();
    for name in [
        "from_bytes",
        "to_bytes",
        "error",
        "duration_ns",
        "argv",
        "exit_code",
    ] {
        row[name] = row["detail"][name].clone();
    }
    row
}
