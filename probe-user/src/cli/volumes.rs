//! `volprobe volumes`: what is wrong now, from the node's state alone.

use super::outside::{self, Outside};
use crate::analysis;
use crate::collect::clock;
use crate::error::Error;
use crate::model::Recording;
use crate::node::{Node, facts, kernel_log};
use crate::render::{self, Style};
use crate::sample::{Inventory, Record, Session, Window};
use crate::session::{Writer, WriterOptions};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The state of this node's volumes now: the size of every layer, read-ahead, and
/// what did not grow. Needs no BPF and works on any kernel.
#[derive(clap::Args)]
#[command(after_help = outside::FORMATS)]
pub struct Args {
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

/// Reads the node and prints.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let root = Path::new("/");
    let mut recording = Recording::default();
    let mut writer = args
        .save
        .as_deref()
        .map(|path| create(path, args.force))
        .transpose()?;
    let window = window(root, Node::new(root).snapshot());
    recording.apply(&window);
    if let Some(writer) = &mut writer {
        let written = writer.write(&window).and_then(|()| writer.end());
        written.map_err(|error| Error::Failed(error.into()))?;
    }
    let mut volumes = analysis::volumes(&recording);
    if !args.outside.events.is_empty() {
        let recordings = std::slice::from_ref(&recording);
        let (intake, inputs) = args.outside.read(recordings)?;
        let said = &args.outside.disk;
        volumes.add_outside(analysis::correlate(recordings, &intake, inputs, said));
    }
    if let Some(name) = &args.volume {
        volumes.keep_only(name);
    }
    if let Ok(lines) = kernel_log::read_sizes() {
        volumes.add_kernel_log(&lines);
    }
    if let (Some(name), true) = (&args.volume, volumes.volumes.is_empty()) {
        return Err(Error::Input(anyhow::anyhow!(
            "no volume here is called '{name}'"
        )));
    }
    let mut out = io::stdout().lock();
    if args.json {
        render::volumes_json(&volumes, &mut out)
    } else {
        render::volumes_text(&volumes, style(), &mut out)
    }
    .map_err(anyhow::Error::from)?;
    let found = args.exit_code && volumes.has_findings_above_info();
    Ok(ExitCode::from(u8::from(found)))
}

/// Before anything is read: a name that cannot be written is a wrong request.
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
        Record::Session(session),
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

fn style() -> Style {
    let terminal = io::stdout().is_terminal();
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Style {
        color: terminal && !no_color,
        ..Style::plain()
    }
}
