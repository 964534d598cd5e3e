//! The command line: flags become library calls, and errors exit codes.

// The doc comments are help texts, which are not Markdown.
#![allow(clippy::doc_markdown)]

pub mod announce;
pub mod capture;
pub mod correlate;
pub mod diff;
pub mod doctor;
pub mod export;
pub mod filters;
pub mod live;
pub mod logger;
pub mod output;
pub mod outside;
pub mod ready;
pub mod record;
pub mod report;
pub mod rules;
pub mod signals;
pub mod units;
pub mod volumes;
pub mod workload;

use crate::error::Error;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Finds out why a volume is slow and why it did not grow.
///
/// volprobe watches `copy_file_range`, readahead, and the ext4/xfs online-resize
/// path with the block devices beneath it: live during an incident, or recorded
/// for later.
#[derive(Parser)]
#[command(name = "volprobe", version, max_term_width = 100)]
#[command(arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
// There is one, and it is moved once.
#[allow(clippy::large_enum_variant)]
enum Command {
    Volumes(volumes::Args),
    Live(live::Args),
    Record(record::Args),
    Report(report::Args),
    Diff(diff::Args),
    Correlate(correlate::Args),
    Export(export::Args),
    Doctor(doctor::Args),
    Rules(rules::Args),
}

/// Parses the command line, runs the command, and maps its end to an exit code.
pub fn main() -> ExitCode {
    if let Some(code) = crate::probe::self_test::child_main() {
        return code;
    }
    logger::install();
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("volprobe: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(command: Command) -> Result<ExitCode, Error> {
    match command {
        Command::Volumes(args) => volumes::run(&args),
        Command::Live(args) => live::run(args),
        Command::Record(args) => record::run(args),
        Command::Report(args) => report::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Correlate(args) => correlate::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Doctor(args) => doctor::run(args),
        Command::Rules(args) => rules::run(&args),
    }
}
