//! The facts about the running kernel that decide what can be attached.

use super::{Capabilities, Capability};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A fact, or why it could not be read. "Not there" and "not readable" are
/// different answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact<T> {
    /// Read.
    Known(T),
    /// Not read, and why.
    Unknown(String),
}

impl<T> Fact<T> {
    /// The value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    fn map<U>(self, convert: impl FnOnce(T) -> Option<U>) -> Fact<U> {
        match self {
            Self::Known(value) => match convert(value) {
                Some(value) => Fact::Known(value),
                None => Fact::Unknown("unknown (not understood)".to_owned()),
            },
            Self::Unknown(why) => Fact::Unknown(why),
        }
    }
}

impl<T> From<io::Error> for Fact<T> {
    fn from(error: io::Error) -> Self {
        Self::Unknown(match error.kind() {
            io::ErrorKind::PermissionDenied => "unknown (run as root)".to_owned(),
            io::ErrorKind::NotFound => "unknown (not offered by this kernel)".to_owned(),
            _ => format!("unknown ({error})"),
        })
    }
}

/// Kernel lockdown, by what it forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lockdown {
    /// Nothing is locked.
    None,
    /// The kernel may not be modified; reading it is allowed.
    Integrity,
    /// Nor may it be read: no BPF tracing, no kprobes.
    Confidentiality,
}

impl Lockdown {
    /// The kernel's own word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Integrity => "integrity",
            Self::Confidentiality => "confidentiality",
        }
    }
}

/// How cgroups are mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CgroupVersion {
    /// Only controllers of version 1.
    V1,
    /// Version 1, with a version 2 tree beside it.
    Hybrid,
    /// Version 2 alone.
    V2,
}

impl CgroupVersion {
    /// For people: `v1`, `v1 with v2`, `v2`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::Hybrid => "v1 with v2",
            Self::V2 => "v2",
        }
    }
}

/// What the running kernel is and allows this process.
#[derive(Clone, Debug)]
pub struct KernelFacts {
    /// `uname -r`.
    pub release: String,
    /// `uname -m`.
    pub machine: String,
    /// Whether the kernel offers its BTF (`/sys/kernel/btf/vmlinux`).
    pub btf: bool,
    /// Kernel lockdown.
    pub lockdown: Fact<Lockdown>,
    /// Effective capabilities.
    pub capabilities: Fact<Capabilities>,
    /// Whether this is the initial user namespace: capabilities of another one
    /// do not reach BPF.
    pub initial_user_namespace: Fact<bool>,
    /// Whether a seccomp filter is on this process.
    pub seccomp: Fact<bool>,
    /// `kernel.unprivileged_bpf_disabled`.
    pub unprivileged_bpf_disabled: Fact<u8>,
    /// `kernel.perf_event_paranoid`; 3 and more exist on Debian only.
    pub perf_event_paranoid: Fact<i8>,
    /// Where tracefs is mounted.
    pub tracefs: Fact<PathBuf>,
    /// Whether this process is in a pid namespace of its own: the kernel then
    /// knows it by another number than it does itself.
    pub private_pid_namespace: Fact<bool>,
    /// How cgroups are mounted.
    pub cgroup: Fact<CgroupVersion>,
    /// Whether this process is in a cgroup namespace of its own, from which
    /// the cgroups of others cannot be named.
    pub private_cgroup_namespace: Fact<bool>,
    /// CPUs that are online.
    pub online_cpus: Fact<u32>,
    /// CPUs that there can be; the size of per-CPU values.
    pub possible_cpus: Fact<u32>,
    /// `kernel.pid_max`.
    pub pid_max: Fact<u32>,
    /// Loaded modules.
    pub modules: Fact<BTreeSet<String>>,
}

impl KernelFacts {
    /// Reads the facts of the running kernel.
    pub fn read() -> Self {
        let name = rustix::system::uname();
        Self::read_at(
            Path::new("/"),
            name.release().to_string_lossy().into_owned(),
            name.machine().to_string_lossy().into_owned(),
        )
    }

    /// Reads the facts from the `proc` and `sys` below `root`.
    fn read_at(root: &Path, release: String, machine: String) -> Self {
        let text = |path: &str| Fact::from(fs::read_to_string(root.join(path)));
        let status = text("proc/self/status");
        Self {
            release,
            machine,
            btf: root.join("sys/kernel/btf/vmlinux").exists(),
            lockdown: lockdown(root),
            capabilities: status.clone().map(|s| {
                u64::from_str_radix(status_field(&s, "CapEff")?, 16)
                    .ok()
                    .map(Capabilities)
            }),
            initial_user_namespace: text("proc/self/uid_map").map(|map| {
                let mut fields = map.split_whitespace();
                Some(fields.next() == Some("0") && fields.nth(1) == Some("4294967295"))
            }),
            seccomp: status.map(|s| Some(status_field(&s, "Seccomp")? != "0")),
            unprivileged_bpf_disabled: text("proc/sys/kernel/unprivileged_bpf_disabled").map(parse),
            perf_event_paranoid: text("proc/sys/kernel/perf_event_paranoid").map(parse),
            tracefs: tracefs(root),
            cgroup: text("proc/self/mountinfo").map(|mounts| cgroup_version(&mounts)),
            private_pid_namespace: is_private(root, "pid", INITIAL_PID_NAMESPACE),
            private_cgroup_namespace: is_private(root, "cgroup", INITIAL_CGROUP_NAMESPACE),
            online_cpus: text("sys/devices/system/cpu/online").map(|list| cpus(&list)),
            possible_cpus: text("sys/devices/system/cpu/possible").map(|list| cpus(&list)),
            pid_max: text("proc/sys/kernel/pid_max").map(parse),
            modules: text("proc/modules").map(|list| {
                let names = list.lines().filter_map(|line| line.split(' ').next());
                Some(names.map(str::to_owned).collect())
            }),
        }
    }

    /// Whether a module is loaded; a kernel whose modules cannot be listed has
    /// the answer "no", and then attaching tells.
    pub fn is_loaded(&self, module: &str) -> bool {
        self.modules
            .known()
            .is_some_and(|modules| modules.contains(module))
    }

    /// Whether maps count as locked memory, which `RLIMIT_MEMLOCK` bounds:
    /// before 5.11. No feature shows it, so the release decides.
    pub fn counts_maps_as_locked(&self) -> bool {
        let mut parts = self.release.split(['.', '-']).map(str::parse::<u32>);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < (5, 11),
            _ => false,
        }
    }

    /// Whether this process holds `capability`; unknown counts as yes, so that
    /// the kernel decides.
    pub fn may(&self, capability: Capability) -> bool {
        self.capabilities.known().is_none_or(|c| c.has(capability))
    }
}

impl From<io::Result<String>> for Fact<String> {
    fn from(read: io::Result<String>) -> Self {
        match read {
            Ok(text) => Self::Known(text),
            Err(error) => error.into(),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a conversion for Fact::map")]
fn parse<T: std::str::FromStr>(text: String) -> Option<T> {
    text.trim().parse().ok()
}

fn status_field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key == name).then(|| value.trim())
    })
}

/// The word in brackets of `none [integrity] confidentiality`.
fn lockdown(root: &Path) -> Fact<Lockdown> {
    let security = root.join("sys/kernel/security");
    match fs::read_to_string(security.join("lockdown")) {
        Ok(text) => Fact::Known(text).map(|text| {
            [
                Lockdown::None,
                Lockdown::Integrity,
                Lockdown::Confidentiality,
            ]
            .into_iter()
            .find(|mode| text.contains(&format!("[{}]", mode.name())))
        }),
        // A mounted securityfs without the file: a kernel without lockdown.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match fs::read_dir(security).map(Iterator::count) {
                Ok(0) => Fact::Unknown("unknown (securityfs is not mounted)".to_owned()),
                Ok(_) => Fact::Known(Lockdown::None),
                Err(error) => error.into(),
            }
        }
        Err(error) => error.into(),
    }
}

fn tracefs(root: &Path) -> Fact<PathBuf> {
    let mut refused = None;
    for place in ["sys/kernel/tracing", "sys/kernel/debug/tracing"] {
        let place = root.join(place);
        match fs::metadata(place.join("events")) {
            Ok(_) => return Fact::Known(place),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => refused = Some(error),
            Err(_) => {}
        }
    }
    refused.map_or_else(
        || Fact::Unknown("unknown (tracefs is not mounted)".to_owned()),
        Into::into,
    )
}

fn cgroup_version(mountinfo: &str) -> Option<CgroupVersion> {
    let has = |kind: &str| {
        mountinfo
            .lines()
            .filter_map(|line| line.split_once(" - ")?.1.split(' ').next())
            .any(|fs| fs == kind)
    };
    match (has("cgroup"), has("cgroup2")) {
        (false, true) => Some(CgroupVersion::V2),
        (true, true) => Some(CgroupVersion::Hybrid),
        (true, false) => Some(CgroupVersion::V1),
        (false, false) => None,
    }
}

/// Inode of the initial pid namespace (`PROC_PID_INIT_INO`).
const INITIAL_PID_NAMESPACE: u32 = 0xEFFF_FFFC;

/// Inode of the initial cgroup namespace (`PROC_CGROUP_INIT_INO`).
const INITIAL_CGROUP_NAMESPACE: u32 = 0xEFFF_FFFB;

fn is_private(root: &Path, namespace: &str, initial: u32) -> Fact<bool> {
    match fs::read_link(root.join("proc/self/ns").join(namespace)) {
        Ok(link) => Fact::Known(link != Path::new(&format!("{namespace}:[{initial}]"))),
        Err(error) => error.into(),
    }
}

/// How many CPUs a list such as `0-3,8` has.
fn cpus(list: &str) -> Option<u32> {
    list.trim().split(',').try_fold(0, |sum, range| {
        let (low, high) = range.split_once('-').unwrap_or((range, range));
        let (low, high): (u32, u32) = (low.parse().ok()?, high.parse().ok()?);
        Some(sum + high.checked_sub(low)? + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn read(root: &tempfile::TempDir) -> KernelFacts {
        KernelFacts::read_at(root.path(), "6.12.1".to_owned(), "x86_64".to_owned())
    }

    #[test]
    fn an_ordinary_root_is_read() {
        let root = root_with(&[
            ("sys/kernel/btf/vmlinux", ""),
            (
                "sys/kernel/security/lockdown",
                "none [integrity] confidentiality\n",
            ),
            (
                "proc/self/status",
                "Name:\tx\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n",
            ),
            ("proc/self/uid_map", "         0          0 4294967295\n"),
            ("proc/sys/kernel/unprivileged_bpf_disabled", "2\n"),
            ("proc/sys/kernel/perf_event_paranoid", "3\n"),
            (
                "proc/self/mountinfo",
                "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            ),
            ("sys/kernel/tracing/events/enable", ""),
            ("sys/devices/system/cpu/online", "0-1,4\n"),
            ("sys/devices/system/cpu/possible", "0-127\n"),
            ("proc/sys/kernel/pid_max", "4194304\n"),
            (
                "proc/modules",
                "xfs 1 0 - Live 0x0\nvirtio_blk 2 0 - Live 0x0\n",
            ),
        ]);
        let facts = read(&root);
        assert!(facts.btf);
        assert_eq!(facts.lockdown, Fact::Known(Lockdown::Integrity));
        assert!(facts.may(Capability::Bpf));
        assert_eq!(facts.initial_user_namespace, Fact::Known(true));
        assert_eq!(facts.seccomp, Fact::Known(false));
        assert_eq!(facts.perf_event_paranoid, Fact::Known(3));
        assert_eq!(facts.cgroup, Fact::Known(CgroupVersion::V2));
        assert_eq!(facts.online_cpus, Fact::Known(3));
        assert_eq!(facts.possible_cpus, Fact::Known(128));
        assert!(facts.is_loaded("xfs") && !facts.is_loaded("btrfs"));
        assert!(facts.tracefs.known().is_some());
    }

    #[test]
    fn what_is_not_there_is_unknown_and_says_so() {
        let facts = read(&root_with(&[]));
        assert!(!facts.btf);
        assert_eq!(
            facts.pid_max,
            Fact::Unknown("unknown (not offered by this kernel)".to_owned())
        );
        assert_eq!(
            facts.tracefs,
            Fact::Unknown("unknown (tracefs is not mounted)".to_owned())
        );
    }

    #[test]
    fn a_user_namespace_is_told_apart() {
        let root = root_with(&[("proc/self/uid_map", "0 1000 1\n")]);
        assert_eq!(read(&root).initial_user_namespace, Fact::Known(false));
    }

    #[test]
    fn securityfs_without_lockdown_means_none() {
        let root = root_with(&[("sys/kernel/security/lsm", "bpf")]);
        assert_eq!(read(&root).lockdown, Fact::Known(Lockdown::None));
    }

    #[test]
    fn only_old_kernels_count_maps_as_locked() {
        let counts = |release: &str| {
            let root = root_with(&[]);
            let release = release.to_owned();
            KernelFacts::read_at(root.path(), release, String::new()).counts_maps_as_locked()
        };
        assert!(counts("5.10.0-46-cloud-amd64") && counts("4.19.0"));
        assert!(!counts("5.11.0") && !counts("6.12.117+deb13") && !counts("strange"));
    }

    #[test]
    fn cpu_lists_are_counted() {
        assert_eq!(cpus("0\n"), Some(1));
        assert_eq!(cpus("0-3,8,10-11\n"), Some(7));
        assert_eq!(cpus("3-1"), None);
        assert_eq!(cpus(""), None);
    }
}
