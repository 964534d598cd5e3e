//! `cargo xtask bench`: what volprobe costs, side by side with what one would
//! use instead. The results go into `docs/performance.md`, each subject's
//! between markers of its own.
//!
//! - [`document`]: that file
//! - [`rig`]: a machine that counts instructions
//! - [`table`], [`costs`]: its tables
//! - one file a subject

mod copy;
mod costs;
mod document;
mod loader;
mod profile;
mod readahead;
mod recording;
mod rig;
mod table;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, builder::PossibleValuesParser};

use super::{build, progress};

/// Measure what volprobe costs, and write the results into docs/performance.md.
///
/// Costs are counted in instructions, in a virtual machine that does nothing
/// but count them (QEMU's -icount), so they repeat on any host.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What to measure; everything if left out.
    #[arg(value_name = "SUBJECT", value_parser = PossibleValuesParser::new(SUBJECTS.iter().map(|subject| subject.name)))]
    subjects: Vec<String>,
    /// Kernel series to measure on.
    #[arg(long, value_delimiter = ',', default_values = ["6.12", "5.10"])]
    kernel: Vec<String>,
    /// Print the results, and leave docs/performance.md as it is.
    #[arg(long)]
    dry_run: bool,
}

/// Something that is measured.
struct Subject {
    /// As on the command line, and in the document's markers.
    name: &'static str,
    /// Measures, and tells each part of the text as soon as it is known.
    run: fn(&Bench, &mut Found) -> Result<()>,
}

/// In the order of the document.
const SUBJECTS: &[Subject] = &[
    Subject {
        name: "copy",
        run: copy::run,
    },
    Subject {
        name: "recording",
        run: recording::run,
    },
    Subject {
        name: "readahead",
        run: readahead::run,
    },
    Subject {
        name: "loader",
        run: loader::run,
    },
    Subject {
        name: "profile",
        run: profile::run,
    },
];

/// Takes a part of a subject's text.
type Found<'a> = dyn FnMut(&str) -> Result<()> + 'a;

/// What all subjects are told.
struct Bench {
    /// Kernel series, the first being the one that figures are stated for.
    kernels: Vec<String>,
}

/// Runs `cargo xtask bench`.
pub fn run(args: &BenchArgs) -> Result<ExitCode> {
    let bench = Bench {
        kernels: args.kernel.clone(),
    };
    let wanted = SUBJECTS.iter().filter(|subject| {
        args.subjects.is_empty() || args.subjects.iter().any(|name| name == subject.name)
    });
    for subject in wanted {
        progress(format_args!("measuring {} …", subject.name));
        (subject.run)(&bench, &mut |part| {
            println!("{part}");
            if args.dry_run {
                return Ok(());
            }
            document::write(&build::workspace()?, subject.name, part)
        })?;
    }
    Ok(ExitCode::SUCCESS)
}
