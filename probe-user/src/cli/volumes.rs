//! `volprobe volumes`: what is wrong now, from the node's state alone.

use super::output;
use super::outside::{self, Outside};
use crate::analysis;
use crate::collect::clock;
use crate::error::Error;
use crate::model::Recording;
use crate::node::{Node, facts, kernel_log};
use crate::render;
use crate::sample::{Inventory, Record, Session, Window};
use crate::session::{self, Span, Writer, WriterOptions};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The state of this node's volumes now: the size of every layer, read-ahead, and
/// what did not grow. Needs no BPF and works on any kernel.
#[derive(clap::Args)]
#[command(after_help = outside::FORMATS)]
pub struct Args {
    /// A recording: the volumes as they were at its end, instead of now
    #[arg(value_name = "FILE", conflicts_with = "save")]
    file: Option<PathBuf>,
    /// Only this volume: namespace/pvc, PV, disk id, device or mount point
    #[arg(long, value_name = "NAME")]
    volume: Option<String>,
    #[command(flatten)]
    outside: Outside,
    /// Print JSON (volprobe.volumes/1)
    #[arg(long)]
    json: bool,
    /// Also write what was read to a recording, which the other commands read
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Replace the recording if it exists
    #[arg(long, requires = "save")]
    force: bool,
    /// Exit with 1 if there is a finding above info
    #[arg(long)]
    exit_code: bool,
}

/// Reads the node, or a recording of it, and prints.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let now = args
        .file
        .is_none()
        .then(|| window(Path::new("/"), Node::new("/").snapshot()));
    let recordings = match (&now, &args.file) {
        (Some(window), _) => vec![of(window)],
        (None, file) => session::load(file.as_slice(), &Span::default())
            .map_err(|error| Error::Input(error.into()))?,
    };
    let (intake, inputs) = args.outside.read(&recordings)?;
    if let (Some(path), Some(window)) = (&args.save, &now) {
        save(path, args.force, window)?;
    }
    let recording = recordings
        .first()
        .ok_or_else(|| Error::Input(anyhow::anyhow!("there is no recording")))?;
    let mut volumes = analysis::volumes(recording);
    if !args.outside.events.is_empty() {
        let said = &args.outside.disk;
        volumes.add_outside(analysis::correlate(&recordings, &intake, inputs, said));
    }
    if let Some(name) = &args.volume {
        volumes.keep_only(name);
        if volumes.volumes.is_empty() {
            return Err(output::no_volume(name));
        }
    }
    if let (Some(_), Ok(lines)) = (&now, kernel_log::read_sizes()) {
        volumes.add_kernel_log(&lines);
    }
    output::write(|out| {
        if args.json {
            render::volumes_json(&volumes, out)
        } else {
            render::volumes_text(&volumes, output::style(), out)
        }
    })?;
    let found = args.exit_code && volumes.has_findings_above_info();
    Ok(ExitCode::from(u8::from(found)))
}

fn of(window: &Window) -> Recording {
    let mut recording = Recording::default();
    recording.apply(window);
    recording
}

fn save(path: &Path, force: bool, window: &Window) -> Result<(), Error> {
    let mut writer = create(path, force)?;
    let written = writer.write(window).and_then(|()| writer.end());
    written.map_err(|error| Error::Failed(error.into()))
}

/// A name that cannot be written is a wrong request.
fn create(path: &Path, force: bool) -> Result<Writer, Error> {
    let options = WriterOptions {
        force,
        ..WriterOptions::default()
    };
    Writer::create(path, &options).map_err(|error| Error::Input(error.into()))
}

/// The one window of a stream that has nothing but this moment.
fn window(root: &Path, inventory: Inventory) -> Window {
    let facts = facts::read(root);
    let session = Session {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: facts.host,
        kernel: facts.kernel,
        boot_id: facts.boot_id,
        machine: facts.machine,
        time_zone: facts.time_zone,
        start_boot_ns: inventory.boot_ns,
        ..Session::default()
    };
    let (from_boot_ns, duration) = (inventory.boot_ns, inventory.duration_ns);
    let records = [
        session.into(),
        Record::Anchor(clock::anchor()),
        Record::Inventory(inventory),
    ];
    Window {
        seq: 1,
        from_boot_ns,
        to_boot_ns: from_boot_ns + duration,
        samples: records.into_iter().map(Into::into).collect(),
    }
}
