//! `volprobe record`: the stream into a file.

use super::announce::Announce;
use super::capture::CaptureArgs;
use super::ready::Ready;
use super::units;
use crate::error::Error;
use crate::sample::{Inventory, Record, Window};
use crate::session::{Limits, Rotating, WriteError, Writer, WriterOptions, same_disk_warning};
use crate::sink::{Fanout, Sink};
use clap::Args as ClapArgs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::sync::oneshot;

/// Record into a file, for later
///
/// With --max-size the recording ends when FILE has that size. With --rotate as
/// well it goes on: FILE, complete in itself, becomes FILE.1, what was FILE.1
/// becomes FILE.2, and the oldest is removed, so that N files stay. `volprobe
/// report FILE FILE.1 …` reads them as the one recording that they are.
#[derive(ClapArgs)]
pub struct Args {
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Replace the file, if it exists
    #[arg(long)]
    force: bool,
    /// Size that no file grows beyond (64MiB, 1GB), at least 1MiB
    #[arg(long, value_name = "SIZE", value_parser = max_size)]
    max_size: Option<u64>,
    /// Keep so many files of that size, and go on recording
    #[arg(long, value_name = "N", requires = "max_size", value_parser = clap::value_parser!(u32).range(2..=999))]
    rotate: Option<u32>,
    #[command(flatten)]
    capture: CaptureArgs,
}

fn max_size(text: &str) -> Result<u64, String> {
    match units::size(text)? {
        size if size < 1 << 20 => Err("must be at least 1MiB".to_owned()),
        size => Ok(size),
    }
}

/// Runs the command.
pub fn run(args: Args) -> Result<ExitCode, Error> {
    let mut capture = args.capture.prepare()?;
    let existed = args.output.exists();
    let options = WriterOptions {
        force: args.force,
        ..WriterOptions::default()
    };
    let create = |error: WriteError| Error::Input(error.into());
    let mut sinks = Fanout::default();
    if let Some(max_size) = args.max_size {
        let limits = Limits {
            max_size,
            files: args.rotate.unwrap_or(1),
        };
        let (full, until) = oneshot::channel();
        let on_full = move || {
            eprintln!("volprobe: the recording has reached --max-size, and ends");
            // Nobody waits for it any more: it is ending already.
            let _ = full.send("max-size".to_owned());
        };
        capture.end_when(until);
        let writer = Rotating::create(&args.output, &options, limits, on_full).map_err(create)?;
        // Before the writer, which then puts a finding's window to the disk at once.
        sinks.add(Announce::new(writer.sync_handle()));
        sinks.add(writer);
    } else {
        let writer = Writer::create(&args.output, &options).map_err(create)?;
        sinks.add(Announce::new(writer.sync_handle()));
        sinks.add(writer);
    }
    sinks.add(DiskWarning(Some(args.output.clone())));
    let ready = Ready::new(format!("to {}", args.output.display()));
    let result = capture.run(sinks, ready);
    // Nothing was recorded: no file is left behind that looks as if.
    if matches!(result, Err(Error::Kernel(_))) && !existed {
        let _ = std::fs::remove_file(&args.output);
    }
    result
}

/// Warns, once the inventory is there, if the file lies on a disk under study.
struct DiskWarning(Option<PathBuf>);

impl Sink for DiskWarning {
    fn window(&mut self, window: &Window) -> anyhow::Result<()> {
        let whole = window
            .samples
            .iter()
            .find_map(|sample| match &sample.record {
                Some(Record::Inventory(inventory)) if inventory.whole => Some(inventory),
                _ => None,
            });
        if let Some(inventory) = whole
            && let Some(path) = self.0.take()
        {
            warn(&path, inventory);
        }
        Ok(())
    }
}

fn warn(path: &Path, inventory: &Inventory) {
    if let Ok(Some(warning)) = same_disk_warning(path, inventory, &[]) {
        eprintln!("volprobe: {warning}");
    }
}
