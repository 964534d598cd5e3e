//! `cargo xtask dist`: one static binary to carry onto a node.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use super::{build, progress};

/// Builds the static binary into `target/dist` and says how to use it.
pub fn run() -> Result<ExitCode> {
    let path = build()?;
    let bytes = fs::metadata(&path)?.len();
    println!(
        "{} ({:.1} MB, static)\n\n\
         onto a node:         scp {0} root@NODE:/usr/local/bin/\n\
         onto a cluster node: kubectl debug node/NODE --profile=sysadmin -it --image=busybox\n\
         {2:21}then kubectl cp {0} into that pod, and run it there",
        path.display(),
        bytes as f64 / 1e6,
        ""
    );
    Ok(ExitCode::SUCCESS)
}

/// Builds the static binary and returns its path.
pub fn build() -> Result<PathBuf> {
    progress("building volprobe, static and optimised (a minute or two the first time) …");
    let built = build::static_binary("volprobe", "volprobe", "dist")?;
    let dir = build::target_dir()?.join("dist");
    fs::create_dir_all(&dir)?;
    let path = dir.join("volprobe");
    fs::copy(&built, &path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
