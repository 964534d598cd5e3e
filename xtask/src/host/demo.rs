//! `cargo xtask demo`: the two incidents, played on a real kernel.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use super::{
    apt, build,
    initramfs::{self, HostFile},
    kernels,
    machine::{Exit, Machine, tail},
    progress,
    qemu::{Clock, Config, Disk},
    run, vm,
};

/// Boot a Debian kernel in a virtual machine, play an incident there, record it
/// with volprobe, and print what volprobe says of it.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// What to play
    #[arg(value_enum, default_value_t = Incident::Resize)]
    pub incident: Incident,
    /// Kernel series: 5.10, 6.1, 6.12 or 7.3.
    #[arg(long, default_value = kernels::MAIN_SERIES)]
    pub kernel: String,
    /// Where to keep the recording.
    #[arg(long, default_value = "target/demo.vprec")]
    pub output: PathBuf,
}

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Incident {
    /// The volume that did not grow: a resize that came before the disk had
    /// grown, and succeeded with nothing. Prints the report.
    Resize,
    /// The copy that became slow: io.Copy from a network mount, before and after
    /// its read-ahead fell to the kernel's default. Prints the diff; the two
    /// recordings are kept beside each other.
    Readahead,
}

/// Runs `cargo xtask demo`.
pub fn run(args: &DemoArgs) -> Result<ExitCode> {
    apt::ensure(apt::VM_NEEDS)?;
    progress("building volprobe, static (slow the first time) …");
    let volprobe = build::static_binary("volprobe", "volprobe", build::VM_PROFILE)?;
    let guest = build::static_binary("xtask", "guest", build::VM_PROFILE)?;
    let mut files = vec![HostFile {
        from: volprobe.clone(),
        to: "/usr/bin/volprobe".to_owned(),
    }];
    let (outputs, command) = match args.incident {
        Incident::Resize => (vec![args.output.clone()], "report"),
        Incident::Readahead => {
            apt::ensure(apt::TEST_NEEDS)?;
            files.push(HostFile {
                from: build::go_program()?,
                to: "/usr/bin/gocopy".to_owned(),
            });
            let beside = |name: &str| args.output.with_extension(name);
            (vec![beside("before.vprec"), beside("after.vprec")], "diff")
        }
    };
    let kernel = kernels::get(&args.kernel)?;
    let recordings = play(kernel, &guest, &files, outputs.len())?;
    for (output, recording) in outputs.iter().zip(recordings) {
        if let Some(parent) = output.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(output, recording)
            .with_context(|| format!("cannot write {}", output.display()))?;
    }
    let names: Vec<String> = outputs.iter().map(|o| o.display().to_string()).collect();
    progress(format_args!(
        "this is `volprobe {command} {}`:\n",
        names.join(" ")
    ));
    run::check(Command::new(volprobe).arg(command).args(&outputs))?;
    Ok(ExitCode::SUCCESS)
}

/// Has the guest program play it under the name `demo`, and returns the recordings.
fn play(
    kernel: kernels::Kernel,
    guest: &Path,
    files: &[HostFile],
    recordings: usize,
) -> Result<Vec<Vec<u8>>> {
    let console = vm::console_path(&kernel.series, "demo")?;
    progress(format_args!(
        "booting kernel {} under QEMU …",
        kernel.release
    ));
    let start = Instant::now();
    let mut machine = Machine::boot(&Config {
        initramfs: initramfs::build(&kernel, guest, &[], files)?,
        kernel,
        disks: vec![
            Disk {
                bytes: 1 << 30,
                iops: None
            };
            2
        ],
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
    let paths: Vec<String> = (0..recordings).map(|i| format!("/tmp/{i}.vprec")).collect();
    let argv = [&["demo".to_owned()], paths.as_slice()].concat();
    let exit = machine.run(&argv, Duration::from_mins(2), |_, bytes| {
        let _ = std::io::stderr().write_all(bytes);
    })?;
    if exit != Exit::Code(0) {
        let text = fs::read_to_string(&console).unwrap_or_default();
        bail!("the demo ended with {exit:?}\n{}", tail(&text, 40));
    }
    paths.iter().map(|path| machine.get(path)).collect()
}
