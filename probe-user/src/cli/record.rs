//! `volprobe record`: the stream into a file.

use super::announce::Announce;
use super::capture::CaptureArgs;
use super::ready::Ready;
use crate::error::Error;
use crate::sample::{Inventory, Record, Window};
use crate::session::{Writer, WriterOptions, same_disk_warning};
use crate::sink::{Fanout, Sink};
use clap::Args as ClapArgs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Record into a file, for later
#[derive(ClapArgs)]
pub struct Args {
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Replace the file, if it exists
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    capture: CaptureArgs,
}

/// Runs the command.
pub fn run(args: Args) -> Result<ExitCode, Error> {
    let capture = args.capture.prepare()?;
    let existed = args.output.exists();
    let options = WriterOptions {
        force: args.force,
        ..WriterOptions::default()
    };
    let writer =
        Writer::create(&args.output, &options).map_err(|error| Error::Input(error.into()))?;
    let mut sinks = Fanout::default();
    // Before the writer, which then puts a finding's window to the disk at once.
    sinks.add(Announce::new(writer.sync_handle()));
    sinks.add(writer);
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
