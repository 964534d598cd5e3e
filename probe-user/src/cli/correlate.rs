//! `volprobe correlate`: what nodes saw and what others tell, volume by volume.

use super::output;
use super::outside::{self, Outside};
use crate::analysis;
use crate::error::Error;
use crate::render;
use crate::session::{self, Span};
use std::path::PathBuf;
use std::process::ExitCode;

/// Join recordings with what the cloud's API, Kubernetes and component logs tell:
/// for each volume, which layer of its growth stopped, when, and on what evidence
///
/// Several recordings may be of several nodes, for a volume that moved. Without
/// one, what the kernel would know is "unknown".
#[derive(clap::Args)]
#[command(after_help = outside::FORMATS)]
pub struct Args {
    /// Recordings
    #[arg(value_name = "FILE", required_unless_present = "events")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    outside: Outside,
    /// Only this volume: namespace/pvc, PV, disk id, device or mount point
    #[arg(long, value_name = "NAME")]
    volume: Option<String>,
    /// One JSON object (volprobe.report/1 with inputs and correlation) instead of
    /// text
    #[arg(long)]
    json: bool,
    /// Exit with 1 if there is a finding above info
    #[arg(long)]
    exit_code: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let recordings =
        session::load(&args.files, &Span::default()).map_err(|error| Error::Input(error.into()))?;
    let (intake, inputs) = args.outside.read(&recordings)?;
    let mut correlated = analysis::correlate(&recordings, &intake, inputs, &args.outside.disk);
    if let Some(name) = &args.volume {
        correlated.keep_only(name);
        if correlated.correlation.is_empty() {
            return Err(output::no_volume(name));
        }
    }
    output::write(|out| {
        if args.json {
            render::correlate_json(&correlated, out)
        } else {
            render::correlate_text(&correlated, output::style(), out)
        }
    })?;
    let found = args.exit_code && correlated.has_findings_above_info();
    Ok(ExitCode::from(u8::from(found)))
}
