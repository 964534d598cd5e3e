//! The compiler run, such that the same toolchain gives the same bytes in any
//! folder.

use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::rustc::CALLED_AS_RUSTC;
use super::toolchain::Toolchain;
use crate::host::{progress, run};

const TARGET: &str = "bpfel-unknown-none";

/// Builds and strips the object; returns its bytes.
pub(super) fn object(root: &Path, toolchain: &Toolchain) -> Result<Vec<u8>> {
    progress(format_args!(
        "compiling the kernel programs ({})",
        toolchain.versions.rustc
    ));
    let target_dir = root.join("target/bpf");
    run::check(
        Command::new("cargo")
            .args([
                "build",
                "--quiet",
                "--release",
                "--locked",
                "--target",
                TARGET,
            ])
            .args(["-Z", "build-std=core", "--manifest-path"])
            .arg(root.join("probe-ebpf/Cargo.toml"))
            .arg("--target-dir")
            .arg(&target_dir)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTC_WRAPPER", std::env::current_exe()?)
            .env(CALLED_AS_RUSTC, "1")
            .env("CARGO_ENCODED_RUSTFLAGS", flags(root, toolchain)?)
            .env("LD_LIBRARY_PATH", toolchain.llvm_lib())
            .env("PATH", path_with(&toolchain.bpf_linker_dir())?)
            .env_remove("RUSTFLAGS"),
    )?;
    strip(&target_dir.join(TARGET).join("release/volprobe"), toolchain)
}

/// Debug information goes, BTF and symbols stay: what the loader needs.
fn strip(built: &Path, toolchain: &Toolchain) -> Result<Vec<u8>> {
    let stripped = built.with_extension("stripped");
    run::check(
        Command::new(toolchain.llvm_strip())
            .args(["-g", "-o"])
            .args([&stripped, built]),
    )?;
    fs::read(&stripped).with_context(|| format!("reading {}", stripped.display()))
}

fn flags(root: &Path, toolchain: &Toolchain) -> Result<OsString> {
    let remap = |from: &Path, to: &str| {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(from);
        flag.push("=");
        flag.push(to);
        flag
    };
    let flags = [
        "--cfg=bpf_target_arch=\"x86_64\"".into(),
        "-Cdebuginfo=2".into(),
        "-Clink-arg=--btf".into(),
        remap(&root.canonicalize()?, "/volprobe"),
        remap(&cargo_home()?, "/cargo"),
        remap(&toolchain.sysroot, "/rust"),
    ];
    Ok(flags.join(std::ffi::OsStr::new("\x1f")))
}

fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    let home = std::env::var_os("HOME").context("neither CARGO_HOME nor HOME is set")?;
    Ok(Path::new(&home).join(".cargo"))
}

fn path_with(first: &Path) -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(first.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).context("PATH cannot be extended")
}
