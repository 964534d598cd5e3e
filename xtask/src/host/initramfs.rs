//! The machine's only file system: busybox, real tools with their libraries,
//! kernel modules, and the guest program as `/init`.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{apt::find_program, cpio::Archive, kernels::Kernel, modules, run};

/// The tools whose behaviour is under test, or on which tests rest. All else
/// (`sh`, `ls`, `dd`, …) is busybox.
const TOOLS: &[&str] = &[
    "bash",
    "sh",
    "cp",
    "flock",
    "resize2fs",
    "mkfs.ext4",
    "tune2fs",
    "dumpe2fs",
    "e2fsck",
    "mkfs.xfs",
    "xfs_growfs",
    "xfs_io",
    "xfs_db",
    "growpart",
    "sfdisk",
    "partx",
    "losetup",
    "blockdev",
    "mount",
    "umount",
    "findmnt",
    "lsblk",
    "dmsetup",
    "lvm",
    "cryptsetup",
    "unshare",
    "nsenter",
    "setpriv",
    "tc",
];

/// Loaded at boot.
const BOOT_MODULES: &[&str] = &["virtio_pci", "virtio_console", "virtio_blk"];
/// There for `modprobe` and for the kernel's own demand-loading.
const MODULES: &[&str] = &[
    "xfs",
    "loop",
    "overlay",
    "dm_mod",
    "dm_crypt",
    // What LUKS encrypts with, in the kernel and for its header.
    "ecb",
    "xts",
    "algif_skcipher",
    "nfsd",
    "nfsv4",
    "sch_netem",
];

/// Data that tools read at run time.
const DATA: &[&str] = &["/etc/mke2fs.conf", "/usr/share/xfsprogs/mkfs"];

/// A file of the host that goes into the machine.
#[derive(Debug, Clone)]
pub struct HostFile {
    /// Path on the host.
    pub from: PathBuf,
    /// Absolute path in the guest.
    pub to: String,
}

impl HostFile {
    /// Reads `FILE[:DEST]`; without DEST, a program goes to `/usr/bin` and
    /// anything else to `/`.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some((from, to)) = text.split_once(':') {
            return Ok(Self {
                from: from.into(),
                to: to.to_owned(),
            });
        }
        let from = PathBuf::from(text);
        let name = from
            .file_name()
            .with_context(|| format!("{text} has no file name"))?
            .to_string_lossy()
            .into_owned();
        let metadata = fs::metadata(&from).with_context(|| format!("cannot read {text}"))?;
        let is_program = metadata.permissions().mode() & 0o111 != 0;
        let dir = if is_program { "/usr/bin" } else { "" };
        Ok(Self {
            to: format!("{dir}/{name}"),
            from,
        })
    }
}

/// Builds the archive for `kernel`. `files` are added as they are, with the
/// libraries of those that are dynamic programs.
pub fn build(
    kernel: &Kernel,
    guest: &Path,
    extra_modules: &[String],
    files: &[HostFile],
) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    for (link, target) in [
        ("bin", "usr/bin"),
        ("sbin", "usr/sbin"),
        ("lib", "usr/lib"),
        ("lib64", "usr/lib64"),
    ] {
        archive.symlink(link, target);
    }
    for dir in [
        "proc",
        "sys",
        "dev",
        "run",
        "tmp",
        "mnt",
        "root",
        "var/tmp",
        "usr/local/bin",
    ] {
        archive.directory(dir);
    }
    archive.file("init", 0o755, &fs::read(guest)?);
    for name in crate::guest::NAMES {
        archive.symlink(&format!("usr/bin/{name}"), "/init");
    }
    for file in files {
        add_file(&mut archive, file)?;
    }
    for tool in TOOLS {
        let path = find_program(tool).with_context(|| format!("{tool} is not installed"))?;
        let to = merged(&path);
        add_file(&mut archive, &HostFile { from: path, to })?;
    }
    for path in DATA {
        add_data(&mut archive, Path::new(path))?;
    }
    add_busybox(&mut archive)?;
    add_modules(&mut archive, kernel, extra_modules)?;
    archive.symlink("etc/mtab", "/proc/mounts");
    archive.file(
        "etc/passwd",
        0o644,
        b"root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n",
    );
    archive.file("etc/group", 0o644, b"root:x:0:\nuser:x:1000:\n");
    Ok(archive.finish())
}

/// The place of a path where `/bin`, `/sbin` and `/lib*` are links into
/// `/usr`.
fn merged(path: &Path) -> String {
    let text = path.to_string_lossy();
    if ["/bin/", "/sbin/", "/lib/", "/lib64/"]
        .iter()
        .any(|dir| text.starts_with(dir))
    {
        format!("/usr{text}")
    } else {
        text.into_owned()
    }
}

fn add_file(archive: &mut Archive, file: &HostFile) -> Result<()> {
    let data =
        fs::read(&file.from).with_context(|| format!("cannot read {}", file.from.display()))?;
    let mode = fs::metadata(&file.from)?.permissions().mode() & 0o7777;
    archive.file(&file.to, mode, &data);
    if data.starts_with(b"\x7fELF") {
        for library in libraries(&file.from)? {
            let to = merged(&library);
            if !archive.contains(&to) {
                archive.file(&to, 0o755, &fs::read(&library)?);
            }
        }
    }
    Ok(())
}

fn add_data(archive: &mut Archive, path: &Path) -> Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            add_data(archive, &entry?.path())?;
        }
    } else if path.exists() {
        archive.file(&merged(path), 0o644, &fs::read(path)?);
    }
    Ok(())
}

/// The shared libraries of a program, the dynamic loader among them; none
/// for a static one.
fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("ldd")
        .arg(program)
        .env("LC_ALL", "C")
        .output()?;
    // A static program makes ldd fail, and say so.
    Ok(parse_ldd(&String::from_utf8_lossy(&output.stdout)))
}

fn parse_ldd(text: &str) -> Vec<PathBuf> {
    text.lines()
        .filter_map(|line| {
            let path = line.split("=>").last()?.split_whitespace().next()?;
            path.starts_with('/').then(|| PathBuf::from(path))
        })
        .collect()
}

/// Busybox, and a link for each of its applets that is not a real tool here.
fn add_busybox(archive: &mut Archive) -> Result<()> {
    let path = find_program("busybox").context("busybox is not installed")?;
    add_file(
        archive,
        &HostFile {
            from: path.clone(),
            to: "/usr/bin/busybox".to_owned(),
        },
    )?;
    for applet in run::text(Command::new(path).arg("--list"))?.lines() {
        let taken = ["usr/bin", "usr/sbin"]
            .iter()
            .any(|dir| archive.contains(&format!("{dir}/{applet}")));
        if !taken && applet != "busybox" {
            archive.symlink(&format!("usr/bin/{applet}"), "busybox");
        }
    }
    // Where the kernel looks for it.
    archive.symlink("usr/sbin/modprobe", "../bin/busybox");
    Ok(())
}

fn add_modules(archive: &mut Archive, kernel: &Kernel, extra: &[String]) -> Result<()> {
    let mut wanted: Vec<&str> = BOOT_MODULES.iter().chain(MODULES).copied().collect();
    wanted.extend(extra.iter().map(String::as_str));
    let modules = modules::collect(kernel, &wanted)?;
    let dir = format!("usr/lib/modules/{}", kernel.release);
    for module in &modules {
        archive.file(
            &format!("{dir}/kernel/{}.ko", module.name),
            0o644,
            &module.elf,
        );
    }
    archive.file(
        &format!("{dir}/modules.dep"),
        0o644,
        modules::dep_file(&modules).as_bytes(),
    );
    archive.file(
        &format!("{dir}/modules.alias"),
        0o644,
        modules::alias_file(&modules).as_bytes(),
    );
    let boot: Vec<&str> = BOOT_MODULES
        .iter()
        .copied()
        .filter(|name| modules.iter().any(|module| module.name == *name))
        .collect();
    archive.file(
        crate::guest::BOOT_MODULES,
        0o644,
        boot.join("\n").as_bytes(),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ldd_lines() {
        let text = "\tlinux-vdso.so.1 (0x00007ffd)\n\
                    \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n\
                    \tlibgone.so => not found\n";
        assert_eq!(
            parse_ldd(text),
            [
                PathBuf::from("/lib/x86_64-linux-gnu/libc.so.6"),
                PathBuf::from("/lib64/ld-linux-x86-64.so.2")
            ]
        );
        assert!(parse_ldd("\tnot a dynamic executable\n").is_empty());
    }

    #[test]
    fn paths_are_merged_into_usr() {
        assert_eq!(
            merged(Path::new("/lib/x/libc.so.6")),
            "/usr/lib/x/libc.so.6"
        );
        assert_eq!(merged(Path::new("/usr/sbin/partx")), "/usr/sbin/partx");
        assert_eq!(merged(Path::new("/library/x")), "/library/x");
    }
}
