//! Debian kernels of the series that volprobe is tested on.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::{
    apt::{self, Package, PrivateApt},
    cache, progress, run,
};

/// All series, oldest first.
pub const SERIES: &[&str] = &["5.10", "6.1", "6.12", "7.3"];
/// The series on which the full list of scenarios runs.
pub const MAIN_SERIES: &str = "6.12";

const META_PACKAGE: &str = "linux-image-cloud-amd64";

/// An unpacked kernel.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// Series, as `6.12`.
    pub series: String,
    /// Release, as `uname -r` says.
    pub release: String,
    /// The compressed image that boots.
    pub image: PathBuf,
    /// `lib/modules/RELEASE`.
    pub modules: PathBuf,
}

/// The newest kernel of a series: from the cache, or downloaded.
pub fn get(series: &str) -> Result<Kernel> {
    if !SERIES.contains(&series) {
        bail!("no kernel series {series}; there are {}", SERIES.join(", "));
    }
    let dir = cache::dir()?;
    let _lock = cache::lock()?;
    let apt = PrivateApt::new(dir.join("apt"))?;
    let was_fresh = apt.is_fresh();
    if !was_fresh {
        progress("getting the lists of Debian kernels");
        apt.update()?;
    }
    let mut packages = newest(&apt, series);
    if packages.is_err() && was_fresh {
        // The lists were cut short, or older than what is asked of them.
        apt.update()?;
        packages = newest(&apt, series);
    }
    let packages = packages
        .with_context(|| format!("kernel {series} cannot be had from this machine's mirror"))?;
    let image = packages.first().context("no kernel package")?;
    let root = dir
        .join("kernels")
        .join(format!("{}_{}", image.name, image.version));
    if !root.exists() {
        progress(format_args!(
            "downloading kernel {series}: {} {}",
            image.name, image.version
        ));
        unpack(&apt, &packages, &root)?;
    }
    find(series, &root)
}

/// The packages of the newest build of a series, the image first.
fn newest(apt: &PrivateApt, series: &str) -> Result<Vec<Package>> {
    let prefix = format!("{series}.");
    let mut best: Option<Package> = None;
    for package in apt.versions(META_PACKAGE)? {
        if !package.version.starts_with(&prefix) {
            continue;
        }
        if match &best {
            Some(best) => apt::is_newer(&package.version, &best.version)?,
            None => true,
        } {
            best = Some(package);
        }
    }
    let meta = best.with_context(|| format!("{META_PACKAGE} has no version {series}"))?;
    let (name, version) = meta
        .depends
        .iter()
        .find(|(name, _)| name.starts_with("linux-image-"))
        .with_context(|| format!("{META_PACKAGE} {} depends on no image", meta.version))?;
    let version = version.as_ref().unwrap_or(&meta.version);
    let image = apt
        .versions(name)?
        .into_iter()
        .find(|package| package.version == *version)
        .with_context(|| format!("{name} {version} is not in the lists"))?;
    // Since 7.x the image is split: linux-base-, -binary- and -modules-RELEASE.
    let release = name.trim_start_matches("linux-image-");
    let parts: Vec<Package> = image
        .depends
        .iter()
        .filter(|(part, _)| part.starts_with("linux-") && part.ends_with(release))
        .map(|(part, exact)| Package {
            name: part.clone(),
            version: exact.as_ref().unwrap_or(version).clone(),
            depends: Vec::new(),
        })
        .collect();
    let mut packages = vec![image];
    packages.extend(parts);
    Ok(packages)
}

fn unpack(apt: &PrivateApt, packages: &[Package], root: &Path) -> Result<()> {
    let parent = root.parent().context("no parent")?;
    fs::create_dir_all(parent)?;
    let work = tempfile::Builder::new()
        .prefix("unpack")
        .tempdir_in(parent)?;
    let tree = work.path().join("tree");
    for package in packages {
        let deb = apt.download(&package.name, &package.version, work.path())?;
        run::check(Command::new("dpkg-deb").arg("-x").arg(&deb).arg(&tree))?;
        fs::remove_file(&deb)?;
    }
    // Renamed only when whole: an interrupted run leaves nothing half done.
    fs::rename(&tree, root)?;
    Ok(())
}

fn find(series: &str, root: &Path) -> Result<Kernel> {
    let modules = ["lib/modules", "usr/lib/modules"]
        .into_iter()
        .filter_map(|dir| fs::read_dir(root.join(dir)).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.join("kernel").is_dir())
        .with_context(|| format!("no modules in {}", root.display()))?;
    let release = modules
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .context("a modules directory without a name")?;
    let image = [
        root.join(format!("boot/vmlinuz-{release}")),
        modules.join("vmlinuz"),
        root.join(format!("usr/lib/modules/{release}/vmlinuz")),
    ]
    .into_iter()
    .find(|path| path.is_file())
    .with_context(|| format!("no vmlinuz in {}", root.display()))?;
    Ok(Kernel {
        series: series.to_owned(),
        release,
        image,
        modules,
    })
}
