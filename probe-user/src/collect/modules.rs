//! Modules that hooks are in: loaded, unloaded, or both between two looks.
//!
//! An unload takes the probes with it without any error, and they stay dead when
//! the module is loaded again. The folder `/sys/module/NAME` is made anew by each
//! load, so its inode tells one load from the next.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What became of a module since the last look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Name of the module.
    pub name: String,
    /// What became of it.
    pub what: What,
    /// When it was last seen as it was before, `CLOCK_BOOTTIME` ns.
    pub since_boot_ns: u64,
}

/// What became of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It was loaded.
    Loaded,
    /// It was unloaded.
    Unloaded,
    /// It was unloaded, and loaded again.
    Reloaded,
}

/// Watches some modules.
#[derive(Debug)]
pub struct Modules {
    folder: PathBuf,
    watched: Vec<Module>,
    looked_boot_ns: u64,
}

#[derive(Debug)]
struct Module {
    name: String,
    /// Inode of its folder, while it is loaded.
    load: Option<u64>,
}

impl Modules {
    /// Watches the modules called `names` in `folder` (`/sys/module`), from how
    /// they stand now on.
    pub fn watch(
        folder: impl Into<PathBuf>,
        names: impl IntoIterator<Item = impl Into<String>>,
        boot_ns: u64,
    ) -> Self {
        let folder = folder.into();
        let watched = names.into_iter().map(|name| {
            let name = name.into();
            let load = load(&folder.join(&name));
            Module { name, load }
        });
        Self {
            watched: watched.collect(),
            folder,
            looked_boot_ns: boot_ns,
        }
    }

    /// What changed since the last look. `boot_ns` is now.
    pub fn changes(&mut self, boot_ns: u64) -> Vec<Change> {
        let mut changes = Vec::new();
        for module in &mut self.watched {
            let before = module.load;
            module.load = load(&self.folder.join(&module.name));
            let what = match (before, module.load) {
                (None, Some(_)) => What::Loaded,
                (Some(_), None) => What::Unloaded,
                (Some(before), Some(now)) if before != now => What::Reloaded,
                _ => continue,
            };
            changes.push(Change {
                name: module.name.clone(),
                what,
                since_boot_ns: self.looked_boot_ns,
            });
        }
        self.looked_boot_ns = boot_ns;
        changes
    }
}

/// The inode of a loaded module's folder; `None` where it is not loaded, or on
/// its way out.
fn load(module: &Path) -> Option<u64> {
    let inode = fs::metadata(module).ok()?.ino();
    // Code built into the kernel has a folder without a state.
    (init_state(module).as_deref() != Some("going")).then_some(inode)
}

fn init_state(module: &Path) -> Option<String> {
    let state = fs::read_to_string(module.join("initstate")).ok()?;
    Some(state.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn insert(folder: &TempDir, state: &str) {
        let module = folder.path().join("xfs");
        fs::create_dir_all(&module).unwrap();
        fs::write(module.join("initstate"), format!("{state}\n")).unwrap();
    }

    fn watch(folder: &TempDir) -> Modules {
        Modules::watch(folder.path(), ["xfs", "btrfs"], 1)
    }

    fn what(modules: &mut Modules, boot_ns: u64) -> Vec<(What, u64)> {
        let changes = modules.changes(boot_ns).into_iter();
        changes.map(|c| (c.what, c.since_boot_ns)).collect()
    }

    #[test]
    fn loads_and_unloads_are_seen_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut modules = watch(&folder);
        assert_eq!(what(&mut modules, 2), []);
        insert(&folder, "coming");
        assert_eq!(what(&mut modules, 3), [(What::Loaded, 2)]);
        insert(&folder, "live");
        assert_eq!(what(&mut modules, 4), []);
        insert(&folder, "going");
        assert_eq!(what(&mut modules, 5), [(What::Unloaded, 4)]);
        fs::remove_dir_all(folder.path().join("xfs")).unwrap();
        assert_eq!(what(&mut modules, 6), []);
    }

    #[test]
    fn an_unload_and_load_between_two_looks_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        insert(&folder, "live");
        let mut modules = watch(&folder);
        // Renamed, not removed: a file system may give a freed inode again.
        fs::rename(folder.path().join("xfs"), folder.path().join("old")).unwrap();
        insert(&folder, "live");
        assert_eq!(what(&mut modules, 9), [(What::Reloaded, 1)]);
    }

    #[test]
    fn code_built_into_the_kernel_is_always_there() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("xfs")).unwrap();
        let mut modules = watch(&folder);
        assert_eq!(what(&mut modules, 2), []);
    }
}
