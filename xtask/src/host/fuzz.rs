//! `cargo xtask fuzz`: inputs that are almost right, for all readers.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::{build, progress, run};

/// Feed the reader of recordings and the importers with damaged and hostile inputs
#[derive(Debug, Args)]
pub struct FuzzArgs {
    /// How long
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// To have the same inputs again
    #[arg(long)]
    seed: Option<u64>,
}

/// Runs the command.
pub fn run(args: &FuzzArgs) -> Result<ExitCode> {
    progress("building, with checks of arithmetic …");
    // Not optimised away: an overflow must panic, as in the tests.
    let mut fuzz = build::cargo()?;
    fuzz.args([
        "run",
        "--quiet",
        "--package",
        "volprobe",
        "--example",
        "fuzz",
        "--",
    ])
    .arg(args.seconds.to_string())
    .args(args.seed.map(|seed| seed.to_string()));
    run::check(&mut fuzz)?;
    Ok(ExitCode::SUCCESS)
}
