//! A node made of files, for tests.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

/// A directory that stands for `/`.
pub(crate) struct Tree(TempDir);

impl Tree {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn dir(&self, path: &str) {
        fs::create_dir_all(self.0.path().join(path)).unwrap();
    }

    pub(crate) fn link(&self, path: &str, target: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    /// A virtio disk as sysfs shows it.
    pub(crate) fn disk(&self, name: &str, dev: &str, sectors: u64, serial: &str) {
        let dir = format!("sys/devices/pci0000:00/virtio-{name}/block/{name}");
        let files = [
            ("dev", dev.to_owned()),
            ("size", sectors.to_string()),
            ("ro", "0".to_owned()),
            ("serial", serial.to_owned()),
            ("queue/read_ahead_kb", "128".to_owned()),
            ("queue/rotational", "1".to_owned()),
            ("queue/scheduler", "none [mq-deadline] kyber ".to_owned()),
            ("queue/optimal_io_size", "0".to_owned()),
            ("queue/max_sectors_kb", "1280".to_owned()),
        ];
        for (file, content) in files {
            self.file(&format!("{dir}/{file}"), content + "\n");
        }
        self.file(
            &format!("sys/devices/pci0000:00/virtio-{name}/vendor"),
            "0x1af4\n",
        );
        self.link(&format!("{dir}/device"), "../..");
        let target = format!("../../devices/pci0000:00/virtio-{name}/block/{name}");
        self.link(&format!("sys/class/block/{name}"), &target);
    }

    /// A partition of a disk made before.
    pub(crate) fn partition(&self, disk: &str, number: u32, dev: &str, start: u64, sectors: u64) {
        let name = format!("{disk}{number}");
        let dir = format!("sys/devices/pci0000:00/virtio-{disk}/block/{disk}/{name}");
        let files = [
            ("dev", dev.to_owned()),
            ("size", sectors.to_string()),
            ("start", start.to_string()),
            ("partition", number.to_string()),
            ("ro", "0".to_owned()),
        ];
        for (file, content) in files {
            self.file(&format!("{dir}/{file}"), content + "\n");
        }
        let target = format!("../../devices/pci0000:00/virtio-{disk}/block/{disk}/{name}");
        self.link(&format!("sys/class/block/{name}"), &target);
    }

    /// A device-mapper device on top of one made before.
    pub(crate) fn mapping(&self, name: &str, dev: &str, sectors: u64, dm_name: &str, on: &str) {
        let dir = format!("sys/devices/virtual/block/{name}");
        let files = [
            ("dev", dev.to_owned()),
            ("size", sectors.to_string()),
            ("ro", "0".to_owned()),
            ("dm/name", dm_name.to_owned()),
            ("dm/uuid", format!("LVM-{dm_name}")),
            ("queue/read_ahead_kb", "4096".to_owned()),
        ];
        for (file, content) in files {
            self.file(&format!("{dir}/{file}"), content + "\n");
        }
        self.link(
            &format!("sys/class/block/{name}"),
            &format!("../../devices/virtual/block/{name}"),
        );
        self.link(
            &format!("{dir}/slaves/{on}"),
            &format!("../../../../../class/block/{on}"),
        );
        let below = fs::canonicalize(self.0.path().join("sys/class/block").join(on)).unwrap();
        fs::create_dir_all(below.join("holders")).unwrap();
        symlink(self.0.path().join(&dir), below.join("holders").join(name)).unwrap();
    }

    /// Adds lines to the node's mount table.
    pub(crate) fn mounts(&self, lines: &[&str]) {
        self.file("proc/self/mountinfo", lines.join("\n") + "\n");
    }
}
