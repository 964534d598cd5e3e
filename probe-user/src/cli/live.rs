//! `volprobe live`: the stream as it comes, or a recording as it came.

use super::capture::CaptureArgs;
use super::output;
use super::ready::Ready;
use super::signals::Signals;
use crate::collect::{Replay, pump};
use crate::error::Error;
use crate::live::{JsonLive, PlainLive};
use crate::session::parts;
use crate::sink::Fanout;
use anyhow::{Context, anyhow};
use clap::Args as ClapArgs;
use std::io::stdout;
use std::path::PathBuf;
use std::process::ExitCode;

/// Show what happens as it happens
#[derive(ClapArgs)]
pub struct Args {
    /// Replay this recording, or the parts of one, instead of the running kernel
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print lines (the default as long as there is no other view)
    #[arg(long)]
    plain: bool,
    /// Print one JSON object an interval (volprobe.tick/1)
    #[arg(long, conflicts_with = "plain")]
    json: bool,
    /// Replay so many times faster: 1, 10, 0.5; max: without waiting
    #[arg(long, value_name = "FACTOR", default_value = "1", requires = "files", value_parser = speed)]
    speed: Speed,
    #[command(flatten)]
    capture: CaptureArgs,
}

/// How many times faster than it was recorded; none: without waiting.
#[derive(Clone, Copy)]
struct Speed(Option<f64>);

fn speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed(None));
    }
    match text.parse() {
        Ok(factor) if f64::is_finite(factor) && factor > 0.0 => Ok(Speed(Some(factor))),
        _ => Err("give a number above 0, or max".to_owned()),
    }
}

/// Runs the command.
pub fn run(args: Args) -> Result<ExitCode, Error> {
    let mut sinks = Fanout::default();
    if args.json {
        sinks.add(JsonLive::new(stdout().lock()));
    } else {
        sinks.add(PlainLive::new(stdout().lock(), output::style()));
    }
    if args.files.is_empty() {
        return args.capture.prepare()?.run(sinks, Ready::new("live"));
    }
    replay(&args.files, args.speed, sinks)
}

fn replay(files: &[PathBuf], speed: Speed, mut sinks: Fanout<'_>) -> Result<ExitCode, Error> {
    let mut recordings = parts(files).map_err(|error| Error::Input(error.into()))?;
    let (Some(recording), None) = (recordings.pop(), recordings.pop()) else {
        return Err(Error::Input(anyhow!(
            "these are several recordings: give one, or the parts of one"
        )));
    };
    let mut source = Replay::new(recording.stream(), speed.0);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the event loop")?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::new()?;
        let stop = async { signals.next().await.to_owned() };
        pump(&mut source, &mut sinks, stop).await
    })?;
    match ended.sink_error {
        Some(error) => Err(Error::Failed(error)),
        None => Ok(ExitCode::SUCCESS),
    }
}
