//! Static builds of what goes into a machine or onto a node.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::run;

/// The one target that there is.
pub const TARGET: &str = "x86_64-unknown-linux-gnu";
/// Quick to build, quick enough to run under emulation.
pub const VM_PROFILE: &str = "vm";

/// The workspace's directory.
pub fn workspace() -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .context("xtask is not in a workspace")
}

/// The cargo that runs us, or the one in `PATH`.
pub fn cargo() -> Result<Command> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace()?);
    Ok(command)
}

/// Builds one static binary and returns its path.
pub fn static_binary(package: &str, name: &str, profile: &str) -> Result<PathBuf> {
    run::check(
        cargo()?
            .env("RUSTFLAGS", "-C target-feature=+crt-static")
            .args(["build", "--quiet", "--target", TARGET, "--profile", profile])
            .args(["--package", package, "--bin", name])
            // No machine exports tables, and their crates take long to build.
            .args(
                (profile == VM_PROFILE && package == "volprobe").then_some("--no-default-features"),
            ),
    )?;
    Ok(target_dir()?.join(TARGET).join(profile).join(name))
}

/// Builds the Go program that the VM tests trace; returns its path.
pub fn go_program() -> Result<PathBuf> {
    let source = workspace()?.join("xtask/gocopy/main.go");
    let program = target_dir()?.join("vm/gocopy");
    run::check(
        Command::new("go")
            .env("CGO_ENABLED", "0")
            .env("GO111MODULE", "off")
            .args(["build", "-o"])
            .arg(&program)
            .arg(&source),
    )?;
    Ok(program)
}

/// Where cargo puts what it builds.
pub fn target_dir() -> Result<PathBuf> {
    Ok(match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => workspace()?.join(dir),
        None => workspace()?.join("target"),
    })
}
