//! `volprobe report`: what a recording tells.

use super::output;
use crate::analysis;
use crate::error::Error;
use crate::model::Recording;
use crate::render;
use crate::session;
use anyhow::Context;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Tell what a recording shows: findings first, then the evidence
///
/// Needs no privileges and no particular kernel. A recording that was cut off
/// is read up to where it ends, and that is said.
#[derive(clap::Args)]
pub struct Args {
    /// The recording
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// One JSON object (volprobe.report/1) instead of text
    #[arg(long)]
    json: bool,
    /// Exit with 1 if there is a finding above info
    #[arg(long)]
    exit_code: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let recording = read(&args.file)
        .with_context(|| format!("cannot read {}", args.file.display()))
        .map_err(Error::Input)?;
    let report = analysis::report(&recording);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let written = if args.json {
        render::report_json(&report, &mut out)
    } else {
        render::report_text(&report, output::style(), &mut out)
    };
    written
        .and_then(|()| out.flush())
        .map_err(anyhow::Error::from)?;
    let found = args.exit_code && report.has_findings_above_info();
    Ok(ExitCode::from(u8::from(found)))
}

/// Folds a recording file: its whole timeline, and the totals of its end.
pub(super) fn read(path: &Path) -> anyhow::Result<Recording> {
    Ok(session::Recording::open(path)?.fold()?)
}
