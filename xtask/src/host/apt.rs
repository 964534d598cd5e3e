//! apt: installing what is missing on this machine, and a private root that
//! leaves the machine's own apt untouched.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, bail};

use super::{progress, run, sources};

/// A program, and the Debian package that has it.
pub type Need = (&'static str, &'static str);

/// What booting a machine takes.
pub const VM_NEEDS: &[Need] = &[
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("busybox", "busybox-static"),
    ("mkfs.ext4", "e2fsprogs"),
    ("mkfs.xfs", "xfsprogs"),
    ("sfdisk", "fdisk"),
    ("growpart", "cloud-guest-utils"),
    ("dmsetup", "dmsetup"),
    ("tc", "iproute2"),
    ("lvm", "lvm2"),
    ("cryptsetup", "cryptsetup-bin"),
    ("xz", "xz-utils"),
    ("ldd", "libc-bin"),
];

/// What the VM tests build beside volprobe.
pub const TEST_NEEDS: &[Need] = &[("go", "golang-go")];

/// How old the package lists may be before they are fetched again.
const FRESH: Duration = Duration::from_hours(24);

/// Finds a program in `PATH` or where administrators' programs are.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
}

/// Installs the packages of the programs that are missing, and says so first.
pub fn ensure(needs: &[Need]) -> Result<()> {
    let mut missing: Vec<&str> = needs
        .iter()
        .filter(|(program, _)| find_program(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    install(&mut missing)
}

/// Installs these packages, if any, and says so first.
pub fn install(missing: &mut Vec<&str>) -> Result<()> {
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    progress(format_args!("installing by apt: {}", missing.join(" ")));
    let install = || {
        let mut command = as_root("apt-get")?;
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["-q", "-y", "--no-install-recommends", "install"])
            .args(&*missing);
        run::check(&mut command)
    };
    if install().is_ok() {
        return Ok(());
    }
    progress("the package lists may be old: apt-get update");
    run::check(as_root("apt-get")?.args(["-q", "update"]))?;
    install().context("a program that is needed could not be installed")
}

fn as_root(program: &str) -> Result<Command> {
    if rustix::process::geteuid().is_root() {
        return Ok(Command::new(program));
    }
    if find_program("sudo").is_none() {
        bail!("packages are missing, and installing them takes root or sudo");
    }
    let mut command = Command::new("sudo");
    command.arg(program);
    Ok(command)
}

/// One version of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version, as Debian writes it.
    pub version: String,
    /// What it depends on: name and, where exactly one version will do, that.
    pub depends: Vec<(String, Option<String>)>,
}

/// An apt of our own: sources derived from the machine's, its own lists and
/// cache, signatures checked with Debian's keyring.
#[derive(Debug)]
pub struct PrivateApt {
    dir: PathBuf,
}

impl PrivateApt {
    /// Prepares the root in `dir`.
    pub fn new(dir: PathBuf) -> Result<Self> {
        for sub in ["state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(dir.join(sub))?;
        }
        fs::write(dir.join("status"), "")?;
        fs::write(dir.join("sources.list"), sources::kernel_sources()?)?;
        Ok(Self { dir })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let mut option = |name: &str, value: &str| {
            command.arg("-o").arg(format!("{name}={value}"));
        };
        let path = |name: &str| self.dir.join(name).display().to_string();
        option("Dir::Etc::sourcelist", &path("sources.list"));
        option("Dir::Etc::sourceparts", "/dev/null");
        option("Dir::Etc::preferences", "/dev/null");
        option("Dir::Etc::preferencesparts", "/dev/null");
        option("Dir::State", &path("state"));
        option("Dir::State::status", &path("status"));
        option("Dir::Cache", &path("cache"));
        option("APT::Architecture", "amd64");
        option("APT::Architectures", "amd64");
        // The cache is in a home directory, which apt's own user cannot enter.
        option("APT::Sandbox::User", "root");
        command.env("LC_ALL", "C");
        command
    }

    fn stamp(&self) -> PathBuf {
        self.dir.join("updated")
    }

    /// Whether the lists were fetched within the last day.
    pub fn is_fresh(&self) -> bool {
        let age = |path: &Path| {
            let modified = fs::metadata(path)?.modified()?;
            std::io::Result::Ok(
                SystemTime::now()
                    .duration_since(modified)
                    .unwrap_or_default(),
            )
        };
        age(&self.stamp()).is_ok_and(|age| age < FRESH)
    }

    /// Fetches the package lists.
    pub fn update(&self) -> Result<()> {
        // A suite that cannot be had must not go unseen (apt alone would warn
        // and carry on), but neither must it keep the others from being used.
        let result = run::output(self.command("apt-get").args(["-q", "update"]));
        fs::write(self.stamp(), "")?;
        if let Err(error) = result {
            progress(format_args!("apt-get update: {error:#}"));
        }
        Ok(())
    }

    /// All versions of a package.
    pub fn versions(&self, name: &str) -> Result<Vec<Package>> {
        let text = run::text(self.command("apt-cache").args(["show", name]))?;
        Ok(parse_packages(&text))
    }

    /// Downloads one package into `dir` and returns its path.
    pub fn download(&self, name: &str, version: &str, dir: &Path) -> Result<PathBuf> {
        run::output(self.command("apt-get").current_dir(dir).args([
            "-q",
            "download",
            &format!("{name}={version}"),
        ]))?;
        let prefix = format!("{name}_");
        fs::read_dir(dir)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| {
                path.file_name()
                    .is_some_and(|file| file.to_string_lossy().starts_with(&prefix))
            })
            .with_context(|| format!("apt-get downloaded {name}, but no file is there"))
    }
}

fn parse_packages(text: &str) -> Vec<Package> {
    text.split("\n\n")
        .filter_map(|paragraph| {
            let field = |name: &str| {
                paragraph
                    .lines()
                    .find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
            };
            let depends = field("Depends:").unwrap_or_default();
            Some(Package {
                name: field("Package:")?,
                version: field("Version:")?,
                depends: depends.split(',').filter_map(parse_dependency).collect(),
            })
        })
        .collect()
}

fn parse_dependency(text: &str) -> Option<(String, Option<String>)> {
    let mut words = text.split_whitespace();
    let name = words.next()?.to_owned();
    let exact = (words.next() == Some("(="))
        .then(|| {
            words
                .next()
                .map(|version| version.trim_end_matches(')').to_owned())
        })
        .flatten();
    Some((name, exact))
}

/// Whether Debian version `a` is newer than `b`.
pub fn is_newer(a: &str, b: &str) -> Result<bool> {
    let status = Command::new("dpkg")
        .args(["--compare-versions", a, "gt", b])
        .status()?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_with_exact_dependencies() {
        let text = "Package: linux-image-cloud-amd64\nVersion: 7.3.4-1\n\
                    Depends: linux-base-cloud-amd64 (= 7.3.4-1), dracut | x (>= 1), kmod\n\n\
                    Package: linux-image-cloud-amd64\nVersion: 6.12.9-1\n";
        let packages = parse_packages(text);
        assert_eq!(packages.len(), 2);
        assert_eq!(
            packages[0].depends,
            [
                (
                    "linux-base-cloud-amd64".to_owned(),
                    Some("7.3.4-1".to_owned())
                ),
                ("dracut".to_owned(), None),
                ("kmod".to_owned(), None)
            ]
        );
        assert!(packages[1].depends.is_empty());
    }
}
