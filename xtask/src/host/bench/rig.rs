//! A machine that counts instructions: one processor emulates all, and each
//! instruction is a nanosecond of the machine's own time, so what its clocks
//! tell is how many were executed. It repeats on any host, however loaded.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;

use crate::guest::stage::{DISKS, IDLE_BYTES};
use crate::host::{
    apt, build,
    initramfs::{self, HostFile},
    kernels,
    machine::{Exit, Machine, tail},
    progress,
    qemu::{Clock, Config, Disk},
    vm,
};

/// What volprobe is compared with.
const NEEDS: &[apt::Need] = &[("bpftrace", "bpftrace"), ("funclatency", "libbpf-tools")];

/// Nothing is heard from the guest for so long: an emulated start of bpftrace.
const SILENCE: Duration = Duration::from_mins(10);

/// A machine in which the guest program measures.
pub(super) struct Rig {
    machine: Machine,
    console: PathBuf,
}

impl Rig {
    /// Boots a kernel with volprobe, built in this profile, and its rivals.
    pub(super) fn boot(series: &str, cpus: u32, profile: &str) -> Result<Self> {
        apt::ensure(&[apt::VM_NEEDS, NEEDS].concat())?;
        let kernel = kernels::get(series)?;
        let guest = build::static_binary("xtask", "guest", build::VM_PROFILE)?;
        let mut files = vec![HostFile {
            from: build::static_binary("volprobe", "volprobe", profile)?,
            to: "/usr/bin/volprobe".to_owned(),
        }];
        for (program, _) in NEEDS {
            files.push(HostFile {
                from: apt::find_program(program)
                    .with_context(|| format!("{program} is not installed"))?,
                to: format!("/usr/bin/{program}"),
            });
        }
        let console = vm::console_path(series, "bench")?;
        let start = Instant::now();
        let machine = Machine::boot(&Config {
            initramfs: initramfs::build(&kernel, &guest, &[], &files)?,
            kernel,
            disks: vec![
                Disk {
                    bytes: IDLE_BYTES,
                    iops: None
                };
                DISKS
            ],
            clock: Clock::Instructions,
            cpus,
            memory: 3072,
            append: "quiet".to_owned(),
            console: console.clone(),
            show_console: false,
        })?;
        progress(format_args!(
            "kernel {} is up after {:.1} s",
            machine.release,
            start.elapsed().as_secs_f64()
        ));
        Ok(Self { machine, console })
    }

    /// Release of the running kernel.
    pub(super) fn release(&self) -> &str {
        &self.machine.release
    }

    /// Lets the guest program measure something, and returns what it found.
    pub(super) fn measure<T: DeserializeOwned>(&mut self, what: &[&str]) -> Result<T> {
        let argv: Vec<String> = ["bench"]
            .iter()
            .chain(what)
            .map(|&word| word.to_owned())
            .collect();
        let mut found = Vec::new();
        let exit = self.machine.run(&argv, SILENCE, |stream, bytes| {
            if stream == 1 {
                found.extend_from_slice(bytes);
            } else {
                let _ = std::io::stderr().write_all(bytes);
            }
        });
        match exit {
            Ok(Exit::Code(0)) => {}
            ended => {
                let console = fs::read_to_string(&self.console).unwrap_or_default();
                bail!("{argv:?} ended with {ended:?}\n{}", tail(&console, 40));
            }
        }
        // The tools that the guest runs say what they do before.
        let text = String::from_utf8_lossy(&found);
        let last = text.lines().last().unwrap_or_default();
        serde_json::from_str(last).with_context(|| format!("{argv:?} printed no result: {text}"))
    }
}
