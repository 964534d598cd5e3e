//! Where the node's files are, seen from this process.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// No file that is read whole here is larger than this, unless something is wrong.
const MAX_TEXT: u64 = 16 << 20;

/// The node's file trees. In a container that sees the host's processes, the
/// host's own tree is reached through its first process.
#[derive(Clone, Debug)]
pub(super) struct View {
    root: PathBuf,
    host: PathBuf,
    init: &'static str,
}

impl View {
    /// A view of what lies below `root`, which is `/` outside tests.
    pub(super) fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let proc = root.join("proc");
        let init = namespace(&proc.join("1/ns/mnt"));
        let own = namespace(&proc.join("self/ns/mnt"));
        let host = match (init, own) {
            (Some(init), Some(own)) if init != own => proc.join("1/root"),
            _ => root.clone(),
        };
        let init = if init.is_some() { "1" } else { "self" };
        Self { root, host, init }
    }

    /// Below `/proc` of this process' own tree.
    pub(super) fn proc(&self, path: &str) -> PathBuf {
        self.root.join("proc").join(path)
    }

    /// Below `/proc/PID` of the process whose namespaces are the node's.
    pub(super) fn proc_of_init(&self, path: &str) -> PathBuf {
        self.proc(self.init).join(path)
    }

    /// Below `/sys`; block devices are the same in every container.
    pub(super) fn sys(&self, path: &str) -> PathBuf {
        self.root.join("sys").join(path)
    }

    /// An absolute path of the node, as this process reaches it.
    pub(super) fn host(&self, path: &str) -> PathBuf {
        self.host.join(path.trim_start_matches('/'))
    }

    /// An absolute path in this process' own tree.
    pub(super) fn own(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Whether the node's tree is another one than that of this process.
    pub(super) fn is_outside(&self) -> bool {
        self.host != self.root
    }
}

/// The inode number in a link of `/proc/PID/ns`, such as `mnt:[4026531841]`.
pub(super) fn namespace(link: &Path) -> Option<u64> {
    let target = fs::read_link(link).ok()?;
    let (_, number) = target.to_str()?.split_once(":[")?;
    number.strip_suffix(']')?.parse().ok()
}

/// The trimmed text of a small file; `None` where it cannot be read or is empty.
pub(super) fn text(path: &Path) -> Option<String> {
    let text = String::from_utf8_lossy(&bytes(path)?).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// The content of a file; `None` where it cannot be read.
pub(super) fn bytes(path: &Path) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    let file = fs::File::open(path).ok()?;
    file.take(MAX_TEXT).read_to_end(&mut content).ok()?;
    Some(content)
}

/// The number that a file holds.
pub(super) fn number<T: FromStr>(path: &Path) -> Option<T> {
    text(path)?.parse().ok()
}

/// The names in a directory, sorted; none where it cannot be read.
pub(super) fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    let mut names: Vec<String> = names
        .filter_map(|n| OsString::into_string(n).ok())
        .collect();
    names.sort_unstable();
    names
}
