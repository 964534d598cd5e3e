//! `cargo xtask build-ebpf`: the kernel programs, from source to the committed
//! object.
//!
//! Users and most contributors never run it: the object is in the repository,
//! and `cargo build` needs neither LLVM nor a nightly compiler. Beside the
//! object lies a lock that names the toolchain and the hash of the sources, so
//! that an object older than its sources is always noticed, and the same
//! toolchain must give the same bytes again.

mod compile;
mod lock;
mod rustc;
mod sources;
mod toolchain;

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

use lock::Lock;
pub use rustc::become_rustc;
use toolchain::Toolchain;

use super::progress;

/// What a comparison of the committed object with a rebuilt one gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Compared {
    /// Rebuilt by the locked toolchain: the same bytes.
    Equal,
    /// Another toolchain than the locked one: bytes say nothing.
    OtherToolchain(String),
}

/// The committed object, relative to the repository.
pub const OBJECT: &str = "probe-user/ebpf/volprobe.bpf.o";
const LOCK: &str = "probe-user/ebpf/volprobe.bpf.lock.json";

/// Builds the object and writes it and its lock into the repository.
pub fn build(root: &Path) -> Result<()> {
    let toolchain = Toolchain::prepare()?;
    let object = compile::object(root, &toolchain)?;
    let lock = Lock::new(&toolchain, sources::hash(root)?, &object);
    let path = root.join(OBJECT);
    fs::create_dir_all(path.parent().context("the object has a folder")?)?;
    fs::write(&path, &object).with_context(|| format!("writing {OBJECT}"))?;
    lock.write(&root.join(LOCK))?;
    progress(format_args!("{OBJECT}: {} bytes", object.len()));
    Ok(())
}

/// Fails if the committed object is not the one of the sources. Rebuilds it to
/// compare, where this machine has the locked toolchain.
pub fn check(root: &Path) -> Result<Compared> {
    check_sources(root)?;
    let locked = Lock::read(&root.join(LOCK))?;
    let toolchain = Toolchain::prepare()?;
    if let Some(difference) = locked.toolchain_difference(&toolchain) {
        compile::object(root, &toolchain)?;
        return Ok(Compared::OtherToolchain(difference));
    }
    let rebuilt = compile::object(root, &toolchain)?;
    if rebuilt != fs::read(root.join(OBJECT))? {
        let kept = PathBuf::from("target/rebuilt.bpf.o");
        fs::write(root.join(&kept), &rebuilt)?;
        bail!(
            "the rebuilt object differs from {OBJECT}, with the same toolchain (kept as {}); \
             run `cargo xtask build-ebpf` and commit the result",
            kept.display()
        );
    }
    Ok(Compared::Equal)
}

/// Fails if the lock is not of these sources or not of this object. Needs no
/// toolchain.
pub fn check_sources(root: &Path) -> Result<()> {
    let locked = Lock::read(&root.join(LOCK))?;
    if locked.sources != sources::hash(root)? {
        bail!(
            "{OBJECT} is older than its sources; \
             run `cargo xtask build-ebpf` and commit the result"
        );
    }
    if locked.object != sources::sha256(&fs::read(root.join(OBJECT))?) {
        bail!("{OBJECT} is not the object that its lock names");
    }
    Ok(())
}
