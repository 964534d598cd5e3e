//! What building for BPF needs beyond cargo: LLVM, bpf-linker, and the sources
//! of `core`. Missing parts are installed, and said.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::lock::Versions;
use crate::host::apt::{self, PrivateApt};
use crate::host::{cache, progress, run};

/// The LLVM that bpf-linker is built against; must be at least rustc's own.
const LLVM_MAJOR: u32 = 22;
const BPF_LINKER: &str = "0.13.0";

/// A toolchain that is ready to build the object.
pub(super) struct Toolchain {
    /// Its versions, as locked.
    pub(super) versions: Versions,
    /// rustc's sysroot.
    pub(super) sysroot: PathBuf,
    llvm: PathBuf,
    bpf_linker: PathBuf,
}

impl Toolchain {
    /// Finds the parts, installing what is missing.
    pub(super) fn prepare() -> Result<Self> {
        let sysroot = PathBuf::from(version("rustc", "--print=sysroot")?).canonicalize()?;
        let rust_src = rust_src(&sysroot)?;
        let llvm = llvm()?;
        let bpf_linker = bpf_linker(&llvm)?;
        let versions = Versions {
            rustc: version("rustc", "-V")?,
            rust_src,
            llvm: version(llvm.join("bin/llvm-config"), "--version")?,
            bpf_linker: version(&bpf_linker, "--version")?,
        };
        Ok(Self {
            versions,
            sysroot,
            llvm,
            bpf_linker,
        })
    }

    /// Folder of LLVM's shared library.
    pub(super) fn llvm_lib(&self) -> PathBuf {
        self.llvm.join("lib")
    }

    /// The `llvm-strip` of the same LLVM.
    pub(super) fn llvm_strip(&self) -> PathBuf {
        self.llvm.join("bin/llvm-strip")
    }

    /// Folder of the linker.
    pub(super) fn bpf_linker_dir(&self) -> PathBuf {
        self.bpf_linker
            .parent()
            .map(Path::to_owned)
            .unwrap_or_default()
    }
}

fn llvm() -> Result<PathBuf> {
    let prefix = PathBuf::from(format!("/usr/lib/llvm-{LLVM_MAJOR}"));
    let needed = [
        (
            prefix.join("bin/llvm-config"),
            format!("llvm-{LLVM_MAJOR}-dev"),
        ),
        (prefix.join("bin/llvm-strip"), format!("llvm-{LLVM_MAJOR}")),
        (
            prefix.join("lib/libPolly.a"),
            format!("libpolly-{LLVM_MAJOR}-dev"),
        ),
        (
            PathBuf::from("/usr/include/zlib.h"),
            "zlib1g-dev".to_owned(),
        ),
        (
            PathBuf::from("/usr/include/zstd.h"),
            "libzstd-dev".to_owned(),
        ),
    ];
    let mut missing: Vec<&str> = needed
        .iter()
        .filter(|(file, _)| !file.exists())
        .map(|(_, package)| package.as_str())
        .collect();
    apt::install(&mut missing)?;
    Ok(prefix)
}

/// The linker, built once from its crate and kept in the cache.
fn bpf_linker(llvm: &Path) -> Result<PathBuf> {
    let root = cache::dir()?.join(format!("bpf-linker-{BPF_LINKER}-llvm-{LLVM_MAJOR}"));
    let binary = root.join("bin/bpf-linker");
    if binary.exists() {
        return Ok(binary);
    }
    progress(format_args!(
        "building bpf-linker {BPF_LINKER} (once, some minutes)"
    ));
    run::check(
        Command::new("cargo")
            .args([
                "install",
                "--quiet",
                "--locked",
                "bpf-linker",
                "--version",
                BPF_LINKER,
            ])
            .args([
                "--no-default-features",
                "--features",
                &format!("llvm-{LLVM_MAJOR}"),
                "--root",
            ])
            .arg(&root)
            .env("LLVM_PREFIX", llvm)
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("RUSTFLAGS"),
    )?;
    Ok(binary)
}

/// The library sources of exactly this rustc: rustup's component, or Debian's
/// package of the same version put in its place. Returns their version.
fn rust_src(sysroot: &Path) -> Result<String> {
    let rust = sysroot.join("lib/rustlib/src/rust");
    if !rust.join("library/core/src/lib.rs").exists() {
        let by_rustup = Command::new("rustup")
            .args(["component", "add", "rust-src"])
            .output();
        if !by_rustup.is_ok_and(|output| output.status.success()) {
            rust_src_from_debian(&rust)?;
        }
    }
    rustc_release()
}

fn rust_src_from_debian(rust: &Path) -> Result<()> {
    const PACKAGE: &str = "rust-src";
    let release = rustc_release()?;
    progress(format_args!(
        "taking the sources of core {release} from Debian's {PACKAGE}"
    ));
    let dir = cache::dir()?;
    let _lock = cache::lock()?;
    let apt = PrivateApt::new(dir.join("apt"))?;
    if !apt.is_fresh() {
        apt.update()?;
    }
    let package = apt
        .versions(PACKAGE)?
        .into_iter()
        .find(|package| package.version.starts_with(&format!("{release}+")))
        .with_context(|| format!("Debian has no {PACKAGE} {release}; add it by rustup"))?;
    let scratch = tempfile::tempdir_in(&dir)?;
    let deb = apt.download(PACKAGE, &package.version, scratch.path())?;
    run::check(
        Command::new("dpkg-deb")
            .arg("-x")
            .args([&deb, scratch.path()]),
    )?;
    std::fs::create_dir_all(rust)?;
    let library = scratch
        .path()
        .join(format!("usr/src/rustc-{release}/library"));
    run::check(Command::new("cp").arg("-r").args([&library, rust]))
}

fn rustc_release() -> Result<String> {
    let verbose = version("rustc", "-vV")?;
    let release = verbose
        .lines()
        .find_map(|line| line.strip_prefix("release: "));
    release
        .map(str::to_owned)
        .context("rustc -vV names no release")
}

fn version(program: impl AsRef<Path>, flag: &str) -> Result<String> {
    Ok(run::text(Command::new(program.as_ref()).arg(flag))?
        .trim()
        .to_owned())
}
