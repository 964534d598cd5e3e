//! Filters: they narrow copies and readahead. Resizes, tools, capacity and
//! configuration always see the whole node, or absence could not be proved.

use crate::node::Cgroups;
use crate::node::cgroup_place::{CgroupPlace, PlaceError, Wanted};
use crate::probe::Filters;
use crate::sample::Dev;
use anyhow::{Context, bail};
use clap::Args;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Which copies and readahead are counted.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Filters of copies and readahead")]
pub struct FilterArgs {
    /// Only this process
    #[arg(long)]
    pid: Option<u32>,
    /// Only tasks of this name (its first 15 bytes)
    #[arg(long, value_name = "NAME")]
    comm: Option<String>,
    /// Only this cgroup and those below it: its folder, below /sys/fs/cgroup or whole,
    /// or its id
    #[arg(long, value_name = "PATH|ID", conflicts_with_all = ["pod", "container"])]
    cgroup: Option<String>,
    /// Only this pod: NAMESPACE/NAME, its name alone, or its uid
    #[arg(long, value_name = "POD")]
    pod: Option<String>,
    /// Only this container, of the pod if one is given: its name, or the beginning of
    /// its id
    #[arg(long, value_name = "NAME|ID")]
    container: Option<String>,
    /// Only this device: vdb, /dev/vdb or MAJ:MIN
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// Only the file system that this path lies on
    #[arg(long, value_name = "PATH", conflicts_with = "device")]
    mount: Option<PathBuf>,
    /// Only the command and the processes that it starts
    #[arg(long, requires = "command")]
    tree: bool,
}

impl FilterArgs {
    /// What the kernel programs compare with.
    pub fn resolve(&self) -> anyhow::Result<Filters> {
        let dev = match (&self.device, &self.mount) {
            (Some(device), _) => Some(device_number(device)?),
            (None, Some(path)) => Some(file_system(path)?),
            (None, None) => None,
        };
        Ok(Filters {
            pid: self.pid,
            comm: self.comm.clone(),
            dev,
            cgroup: self.place()?,
            tree: self.tree,
        })
    }

    /// The cgroup, by whatever it was named.
    fn place(&self) -> Result<Option<CgroupPlace>, PlaceError> {
        let wanted = match (&self.cgroup, &self.pod, &self.container) {
            (Some(path), _, _) => Wanted::Path(path.clone()),
            (None, pod, Some(name)) => Wanted::Container {
                pod: pod.clone(),
                name: name.clone(),
            },
            (None, Some(pod), None) => Wanted::Pod(pod.clone()),
            (None, None, None) => return Ok(None),
        };
        wanted.find(&mut Cgroups::new("/")).map(Some)
    }

    /// As they were given, for the recording.
    pub fn as_given(&self) -> Vec<String> {
        let mut given = Vec::new();
        let mut add = |name: &str, value: Option<String>| {
            given.extend(value.map(|value| format!("--{name} {value}")));
        };
        add("pid", self.pid.map(|pid| pid.to_string()));
        add("comm", self.comm.clone());
        add("cgroup", self.cgroup.clone());
        add("pod", self.pod.clone());
        add("container", self.container.clone());
        add("device", self.device.clone());
        let mount = self.mount.as_ref();
        add("mount", mount.map(|path| path.display().to_string()));
        given.extend(self.tree.then(|| "--tree".to_owned()));
        given
    }
}

fn device_number(name: &str) -> anyhow::Result<Dev> {
    if let Ok(dev) = name.parse() {
        return Ok(dev);
    }
    let path = Path::new("/dev").join(name);
    let meta = path
        .metadata()
        .with_context(|| format!("there is no device '{name}'"))?;
    if !meta.file_type().is_block_device() {
        bail!("'{name}' is not a block device");
    }
    Ok(Dev::from_stat(meta.rdev()))
}

fn file_system(path: &Path) -> anyhow::Result<Dev> {
    let meta = path
        .metadata()
        .with_context(|| format!("cannot look at '{}'", path.display()))?;
    Ok(Dev::from_stat(meta.dev()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_found_by_number_and_by_path() {
        assert_eq!(device_number("254:16").unwrap(), Dev::new(254, 16));
        assert!(device_number("/dev/null").is_err());
        let error = device_number("no-such-disk").unwrap_err();
        assert!(error.to_string().contains("no-such-disk"));
    }

    #[test]
    fn a_mount_is_any_path_on_it() {
        let root = file_system(Path::new("/proc/self")).unwrap();
        assert_eq!(root, file_system(Path::new("/proc")).unwrap());
        assert!(file_system(Path::new("/no/such/path")).is_err());
    }

    #[test]
    fn filters_are_kept_as_given() {
        let args = FilterArgs {
            pid: Some(42),
            mount: Some("/mnt".into()),
            tree: true,
            ..FilterArgs::default()
        };
        assert_eq!(args.as_given(), ["--pid 42", "--mount /mnt", "--tree"]);
    }
}
