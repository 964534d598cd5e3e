//! `volprobe diff`: what changed from one recording to another.

use super::output;
use crate::analysis::{self, Diff, Options, Side, Verdict};
use crate::error::Error;
use crate::model::{Paces, Recording};
use crate::render;
use crate::session;
use anyhow::{Context, anyhow};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Tell what became slower from recording A to recording B, by how much, and which
/// difference in the configuration caused it, if the evidence shows that one did
///
/// Before and after a change, or a good node and a bad one. Volumes are matched by
/// serial number, server path, claim and mount point, not by name. Takes recordings of
/// `record` and of `volumes --save`.
#[derive(clap::Args)]
pub struct Args {
    /// The recording to compare with
    #[arg(value_name = "A")]
    first: PathBuf,
    /// Recordings to compare with A, each on its own
    #[arg(value_name = "B", required = true)]
    others: Vec<PathBuf>,
    /// Print JSON (volprobe.diff/1; of several comparisons one object a line)
    #[arg(long)]
    json: bool,
    /// Exit with 1 if B is slower
    #[arg(long)]
    exit_code: bool,
    /// A pace that differs by a smaller factor is the same
    #[arg(long, value_name = "RATIO", default_value = "1.10", value_parser = threshold)]
    threshold: f64,
    /// Only this volume: namespace/pvc, PV, disk id, device or mount point
    #[arg(long, value_name = "NAME")]
    volume: Option<String>,
}

/// A ratio above 1.
fn threshold(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(ratio) if ratio.is_finite() && ratio > 1.0 => Ok(ratio),
        _ => Err("give a ratio above 1, such as 1.10".to_owned()),
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let first = Loaded::read(&args.first)?;
    // All are read before anything is printed: one that cannot be is a wrong request.
    let others = args.others.iter().map(|path| Loaded::read(path));
    let others = others.collect::<Result<Vec<_>, _>>()?;
    let options = Options {
        threshold: args.threshold,
        volume: args.volume.as_deref(),
    };
    let diffs: Vec<Diff> = others
        .iter()
        .map(|other| {
            analysis::diff(&first.side(), &other.side(), &options).ok_or_else(|| {
                let name = args.volume.as_deref().unwrap_or_default();
                let (a, b) = (&first.file, &other.file);
                Error::Input(anyhow!("no volume of both {a} and {b} is called '{name}'"))
            })
        })
        .collect::<Result<_, _>>()?;
    output::write(|out| write(args, &diffs, out))?;
    let regressed = diffs.iter().any(|diff| diff.verdict == Verdict::Regressed);
    Ok(ExitCode::from(u8::from(args.exit_code && regressed)))
}

fn write(args: &Args, diffs: &[Diff], out: &mut impl Write) -> std::io::Result<()> {
    match diffs {
        [diff] if args.json => render::diff_json(diff, out),
        [diff] => render::diff_text(diff, output::style(), out),
        many if args.json => many
            .iter()
            .try_for_each(|diff| render::diff_json_line(diff, out)),
        many => render::diffs_text(many, output::style(), out),
    }
}

/// A recording as it was read.
struct Loaded {
    file: String,
    recording: Recording,
    paces: Paces,
}

impl Loaded {
    fn read(path: &Path) -> Result<Self, Error> {
        let read = || -> anyhow::Result<Self> {
            let mut file = session::Recording::open(path)?;
            let mut recording = Recording::default();
            let mut paces = Paces::default();
            for window in file.windows() {
                let window = window?;
                recording.apply(&window);
                paces.apply(&window);
            }
            recording.set_reading(file.completeness()?.reading());
            Ok(Self {
                file: path.display().to_string(),
                recording,
                paces,
            })
        };
        read()
            .with_context(|| format!("cannot read {}", path.display()))
            .map_err(Error::Input)
    }

    fn side(&self) -> Side<'_> {
        Side {
            file: &self.file,
            recording: &self.recording,
            paces: &self.paces,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::threshold;

    #[test]
    fn a_threshold_is_above_one() {
        assert_eq!(threshold("1.10"), Ok(1.1));
        for text in ["1", "0.9", "inf", "nan", "x"] {
            assert!(threshold(text).is_err(), "{text}");
        }
    }
}
