//! Where things that are slow to get are kept between runs.

use std::{
    env,
    fs::{self, File},
    path::PathBuf,
};

use anyhow::{Context, Result};

/// `$XDG_CACHE_HOME/volprobe` or `~/.cache/volprobe`, made if need be.
pub fn dir() -> Result<PathBuf> {
    let base = match env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()) {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    let dir = base.join("volprobe");
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}

/// Held while the cache is changed, so that two runs at once do not disturb
/// each other; released when dropped.
pub fn lock() -> Result<File> {
    let path = dir()?.join("lock");
    let file = File::create(&path)?;
    file.lock()
        .with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}
