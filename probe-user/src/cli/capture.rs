//! What `record` and `live` have in common: the kernel's programs attached, the
//! stream pumped into sinks, until something ends it.

use super::filters::FilterArgs;
use super::ready::Ready;
use super::signals::Signals;
use super::units;
use super::workload::{Running, Workload};
use crate::collect::{KernelSource, Options, pump};
use crate::error::Error;
use crate::probe::settings::Part;
use crate::probe::tree::Tree;
use crate::probe::{Selection, Settings, attach};
use crate::sink::Fanout;
use anyhow::Context;
use clap::Args;
use std::ffi::OsString;
use std::future::pending;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::sync::oneshot;

/// What is traced, and for how long.
#[derive(Args)]
pub struct CaptureArgs {
    /// Probes to use, instead of those that are on by default
    #[arg(long = "probe", value_name = "NAME", value_delimiter = ',')]
    probes: Vec<String>,
    /// End after this time (10s, 5m, 1h30m)
    #[arg(long, value_parser = units::duration)]
    duration: Option<Duration>,
    /// Time between two readings of the counts
    #[arg(long, value_parser = units::duration, default_value = "1s")]
    flush: Duration,
    /// A device that grew and stays unused for longer than this is a finding, now
    /// and in reports of the recording
    #[arg(long, value_name = "TIME", value_parser = units::duration, default_value = "30s")]
    unused_after: Duration,
    /// A further tool, by name, whose start and end are recorded
    #[arg(long = "tool", value_name = "NAME")]
    tools: Vec<String>,
    /// Read the kernel's types from this file, where it has no /sys/kernel/btf
    #[arg(long, value_name = "FILE")]
    btf: Option<PathBuf>,
    /// Show what the kernel programs log
    #[arg(long)]
    kernel_log: bool,
    /// Leave out parts of what is counted by. Only `cargo xtask bench`,
    /// which measures what each costs, has a use for it: what is left out reads
    /// as zero
    #[arg(long, value_enum, value_delimiter = ',', hide = true)]
    without: Vec<Part>,
    /// A command to run: the capture ends with it, and passes on its exit status
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
    // Last, because its heading is that of all that follows.
    #[command(flatten)]
    filters: FilterArgs,
}

/// A capture, ready to begin.
pub struct Capture {
    settings: Settings,
    workload: Option<Workload>,
    duration: Option<Duration>,
    until: Option<oneshot::Receiver<String>>,
    options: Options,
}

impl CaptureArgs {
    /// Checks everything that can be checked before the kernel is asked.
    pub fn prepare(self) -> Result<Capture, Error> {
        let input = |error: anyhow::Error| Error::Input(error);
        let mut settings = Settings {
            selection: Selection::parse(&self.probes).map_err(|e| input(e.into()))?,
            without: self.without,
            filters: self.filters.resolve().map_err(input)?,
            btf: self.btf,
            kernel_log: self.kernel_log,
            ..Settings::default()
        };
        settings.tools.extend(self.tools);
        if self.kernel_log {
            log::set_max_level(log::LevelFilter::Debug);
        }
        Ok(Capture {
            settings,
            workload: Workload::find(self.command).map_err(input)?,
            duration: self.duration,
            until: None,
            options: Options {
                flush: self.flush,
                root: PathBuf::from("/"),
                command_line: std::env::args().collect(),
                filters: self.filters.as_given(),
                unused_after: self.unused_after,
            },
        })
    }
}

impl Capture {
    /// Ends also when this tells why.
    pub fn end_when(&mut self, until: oneshot::Receiver<String>) {
        self.until = Some(until);
    }

    /// Attaches the programs, and hands the stream to `sinks` until a signal, the
    /// duration or the end of the command. `ready` says so when every probe is
    /// settled and the first window has been handed on.
    pub fn run(self, mut sinks: Fanout<'_>, mut ready: Ready) -> Result<ExitCode, Error> {
        let kernel = |error| Error::Kernel(anyhow::Error::new(error));
        let mut attached = attach(&self.settings).map_err(kernel)?;
        attached.arm().map_err(kernel)?;
        attached.self_test().map_err(kernel)?;
        let mut tree = attached.take_tree().map_err(kernel)?;
        let begun = ready.begun();
        sinks.add(ready);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the event loop")?;
        runtime.block_on(async {
            let mut source = KernelSource::start(attached, self.options)?;
            let mut running = None;
            let mut signals = Signals::new()?;
            let stop = stop(
                begun,
                &mut signals,
                self.duration,
                self.until,
                self.workload,
                tree.as_mut(),
                &mut running,
            );
            let ended = pump(&mut source, &mut sinks, stop).await?;
            drop(source);
            if let Some(error) = ended.sink_error {
                return Err(Error::Failed(error));
            }
            match running {
                Some(running) => Ok(running.wait(&mut signals).await?),
                None => Ok(ExitCode::SUCCESS),
            }
        })
    }
}

/// Why the capture is to end, once it is.
async fn stop(
    begun: impl Future,
    signals: &mut Signals,
    duration: Option<Duration>,
    until: Option<oneshot::Receiver<String>>,
    workload: Option<Workload>,
    tree: Option<&mut Tree>,
    running: &mut Option<Running>,
) -> String {
    tokio::select! {
        _ = begun => {}
        signal = signals.next() => return format!("signal {signal}"),
    }
    if let Some(workload) = workload {
        match workload.start(tree) {
            Ok(child) => *running = Some(child),
            Err(error) => {
                eprintln!("volprobe: {error:#}");
                *running = Some(Running::not_started());
            }
        }
    }
    let command = async {
        match running.as_mut() {
            Some(running) => running.ended().await,
            None => pending().await,
        }
    };
    let timer = async {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => pending().await,
        }
    };
    let told = async {
        match until {
            Some(until) => match until.await {
                Ok(why) => why,
                // Nobody is left who could.
                Err(_) => pending().await,
            },
            None => pending().await,
        }
    };
    let signal = tokio::select! {
        why = told => return why,
        () = command => return "command ended".to_owned(),
        () = timer => return "duration".to_owned(),
        signal = signals.next() => signal,
    };
    if let (Some(running), "SIGTERM") = (running, signal) {
        running.terminate();
    }
    format!("signal {signal}")
}
