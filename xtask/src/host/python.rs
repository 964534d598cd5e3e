//! Python with packages of its own, for tests against other implementations.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use super::{apt, cache, progress, run};

/// The interpreter of a virtual environment that has exactly the packages in
/// `requirements`; made once, and again when the list changes.
pub fn with(requirements: &Path) -> Result<PathBuf> {
    apt::ensure(&[("python3", "python3")])?;
    let wanted = fs::read_to_string(requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let _lock = cache::lock()?;
    let dir = cache::dir()?.join("python");
    let python = dir.join("bin/python");
    let stamp = dir.join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(python);
    }
    progress("installing Python packages …");
    create(&dir)?;
    run::output(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(requirements),
    )?;
    fs::write(&stamp, wanted)?;
    Ok(python)
}

/// Makes an empty environment. Debian has the module for it in a package apart.
fn create(dir: &Path) -> Result<()> {
    let venv = || {
        let mut command = Command::new("python3");
        command.args(["-m", "venv", "--clear"]).arg(dir);
        command
    };
    let made = venv().stdout(Stdio::null()).stderr(Stdio::null()).status();
    if made.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    apt::install(&mut vec!["python3-venv"])?;
    run::output(&mut venv()).map(drop)
}
