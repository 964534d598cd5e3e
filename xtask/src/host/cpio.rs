//! A writer of cpio archives (`newc`), the format of an initramfs.

use std::{collections::BTreeSet, fmt::Write as _};

const FILE: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;
const SYMLINK: u32 = 0o120_000;

/// An archive in memory. Parent directories are added as they are needed.
#[derive(Debug, Default)]
pub struct Archive {
    bytes: Vec<u8>,
    names: BTreeSet<String>,
    inode: u32,
}

impl Archive {
    /// Adds a file; a name that is taken stays as it is.
    pub fn file(&mut self, name: &str, mode: u32, data: &[u8]) {
        self.add(name, FILE | mode, data);
    }

    /// Adds a symbolic link.
    pub fn symlink(&mut self, name: &str, target: &str) {
        self.add(name, SYMLINK | 0o777, target.as_bytes());
    }

    /// Adds an empty directory.
    pub fn directory(&mut self, name: &str) {
        self.add(name, DIRECTORY | 0o755, b"");
    }

    /// Whether `name` is in the archive.
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(name.trim_start_matches('/'))
    }

    /// The finished archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, b"");
        self.bytes
    }

    fn add(&mut self, name: &str, mode: u32, data: &[u8]) {
        let name = name.trim_start_matches('/');
        if !self.names.insert(name.to_owned()) {
            return;
        }
        if let Some((parent, _)) = name.rsplit_once('/') {
            self.directory(parent);
        }
        self.entry(name, mode, data);
    }

    fn entry(&mut self, name: &str, mode: u32, data: &[u8]) {
        self.inode += 1;
        let size = data.len() as u32;
        let name_size = name.len() as u32 + 1;
        let mut header = String::from("070701");
        // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor
        // rdevminor namesize check
        for field in [self.inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0] {
            let _ = write!(header, "{field:08X}");
        }
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(data);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_first_and_once() {
        let mut archive = Archive::default();
        archive.file("/usr/bin/x", 0o755, b"12345");
        archive.file("usr/bin/y", 0o644, b"");
        archive.file("usr/bin/x", 0o755, b"again");
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 4, 0);
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(
            text.matches("070701").count(),
            5,
            "usr, usr/bin, x, y and the trailer"
        );
        assert!(text.find("usr\0").unwrap() < text.find("usr/bin\0").unwrap());
        assert!(!text.contains("again"));
    }
}
