//! What a machine is made of, as QEMU's command line.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use super::kernels::Kernel;
use crate::{
    link::{AGENT_PORT, HOST_PORT},
    size,
};

/// A disk of the machine.
#[derive(Debug, Clone)]
pub struct Disk {
    /// Its size in bytes at the start.
    pub bytes: u64,
    /// Requests a second at most, if limited.
    pub iops: Option<u64>,
    /// What is on it.
    pub image: Image,
}

/// What a disk holds, and what becomes of it.
#[derive(Debug, Clone)]
pub enum Image {
    /// Nothing; it ends with the machine.
    Empty,
    /// Nothing; all writes and flushes are logged to this file, which outlives
    /// the machine.
    Logged(PathBuf),
    /// This file.
    File(PathBuf),
}

impl Disk {
    /// An empty one, as fast as it can be.
    pub fn empty(bytes: u64) -> Self {
        Self {
            bytes,
            iops: None,
            image: Image::Empty,
        }
    }

    /// Reads `SIZE[,iops=N]`.
    pub fn parse(text: &str) -> Result<Self> {
        let (bytes, iops) = match text.split_once(",iops=") {
            Some((bytes, iops)) => (bytes, Some(iops.parse()?)),
            None => (text, None),
        };
        Ok(Self {
            iops,
            ..Self::empty(size::parse(bytes)?)
        })
    }

    /// What QEMU opens it by; `dir` is the machine's own.
    fn drive(&self, name: &str, dir: &Path) -> Result<String> {
        let limit = self
            .iops
            .map(|iops| format!(",throttling.iops-total={iops}"))
            .unwrap_or_default();
        let file = match &self.image {
            Image::File(file) => file.clone(),
            Image::Empty | Image::Logged(_) => {
                let file = dir.join(name);
                File::create(&file)?.set_len(self.bytes)?;
                file
            }
        };
        let file = file.display();
        Ok(match &self.image {
            Image::Empty | Image::File(_) => format!(
                "file={file},format=raw,if=none,id={name},cache=unsafe,discard=unmap{limit}"
            ),
            // Not "unsafe", which would keep the flushes out of the log.
            Image::Logged(log) => {
                File::create(log)?;
                format!(
                    "driver=blklogwrites,file.driver=file,file.filename={file},\
                     log.driver=file,log.filename={},if=none,id={name}{limit}",
                    log.display()
                )
            }
        })
    }
}

/// What the machine's time follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The host's time.
    Host,
    /// The instructions executed: each takes a nanosecond, and sleeping none.
    Instructions,
}

impl Clock {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Host => &["-accel", "tcg,thread=multi"],
            Self::Instructions => &[
                "-accel",
                "tcg,thread=single",
                "-icount",
                "shift=0,sleep=off",
            ],
        }
    }
}

/// What a machine is made of.
#[derive(Debug)]
pub struct Config {
    /// What it boots.
    pub kernel: Kernel,
    /// Its only file system.
    pub initramfs: Vec<u8>,
    /// Disks `vdb`, `vdc`, …; `vda` stands for the node's own disk.
    pub disks: Vec<Disk>,
    /// What its time follows.
    pub clock: Clock,
    /// Processors.
    pub cpus: u32,
    /// Processors that there could be, at least as many.
    pub possible_cpus: u32,
    /// Memory in MiB.
    pub memory: u32,
    /// Words added to the kernel's command line.
    pub append: String,
    /// Where the console is written.
    pub console: PathBuf,
    /// Whether the console is also shown on stderr.
    pub show_console: bool,
}

/// The serial number of a disk, as Alibaba Cloud gives one: the disk's id without
/// its `d-`, as long as virtio allows.
fn serial_of(name: &str) -> String {
    format!("bp1example0volpro{name}")
}

/// The command that starts the machine, with its sockets and disks in `dir`:
/// `agent` and `host` are the guest's ports, `qmp` controls the machine.
pub(super) fn command(config: &Config, dir: &Path) -> Result<Command> {
    let initramfs = dir.join("initramfs");
    fs::write(&initramfs, &config.initramfs)?;
    let mut command = Command::new("qemu-system-x86_64");
    let mut arg = |name: &str, value: String| {
        command.arg(name).arg(value);
    };
    arg("-machine", "q35".to_owned());
    arg("-cpu", "max".to_owned());
    arg(
        "-smp",
        format!("{},maxcpus={}", config.cpus, config.possible_cpus),
    );
    arg("-m", config.memory.to_string());
    arg("-kernel", config.kernel.image.display().to_string());
    arg("-initrd", initramfs.display().to_string());
    // A loaded host gives an emulated timer too little time to pass the kernel's
    // check of it in early boot; under KVM the kernel leaves it out by itself.
    arg(
        "-append",
        format!(
            "console=ttyS0 no_timer_check panic=-1 oops=panic net.ifnames=0 {}",
            config.append
        ),
    );
    arg("-serial", "stdio".to_owned());
    arg(
        "-qmp",
        format!("unix:{},server=on,wait=off", dir.join("qmp").display()),
    );
    // The order of the disks' -device is the order of their letters.
    arg(
        "-drive",
        "driver=null-co,size=64M,if=none,id=vda".to_owned(),
    );
    arg("-device", "virtio-blk-pci,drive=vda,serial=node".to_owned());
    for (disk, letter) in config.disks.iter().zip('b'..='z') {
        let name = format!("vd{letter}");
        arg("-drive", disk.drive(&name, dir)?);
        arg(
            "-device",
            format!("virtio-blk-pci,drive={name},serial={}", serial_of(&name)),
        );
    }
    arg("-device", "virtio-serial-pci".to_owned());
    for (id, name) in [("agent", AGENT_PORT), ("host", HOST_PORT)] {
        let path = dir.join(id);
        arg(
            "-chardev",
            format!("socket,id={id},path={},server=on,wait=off", path.display()),
        );
        arg(
            "-device",
            format!("virtserialport,chardev={id},name={name}"),
        );
    }
    command.args(config.clock.arguments());
    command.args([
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-no-reboot",
    ]);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_have_the_length_by_which_they_are_known() {
        assert_eq!(serial_of("vdb").len(), 20);
    }

    #[test]
    fn disks_with_and_without_a_limit() {
        assert_eq!(Disk::parse("1G").unwrap().bytes, 1 << 30);
        assert_eq!(Disk::parse("512M,iops=100").unwrap().iops, Some(100));
        assert!(Disk::parse("1G,color=red").is_err());
    }
}
