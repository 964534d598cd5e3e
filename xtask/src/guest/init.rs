//! Process 1: mounts what a system has mounted, loads the modules that the
//! host chose, starts the agent, and buries orphans.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};
use rustix::{
    mount::{MountFlags, mount},
    process::{WaitOptions, wait},
    system::{RebootCommand, reboot},
};

use super::agent;

/// File that lists the modules to load at boot, one a line.
pub const BOOT_MODULES: &str = "/etc/boot-modules";

const MOUNTS: &[(&str, &str, &str)] = &[
    ("proc", "/proc", ""),
    ("sysfs", "/sys", ""),
    ("devtmpfs", "/dev", "mode=0755"),
    ("devpts", "/dev/pts", ""),
    ("tmpfs", "/dev/shm", "mode=1777"),
    ("tmpfs", "/run", "mode=0755"),
    ("tmpfs", "/tmp", "mode=1777,size=75%"),
    ("cgroup2", "/sys/fs/cgroup", "nsdelegate"),
    ("tracefs", "/sys/kernel/tracing", ""),
    ("debugfs", "/sys/kernel/debug", ""),
    ("securityfs", "/sys/kernel/security", ""),
];

/// Never returns while the agent lives; its end turns the machine off.
pub(super) fn run() -> Result<ExitCode> {
    for (kind, at, options) in MOUNTS {
        // Directories below /sys exist already, and cannot be made.
        let _ = fs::create_dir_all(at);
        let options = std::ffi::CString::new(*options)?;
        mount(*kind, *at, *kind, MountFlags::empty(), options.as_c_str())
            .with_context(|| format!("cannot mount {kind} on {at}"))?;
    }
    for (to, from) in [
        ("/proc/self/fd", "/dev/fd"),
        ("/proc/self/fd/1", "/dev/stdout"),
    ] {
        if !Path::new(from).exists() {
            symlink(to, from)?;
        }
    }
    rustix::system::sethostname(b"volprobe-vm")?;
    // SAFETY: no other thread exists yet.
    unsafe {
        std::env::set_var("PATH", "/usr/local/bin:/usr/bin:/usr/sbin");
        std::env::set_var("HOME", "/root");
    }
    for module in fs::read_to_string(BOOT_MODULES)?.lines() {
        let status = Command::new("modprobe").arg(module).status()?;
        if !status.success() {
            println!("init: module {module} was not loaded: {status}");
        }
    }
    // SAFETY: the process has one thread, so the child may do anything.
    let child = unsafe { libc::fork() };
    if child == 0 {
        if let Err(error) = agent::serve() {
            println!("init: agent: {error:#}");
        }
        std::process::exit(0);
    }
    anyhow::ensure!(
        child > 0,
        "fork failed: {}",
        std::io::Error::last_os_error()
    );
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, _))) if pid.as_raw_nonzero().get() == child => break,
            Err(rustix::io::Errno::CHILD) => break,
            _ => {}
        }
    }
    rustix::fs::sync();
    reboot(RebootCommand::PowerOff)?;
    Ok(ExitCode::SUCCESS)
}
