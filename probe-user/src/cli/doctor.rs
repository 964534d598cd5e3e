//! `volprobe doctor`: what this kernel allows, and what to do about the rest.

use crate::doctor::examine;
use crate::error::Error;
use crate::probe::{Selection, Settings};
use anyhow::Context;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// What this kernel allows, which hook each probe uses, what is missing and
/// how to get it.
///
/// Where the privileges are there, the probes are attached for a moment and
/// tested. Exits with 3 if no probe can be attached.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON (volprobe.doctor/1).
    #[arg(long)]
    json: bool,
    /// Load nothing into the kernel; say what would be.
    #[arg(long)]
    plan: bool,
    /// Probes to look at; by default all that are on by default.
    #[arg(long = "probe", value_name = "NAME", value_delimiter = ',')]
    probes: Vec<String>,
    /// Read the kernel's types from this file, for kernels without BTF.
    #[arg(long, value_name = "FILE")]
    btf: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: Args) -> Result<ExitCode, Error> {
    let selection = Selection::parse(&args.probes).map_err(|error| Error::Input(error.into()))?;
    let settings = Settings {
        selection,
        btf: args.btf,
        ..Settings::default()
    };
    let report = examine(&settings, args.plan);
    let mut stdout = std::io::stdout().lock();
    if args.json {
        let json = serde_json::to_string_pretty(&report).context("writing JSON")?;
        writeln!(stdout, "{json}")
    } else {
        write!(stdout, "{report}")
    }
    .context("writing to stdout")?;
    Ok(match report.can_attach {
        Some(false) => ExitCode::from(3),
        _ => ExitCode::SUCCESS,
    })
}
