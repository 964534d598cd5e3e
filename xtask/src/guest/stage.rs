//! What a scenario plays on: empty disks, a scratch directory, file systems.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{hypervisor, tool};

/// Disks that every test machine has.
pub const DISKS: usize = 16;
/// Their size between scenarios.
pub const IDLE_BYTES: u64 = 16 << 20;

/// An empty disk.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    /// Name, as `vdb`.
    pub name: String,
    /// Device node, as `/dev/vdb`.
    pub node: String,
}

impl Disk {
    /// The disk of this name.
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            node: format!("/dev/{name}"),
        }
    }

    /// Has the hypervisor grow the disk, and waits until the kernel knows.
    pub(super) fn grow(&self, bytes: u64) -> Result<()> {
        hypervisor::ask(&format!("grow {} {bytes}", self.name))?;
        self.wait_for(bytes)
    }

    /// Size in bytes, as the kernel has it.
    pub(super) fn bytes(&self) -> Result<u64> {
        let text = fs::read_to_string(format!("/sys/block/{}/size", self.name))?;
        Ok(text.trim().parse::<u64>()? * 512)
    }

    /// The id by which the cloud calls it.
    pub(super) fn id(&self) -> Result<String> {
        let serial = fs::read_to_string(format!("/sys/block/{}/serial", self.name))?;
        Ok(format!("d-{}", serial.trim()))
    }

    fn wait_for(&self, bytes: u64) -> Result<()> {
        super::wait_until(&format!("{} has {bytes} bytes", self.name), || {
            Ok(self.bytes()? == bytes)
        })
    }
}

/// The scene of one scenario.
#[derive(Debug)]
pub(super) struct Stage {
    used: usize,
    /// Kernel release.
    pub release: String,
    /// An empty directory on tmpfs.
    pub dir: PathBuf,
    /// Where disks are mounted, by their names.
    mounts: PathBuf,
    /// Options of every `volprobe record` of this scenario.
    pub record_options: Vec<String>,
}

/// Where the kernel offers its types.
const BTF_DIR: &str = "/sys/kernel/btf";

impl Stage {
    /// Clears away what an earlier scenario left, and starts anew.
    pub(super) fn new() -> Result<Self> {
        clear()?;
        let dir = PathBuf::from("/tmp/stage");
        fs::create_dir_all(&dir)?;
        std::env::set_current_dir(&dir)?;
        let release = rustix::system::uname()
            .release()
            .to_string_lossy()
            .into_owned();
        Ok(Self {
            used: 0,
            release,
            dir,
            mounts: PathBuf::from("/mnt"),
            record_options: Vec::new(),
        })
    }

    /// Whether the kernel is of this series.
    pub(super) fn is_series(&self, series: &str) -> bool {
        self.release
            .strip_prefix(series)
            .is_some_and(|rest| rest.starts_with('.'))
    }

    /// The next disk, empty and of this size.
    pub(super) fn disk(&mut self, bytes: u64) -> Result<Disk> {
        let letter = (b'b'..).nth(self.used).context("no disk left")?;
        anyhow::ensure!(self.used < DISKS, "a test machine has {DISKS} disks");
        self.used += 1;
        let disk = Disk::named(&format!("vd{}", char::from(letter)));
        // Cutting the file behind the disk empties it.
        hypervisor::ask(&format!("grow {} 0", disk.name))?;
        disk.grow(bytes)?;
        Ok(disk)
    }

    /// Makes an ext4 on a disk and mounts it at `/mnt/NAME`.
    pub(super) fn ext4(&self, disk: &Disk) -> Result<PathBuf> {
        tool::ok(&[
            "mkfs.ext4",
            "-q",
            "-E",
            "lazy_itable_init=1,lazy_journal_init=1",
            &disk.node,
        ])?;
        self.mount(&disk.name, &disk.node)
    }

    /// Makes an xfs on a disk and mounts it at `/mnt/NAME`.
    pub(super) fn xfs(&self, disk: &Disk) -> Result<PathBuf> {
        self.mkfs_xfs(&disk.node)?;
        self.mount(&disk.name, &disk.node)
    }

    /// Makes an xfs that this kernel can mount: an mkfs newer than the kernel
    /// sets features that it lacks.
    pub(super) fn mkfs_xfs(&self, node: &str) -> Result<()> {
        let old = ["5.10", "6.1"]
            .into_iter()
            .find(|series| self.is_series(series));
        if let Some(series) = old {
            let options = format!("options=/usr/share/xfsprogs/mkfs/lts_{series}.conf");
            // An mkfs that does not know such a file is old enough itself.
            let done = tool::run(&["mkfs.xfs", "-q", "-f", "-c", &options, node])?;
            if done.code == Some(0) {
                return Ok(());
            }
        }
        tool::ok(&["mkfs.xfs", "-q", "-f", node]).map(drop)
    }

    /// Takes the kernel's BTF out of sight, as on a kernel that has none, and
    /// gives it to recordings as a file.
    pub(super) fn hide_btf(&mut self) -> Result<()> {
        let file = self.dir.join("vmlinux.btf");
        fs::copy(format!("{BTF_DIR}/vmlinux"), &file)?;
        tool::ok(&["mount", "-t", "tmpfs", "hidden", BTF_DIR])?;
        let file = file.to_string_lossy().into_owned();
        self.record_options.extend(["--btf".to_owned(), file]);
        Ok(())
    }

    /// Mounts a device at `/mnt/NAME`.
    pub(super) fn mount(&self, name: &str, node: &str) -> Result<PathBuf> {
        let at = self.mounts.join(name);
        fs::create_dir_all(&at)?;
        tool::ok(&["mount", node, &at.to_string_lossy()])?;
        Ok(at)
    }
}

/// Unmounts, detaches and kills whatever is left of the scenario before.
fn clear() -> Result<()> {
    kill_others()?;
    if Path::new("/proc/fs/nfsd/threads").exists() {
        tool::shell("umount -l /mnt/nfs || true; echo 0 > /proc/fs/nfsd/threads")?;
    }
    let mounts = fs::read_to_string("/proc/mounts")?;
    let mut points: Vec<&str> = mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .filter(|at| at.starts_with("/mnt/") || at.starts_with("/tmp/") || *at == BTF_DIR)
        .collect();
    points.reverse();
    for at in points {
        tool::ok(&["umount", "-l", at])?;
    }
    if Path::new("/sys/module/dm_mod").exists() {
        tool::ok(&["dmsetup", "remove_all", "-f"])?;
    }
    if Path::new("/sys/module/loop").exists() {
        tool::ok(&["losetup", "-D"])?;
    }
    for index in 0..DISKS {
        let name = format!("vd{}", char::from(b'b' + index as u8));
        // Not every machine has all of them, and few scenarios use as many.
        match fs::read_to_string(format!("/sys/block/{name}/size")) {
            Ok(size) if size.trim() != "0" => {}
            _ => continue,
        }
        hypervisor::ask(&format!("iops {name} 0"))?;
        // Partitions go with the disk's end.
        hypervisor::ask(&format!("grow {name} 0"))?;
        let _ = tool::run(&["blockdev", "--rereadpt", &format!("/dev/{name}")]);
    }
    let _ = fs::remove_dir_all("/tmp/stage");
    let _ = fs::remove_dir_all("/mnt");
    fs::create_dir_all("/mnt")?;
    Ok(())
}

/// Kills every process but ourselves, our parent (the agent) and process 1.
/// Kernel threads do not mind.
fn kill_others() -> Result<()> {
    let keep = [1, std::process::id(), std::os::unix::process::parent_id()];
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let has_program = fs::read_link(format!("/proc/{pid}/exe")).is_ok();
        if has_program && !keep.contains(&pid) {
            println!("killing {pid}, left from before");
            let pid = rustix::process::Pid::from_raw(pid as i32).context("pid 0")?;
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
    Ok(())
}
