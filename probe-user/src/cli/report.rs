//! `volprobe report`: what a recording tells.

use super::output;
use crate::analysis::{self, Report};
use crate::error::Error;
use crate::render;
use crate::session::{self, Moment, Span};
use std::path::PathBuf;
use std::process::ExitCode;

/// Tell what a recording shows: findings first, then the evidence
///
/// Needs no privileges and no particular kernel. A recording that was cut off
/// is read up to where it ends, and that is said. The parts that `record
/// --rotate` leaves are read as the one recording that they are, in whatever
/// order; recordings of several nodes are put on one timeline.
#[derive(clap::Args)]
pub struct Args {
    /// The recording, its parts, or recordings of several nodes
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Only from here on: a time (2026-03-11T07:14:00Z), so long after the start (+5m) or before the end (-30s)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<Moment>,
    /// Only up to here, as with --from. Whole flush intervals are shown, those that end within
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<Moment>,
    /// Only this volume: namespace/pvc, PV, disk id, device or mount point
    #[arg(long, value_name = "NAME")]
    volume: Option<String>,
    /// One JSON object (volprobe.report/1) instead of text
    #[arg(long)]
    json: bool,
    /// Exit with 1 if there is a finding above info
    #[arg(long)]
    exit_code: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let span = Span {
        from: args.from,
        to: args.to,
    };
    let recordings =
        session::load(&args.files, &span).map_err(|error| Error::Input(error.into()))?;
    let mut reports: Vec<Report> = recordings.iter().map(analysis::report).collect();
    if let Some(name) = &args.volume {
        let mut found = false;
        for (recording, report) in recordings.iter().zip(&mut reports) {
            found |= analysis::narrow(report, recording, name);
        }
        if !found {
            return Err(output::no_volume(name));
        }
    }
    let found = args.exit_code && reports.iter().any(Report::has_findings_above_info);
    output::write(|out| match reports.as_slice() {
        _ if args.json => render::report_json(&analysis::join(reports), out),
        [report] => render::report_text(report, output::style(), out),
        reports => render::reports_text(reports, output::style(), out),
    })?;
    Ok(ExitCode::from(u8::from(found)))
}
