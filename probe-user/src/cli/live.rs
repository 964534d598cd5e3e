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

/// What chooses what is traced: a recording has what it has.
const OF_A_CAPTURE: [&str; 17] = [
    "probes",
    "duration",
    "flush",
    "unused_after",
    "tools",
    "btf",
    "kernel_log",
    "without",
    "command",
    "pid",
    "comm",
    "cgroup",
    "pod",
    "container",
    "device",
    "mount",
    "tree",
];

/// Show what happens as it happens
#[derive(ClapArgs)]
pub struct Args {
    /// Replay this recording, or the parts of one, instead of the running kernel
    #[arg(value_name = "FILE", conflicts_with_all = OF_A_CAPTURE)]
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::error::ErrorKind;
    use clap::{Arg, ArgAction, Command};

    /// An argument as it may be given.
    fn words(arg: &Arg) -> Vec<String> {
        let Some(long) = arg.get_long() else {
            return vec!["--".to_owned(), "true".to_owned()];
        };
        let mut words = vec![format!("--{long}")];
        if !matches!(arg.get_action(), ArgAction::SetTrue) {
            let possible = arg.get_possible_values();
            let value = possible.first().map_or("1s", |value| value.get_name());
            words.push(value.to_owned());
        }
        words
    }

    #[test]
    fn what_chooses_what_is_traced_is_no_choice_for_a_recording() {
        let command = Args::augment_args(Command::new("live"));
        let of_a_replay = ["files", "plain", "json", "speed"];
        let mut of_a_capture: Vec<&str> = Vec::new();
        for arg in command.get_arguments() {
            let id = arg.get_id().as_str();
            if of_a_replay.contains(&id) {
                continue;
            }
            of_a_capture.push(id);
            // What follows the processes of a command needs one.
            let command_line = (id == "tree").then_some(["--", "true"]);
            let line = ["live", "a.vprec"].map(str::to_owned).into_iter();
            let line = line.chain(words(arg));
            let line = line.chain(command_line.into_iter().flatten().map(str::to_owned));
            // `--pid` takes a number, and says so first.
            let line = line.map(|word| {
                if id == "pid" {
                    word.replace("1s", "1")
                } else {
                    word
                }
            });
            let error = command.clone().try_get_matches_from(line).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ArgumentConflict, "{id}: {error}");
        }
        of_a_capture.sort_unstable();
        let mut named = OF_A_CAPTURE;
        named.sort_unstable();
        assert_eq!(of_a_capture, named);
    }
}
