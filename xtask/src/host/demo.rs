//! `cargo xtask demo`: the volume that did not grow, played on a real kernel.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::{
    apt, build,
    initramfs::{self, HostFile},
    kernels,
    machine::{Exit, Machine, tail},
    progress,
    qemu::{Clock, Config, Disk},
    run, vm,
};

/// Boot a Debian kernel in a virtual machine and play the volume that did not
/// grow: a resize that came before the disk had grown, and succeeded with
/// nothing. Records it with volprobe and prints the report.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Kernel series: 5.10, 6.1, 6.12 or 7.3.
    #[arg(long, default_value = kernels::MAIN_SERIES)]
    pub kernel: String,
    /// Where to keep the recording.
    #[arg(long, default_value = "target/demo.vprec")]
    pub output: PathBuf,
}

/// Played in the guest, by the guest program under the name `demo`.
const RECORDING: &str = "/tmp/demo.vprec";

/// Runs `cargo xtask demo`.
pub fn run(args: &DemoArgs) -> Result<ExitCode> {
    apt::ensure(apt::VM_NEEDS)?;
    progress("building volprobe, static (slow the first time) …");
    let volprobe = build::static_binary("volprobe", "volprobe", build::VM_PROFILE)?;
    let guest = build::static_binary("xtask", "guest", build::VM_PROFILE)?;
    let kernel = kernels::get(&args.kernel)?;
    let recording = play(kernel, &guest, &volprobe)?;
    if let Some(parent) = args.output.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(&args.output, recording)
        .with_context(|| format!("cannot write {}", args.output.display()))?;
    progress(format_args!(
        "the recording is {}; this is `volprobe report` of it:\n",
        args.output.display()
    ));
    run::check(Command::new(volprobe).arg("report").arg(&args.output))?;
    Ok(ExitCode::SUCCESS)
}

/// Plays it, and returns the recording.
fn play(kernel: kernels::Kernel, guest: &Path, volprobe: &Path) -> Result<Vec<u8>> {
    let files = [HostFile {
        from: volprobe.to_owned(),
        to: "/usr/bin/volprobe".to_owned(),
    }];
    let console = vm::console_path(&kernel.series, "demo")?;
    progress(format_args!(
        "booting kernel {} under QEMU …",
        kernel.release
    ));
    let start = Instant::now();
    let mut machine = Machine::boot(&Config {
        initramfs: initramfs::build(&kernel, guest, &[], &files)?,
        kernel,
        disks: vec![Disk {
            bytes: 1 << 30,
            iops: None,
        }],
        clock: Clock::Host,
        cpus: 2,
        memory: 1024,
        append: "quiet".to_owned(),
        console: console.clone(),
        show_console: false,
    })?;
    progress(format_args!(
        "up after {:.1} s",
        start.elapsed().as_secs_f64()
    ));
    let argv = ["demo".to_owned(), RECORDING.to_owned()];
    let exit = machine.run(&argv, Duration::from_mins(2), |_, bytes| {
        let _ = std::io::stderr().write_all(bytes);
    })?;
    if exit != Exit::Code(0) {
        let text = fs::read_to_string(&console).unwrap_or_default();
        bail!("the demo ended with {exit:?}\n{}", tail(&text, 40));
    }
    machine.get(RECORDING)
}
