//! The hash of everything that the object is made of.

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// Files and folders of the repository that go into the object.
const SOURCES: &[&str] = &[
    "probe-common/Cargo.toml",
    "probe-common/src",
    "probe-ebpf/Cargo.lock",
    "probe-ebpf/Cargo.toml",
    "probe-ebpf/src",
];

/// SHA-256 over the names and contents of all sources, in order of their names.
pub(super) fn hash(root: &Path) -> Result<String> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(&root.join(source), &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let name = file.strip_prefix(root)?.to_string_lossy().into_owned();
        let content = fs::read(&file).with_context(|| format!("reading {name}"))?;
        hash.update(format!("{name}\0{}\0", content.len()));
        hash.update(content);
    }
    Ok(format!("{:x}", hash.finalize()))
}

/// SHA-256 of these bytes, as text.
pub(super) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else {
        files.push(path.to_owned());
    }
    Ok(())
}
