//! What the committed object was made of, and with.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

use super::sources::sha256;
use super::toolchain::Toolchain;

/// The lock beside the object.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Lock {
    /// Versions of what it was built with.
    #[serde(flatten)]
    pub(super) versions: Versions,
    /// Hash of the sources, see [`super::sources::hash`].
    pub(super) sources: String,
    /// SHA-256 of the object.
    pub(super) object: String,
}

/// The tools whose versions decide the bytes.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Versions {
    /// `rustc -V`, with commit.
    pub(super) rustc: String,
    /// Version of the library sources built with it.
    pub(super) rust_src: String,
    /// Version of LLVM that bpf-linker is linked with.
    pub(super) llvm: String,
    /// `bpf-linker --version`.
    pub(super) bpf_linker: String,
}

impl Lock {
    /// The lock of an object just built.
    pub(super) fn new(toolchain: &Toolchain, sources: String, object: &[u8]) -> Self {
        Self {
            versions: toolchain.versions.clone(),
            sources,
            object: sha256(object),
        }
    }

    /// Reads a lock.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("reading {}; run `cargo xtask build-ebpf`", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))
    }

    /// Writes the lock.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text).with_context(|| format!("writing {}", path.display()))
    }

    /// In what `toolchain` differs from the locked one, if it does.
    pub(super) fn toolchain_difference(&self, toolchain: &Toolchain) -> Option<String> {
        let (locked, here) = (&self.versions, &toolchain.versions);
        let differences: Vec<String> = [
            ("rustc", &locked.rustc, &here.rustc),
            ("rust-src", &locked.rust_src, &here.rust_src),
            ("LLVM", &locked.llvm, &here.llvm),
            ("bpf-linker", &locked.bpf_linker, &here.bpf_linker),
        ]
        .into_iter()
        .filter(|(_, locked, here)| locked != here)
        .map(|(tool, locked, here)| format!("{tool} {here} (locked: {locked})"))
        .collect();
        (!differences.is_empty()).then(|| differences.join(", "))
    }
}
