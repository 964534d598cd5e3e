//! `volprobe export`: recordings for other tools.

use crate::error::Error;
use crate::export::{ExportError, Format, export};
use std::path::PathBuf;
use std::process::ExitCode;

/// Turn recordings into what other tools read
///
/// Several recordings, as of the nodes of a fleet, go into the same tables: each
/// row says which node it is of. See docs/fleet.md for questions to ask of them.
#[derive(clap::Args)]
pub struct Args {
    /// The recordings, or parts of them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The form
    #[arg(long, value_name = "FORM")]
    to: Format,
    /// A file for perfetto and jsonl, a folder for parquet and hlog
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Replace what exists
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    export(&args.files, args.to, &args.output, args.force).map_err(|error| match error {
        ExportError::Load(_) | ExportError::Exists(_) => Error::Input(error.into()),
        ExportError::Write { .. } => Error::Failed(error.into()),
    })?;
    Ok(ExitCode::SUCCESS)
}
