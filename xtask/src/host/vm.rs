//! `cargo xtask vm`: one command in a machine.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Args;

use super::{
    apt, build,
    initramfs::{self, HostFile},
    kernels,
    machine::{Exit, Machine, tail},
    progress,
    qemu::{Clock, Config, Disk},
};

/// Boot a Debian kernel under QEMU and run a command in it.
///
/// The machine has busybox, the real resize and mount tools (cp, resize2fs, xfsprogs, growpart, sfdisk,
/// partx, losetup, dmsetup, …), bash, and the modules xfs, loop, overlay and dm. Disks are
/// vdb, vdc, … Inside, `host grow vdb 2G` has the hypervisor grow a disk, `host iops vdb 100`
/// limits it. The command runs in /tmp; its output and exit status are passed on.
///
/// Example: cargo xtask vm --kernel 6.12 --disk 1G --volprobe --get /tmp/x.vprec --
/// sh -c 'mkfs.ext4 -q /dev/vdb; mount /dev/vdb /mnt; volprobe record -o x.vprec -- resize2fs /dev/vdb'
#[derive(Debug, Args)]
pub struct VmArgs {
    /// Kernel series: 5.10, 6.1, 6.12 or 7.3.
    #[arg(long, default_value = kernels::MAIN_SERIES)]
    pub kernel: String,
    /// Add a disk: SIZE[,iops=N]. May be given several times.
    #[arg(long, value_name = "SIZE")]
    pub disk: Vec<String>,
    /// Put a file into the machine: FILE[:DEST] (programs go to /usr/bin, with their libraries).
    #[arg(long, value_name = "FILE[:DEST]")]
    pub copy: Vec<String>,
    /// Build volprobe as a static binary and put it into the machine.
    #[arg(long)]
    pub volprobe: bool,
    /// Bring a file back afterwards: PATH[:DEST].
    #[arg(long, value_name = "PATH[:DEST]")]
    pub get: Vec<String>,
    /// Add a kernel module that can be loaded with modprobe.
    #[arg(long, value_name = "NAME")]
    pub module: Vec<String>,
    /// Processors.
    #[arg(long, default_value_t = 2)]
    pub cpus: u32,
    /// Memory in MiB.
    #[arg(long, default_value_t = 1024)]
    pub mem: u32,
    /// Words for the kernel's command line.
    #[arg(long, default_value = "quiet")]
    pub append: String,
    /// Show the machine's console on stderr (it is kept in target/vm either way).
    #[arg(long)]
    pub console: bool,
    /// Give up when the command says nothing for so many seconds.
    #[arg(long, default_value_t = 600)]
    pub timeout: u64,
    /// The command and its arguments.
    #[arg(last = true, required = true)]
    pub command: Vec<String>,
}

/// Runs `cargo xtask vm`.
pub fn run(args: &VmArgs) -> Result<ExitCode> {
    apt::ensure(apt::VM_NEEDS)?;
    let kernel = kernels::get(&args.kernel)?;
    let guest = build::static_binary("xtask", "guest", build::VM_PROFILE)?;
    let mut files = args
        .copy
        .iter()
        .map(|file| HostFile::parse(file))
        .collect::<Result<Vec<_>>>()?;
    if args.volprobe {
        let from = build::static_binary("volprobe", "volprobe", build::VM_PROFILE)?;
        files.push(HostFile {
            from,
            to: "/usr/bin/volprobe".to_owned(),
        });
    }
    let console = console_path(&args.kernel, "vm")?;
    let config = Config {
        initramfs: initramfs::build(&kernel, &guest, &args.module, &files)?,
        kernel,
        disks: args
            .disk
            .iter()
            .map(|disk| Disk::parse(disk))
            .collect::<Result<_>>()?,
        clock: Clock::Host,
        cpus: args.cpus,
        possible_cpus: args.cpus,
        memory: args.mem,
        append: args.append.clone(),
        console: console.clone(),
        show_console: args.console,
    };
    let start = Instant::now();
    let mut machine = Machine::boot(&config)?;
    progress(format_args!(
        "kernel {} is up after {:.1} s, console in {}",
        machine.release,
        start.elapsed().as_secs_f64(),
        console.display()
    ));
    let silence = Duration::from_secs(args.timeout);
    let exit = machine.run(&args.command, silence, |stream, bytes| {
        let _ = match stream {
            1 => std::io::stdout().write_all(bytes),
            _ => std::io::stderr().write_all(bytes),
        };
    });
    let exit = exit.inspect_err(|_| {
        let text = fs::read_to_string(&console).unwrap_or_default();
        eprintln!("{}", tail(&text, 60));
    })?;
    for get in &args.get {
        let (path, to) = match get.split_once(':') {
            Some((path, to)) => (path, PathBuf::from(to)),
            None => (
                get.as_str(),
                PathBuf::from(get.rsplit('/').next().unwrap_or(get)),
            ),
        };
        let bytes = machine.get(path)?;
        fs::write(&to, &bytes).with_context(|| format!("cannot write {}", to.display()))?;
        progress(format_args!(
            "{path} → {} ({} bytes)",
            to.display(),
            bytes.len()
        ));
    }
    Ok(match exit {
        Exit::Code(code) => ExitCode::from(code as u8),
        Exit::Signal(signal) => ExitCode::from((128 + signal) as u8),
    })
}

/// A file for the console of one machine: `target/vm/KERNEL-NAME-PID.console`.
pub fn console_path(series: &str, name: &str) -> Result<PathBuf> {
    let dir = build::target_dir()?.join("vm");
    fs::create_dir_all(&dir)?;
    Ok(dir.join(format!("{series}-{name}-{}.console", std::process::id())))
}
