//! `volprobe diff`: what changed from one recording to another.

use super::output;
use crate::analysis::{self, Diff, Options, Side, Verdict};
use crate::error::Error;
use crate::model::{Paces, Recording};
use crate::render;
use crate::session::{self, LoadError, Parts, Span};
use anyhow::anyhow;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Tell what became slower from recording A to recording B, by how much, and which
/// difference in the configuration caused it, if the evidence shows that one did
///
/// Before and after a change, or a good node and a bad one. Volumes are matched by
/// serial number, server path, claim and mount point, not by name. Takes recordings of
/// `record` and of `volumes --save`. The parts that `record --rotate` leaves are the one
/// recording that they are; if all files are parts of one, they are compared as they are.
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
    let given: Vec<PathBuf> = std::iter::once(&args.first)
        .chain(&args.others)
        .cloned()
        .collect();
    let sides = sides(&given).map_err(|error| Error::Input(error.into()))?;
    // All are read before anything is printed: one that cannot be is a wrong request.
    let sides = sides
        .iter()
        .map(Loaded::read)
        .collect::<Result<Vec<_>, _>>();
    let sides = sides.map_err(|error| Error::Input(error.into()))?;
    let Some((first, others)) = sides.split_first() else {
        return Err(Error::Input(anyhow!("nothing to compare")));
    };
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

/// What is compared: A and each of the others. Parts of one recording count as one,
/// unless there is nothing else to compare it with.
fn sides(given: &[PathBuf]) -> Result<Vec<Parts>, LoadError> {
    let recordings = session::parts(given)?;
    if recordings.len() > 1 {
        return Ok(recordings);
    }
    let alone = |path: &PathBuf| session::parts(std::slice::from_ref(path));
    let alone: Vec<Vec<Parts>> = given.iter().map(alone).collect::<Result<_, _>>()?;
    Ok(alone.into_iter().flatten().collect())
}

/// A recording as it was read.
struct Loaded {
    file: String,
    recording: Recording,
    paces: Paces,
}

impl Loaded {
    fn read(parts: &Parts) -> Result<Self, LoadError> {
        let recording = parts.fold(&Span::default())?;
        let mut paces = Paces::default();
        parts.windows(|window| {
            paces.apply(&window);
            true
        })?;
        let files: Vec<String> = parts
            .files()
            .map(|path| path.display().to_string())
            .collect();
        Ok(Self {
            file: files.join(" + "),
            recording,
            paces,
        })
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
    use super::{Loaded, sides, threshold};
    use crate::model::testing::{MS, Story, VDB};
    use crate::session::{Limits, Rotating, WriterOptions};
    use crate::sink::Sink;
    use std::path::{Path, PathBuf};

    /// A recording in as many files of 6 KiB as it takes; their paths, newest first.
    fn record(path: &Path) -> Vec<PathBuf> {
        let limits = Limits {
            max_size: 6 << 10,
            files: 99,
        };
        let options = WriterOptions::default();
        let mut recording = Rotating::create(path, &options, limits, || ()).unwrap();
        let mut story = Story::new();
        for second in 1..=60 {
            story
                .at(second * 1000)
                .copies(VDB, VDB, "splice", "syscall", &[MS; 4]);
        }
        story.end(61_000);
        for window in &story.windows {
            recording.write(window).unwrap();
        }
        recording.finish().unwrap();
        let numbered = (1..).map(|n| PathBuf::from(format!("{}.{n}", path.display())));
        std::iter::once(path.to_owned())
            .chain(numbered)
            .take_while(|path| path.exists())
            .collect()
    }

    #[test]
    fn parts_of_a_recording_are_one_side() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (record(&dir.path().join("a")), record(&dir.path().join("b")));
        assert!(a.len() > 2, "{}", a.len());
        let all = [a.as_slice(), &b].concat();
        let loaded: Vec<Loaded> = sides(&all)
            .unwrap()
            .iter()
            .map(|parts| Loaded::read(parts).unwrap())
            .collect();
        assert_eq!(loaded.len(), 2);
        for side in &loaded {
            // Every second of the recording, whichever file it is in.
            assert_eq!(side.paces.of([1]).len(), 60);
        }
        // The same pace twice: the whole of one with the whole of the other.
        let options = super::Options {
            threshold: 1.1,
            volume: None,
        };
        let diff = crate::analysis::diff(&loaded[0].side(), &loaded[1].side(), &options).unwrap();
        assert_eq!((diff.copy[0].calls.a, diff.copy[0].calls.b), (240, 240));
        assert!(diff.recordings.a.file.contains(" + "));
    }

    #[test]
    fn parts_alone_are_compared_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let a = record(&dir.path().join("a"));
        assert_eq!(sides(&a[..2]).unwrap().len(), 2);
        assert_eq!(sides(&[a[0].clone(), a[0].clone()]).unwrap().len(), 2);
    }

    #[test]
    fn a_threshold_is_above_one() {
        assert_eq!(threshold("1.10"), Ok(1.1));
        for text in ["1", "0.9", "inf", "nan", "x"] {
            assert!(threshold(text).is_err(), "{text}");
        }
    }
}
