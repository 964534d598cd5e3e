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

use crate::guest::stage::IDLE_BYTES;
use crate::host::{
    apt, build, dist,
    initramfs::{self, HostFile},
    kernels,
    machine::{Exit, Machine, tail},
    progress,
    qemu::{Clock, Config, Disk},
    vm,
};

/// What volprobe is compared with.
const NEEDS: &[apt::Need] = &[("bpftrace", "bpftrace"), ("funclatency", "libbpf-tools")];

/// Disks of the machine: more than any measurement uses.
const DISKS: usize = 4;

/// Nothing is heard from the guest for so long: an emulated start of bpftrace.
const SILENCE: Duration = Duration::from_mins(10);

/// A machine in which the guest program measures.
pub(super) struct Rig {
    machine: Machine,
    console: PathBuf,
}

impl Rig {
    /// Boots a kernel with volprobe and its rivals.
    pub(super) fn boot(series: &str, cpus: u32) -> Result<Self> {
        Self::boot_with(series, cpus, cpus)
    }

    /// The same, with so many processors that could be added.
    pub(super) fn boot_with(series: &str, cpus: u32, possible_cpus: u32) -> Result<Self> {
        apt::ensure(&[apt::VM_NEEDS, NEEDS].concat())?;
        let kernel = kernels::get(series)?;
        let guest = build::static_binary("xtask", "guest", build::VM_PROFILE)?;
        let mut files = vec![HostFile {
            from: dist::build()?,
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
            disks: vec![Disk::empty(IDLE_BYTES); DISKS],
            clock: Clock::Instructions,
            cpus,
            possible_cpus,
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

    /// Addresses of the instructions of a trace that the guest had made.
    pub(super) fn trace(&self, name: &str) -> Result<Vec<u64>> {
        let text = self.machine.trace(name)?;
        Ok(text.lines().filter_map(address).collect())
    }

    /// Brings a text file back from the guest.
    pub(super) fn text(&mut self, path: &str) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.machine.get(path)?).into_owned())
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

/// The guest's address in a line of QEMU's log of executed blocks:
/// `Trace 0: 0x7f60c80009c0 [00000000/ffffffff810001c9/00000070/ff020000] name`.
fn address(line: &str) -> Option<u64> {
    let (_, block) = line.strip_prefix("Trace ")?.split_once('[')?;
    u64::from_str_radix(block.split('/').nth(1)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_executed_blocks() {
        let line = "Trace 0: 0x7f60c80009c0 [00000000/ffffffff810001c9/00000070/ff020000] x";
        assert_eq!(address(line), Some(0xffff_ffff_8100_01c9));
        assert_eq!(
            address("Stopped execution of TB chain before 0x7f [12]"),
            None
        );
    }
}
