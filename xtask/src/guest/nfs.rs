//! A network mount: NFS, served by the machine's own kernel.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::{tool, wait_until};

/// Where it is mounted.
pub(super) const MOUNT: &str = "/mnt/nfs";

/// Its name in reports.
pub(super) const NAME: &str = "nfs4:/mnt/nfs";

/// Mounts what [`serve`] exports by this version of the protocol; reads are made of
/// `rsize` bytes.
pub(super) fn mount(rsize: u32, version: &str) -> Result<()> {
    fs::create_dir_all(MOUNT)?;
    let options =
        format!("addr=127.0.0.1,clientaddr=127.0.0.1,vers={version},sec=sys,rsize={rsize}");
    tool::ok(&[
        "mount",
        "-i",
        "-t",
        "nfs4",
        "-o",
        &options,
        "127.0.0.1:/",
        MOUNT,
    ])?;
    Ok(())
}

/// Sets read-ahead of the mount, KiB, as an administrator does.
pub(super) fn set_read_ahead(kb: u64) -> Result<()> {
    let dev = tool::ok(&["findmnt", "-n", "-o", "MAJ:MIN", MOUNT])?;
    let path = format!("/sys/class/bdi/{}/read_ahead_kb", dev.trim());
    println!("{path} < {kb}");
    fs::write(&path, kb.to_string()).with_context(|| format!("cannot write {path}"))
}

/// Delays every packet between this machine and itself, ms; 0 for none.
pub(super) fn delay(ms: u32) -> Result<()> {
    match ms {
        0 => disturb(None),
        ms => disturb(Some(["delay", &format!("{ms}ms")])),
    }
}

/// Loses every packet between this machine and itself, until [`delay`] is called:
/// the server does not answer any more.
pub(super) fn cut_off() -> Result<()> {
    disturb(Some(["loss", "100%"]))
}

fn disturb(how: Option<[&str; 2]>) -> Result<()> {
    let _ = tool::run(&["tc", "qdisc", "del", "dev", "lo", "root"])?;
    if let Some([what, much]) = how {
        tool::ok(&["modprobe", "sch_netem"])?;
        tool::ok(&[
            "tc", "qdisc", "add", "dev", "lo", "root", "netem", what, much,
        ])?;
    }
    Ok(())
}

/// Exports a directory by NFS 4 to this machine itself. Done by the files of
/// the kernel's server, as its daemons would, but without them.
pub(super) fn serve(dir: &Path) -> Result<()> {
    tool::ok(&["modprobe", "nfsd"])?;
    tool::ok(&["modprobe", "nfsv4"])?;
    tool::shell(
        "ip link set lo up; mkdir -p /var/lib/nfs/v4recovery; \
         test -e /proc/fs/nfsd/threads || mount -t nfsd nfsd /proc/fs/nfsd",
    )?;
    let write = |path: &str, text: &str| {
        println!("{path} < {}", text.trim_end());
        fs::write(path, text).with_context(|| format!("cannot write {text:?} to {path}"))
    };
    let dir = dir.display();
    let forever = i32::MAX;
    write(
        "/proc/net/rpc/auth.unix.ip/channel",
        &format!("nfsd 127.0.0.1 {forever} local\n"),
    )?;
    // Flags: fsid given, no subtree check, insecure ports; root stays root. fsid 0 is
    // the root.
    write(
        "/proc/net/rpc/nfsd.export/channel",
        &format!(
            "local {dir} {forever} {} 65534 65534 0\n",
            0x2000 | 0x400 | 0x2
        ),
    )?;
    write(
        "/proc/net/rpc/nfsd.fh/channel",
        &format!("local 1 \\x00000000 {forever} {dir}\n"),
    )?;
    for version in ["-2\n", "-3\n"] {
        // Version 2 is gone from newer kernels.
        let _ = fs::write("/proc/fs/nfsd/versions", version);
    }
    for file in ["nfsv4leasetime", "nfsv4gracetime"] {
        write(&format!("/proc/fs/nfsd/{file}"), "10\n")?;
    }
    write("/proc/fs/nfsd/portlist", "tcp 2049\n")?;
    write("/proc/fs/nfsd/threads", "2\n")?;
    // No client has a state to reclaim; newer servers do not let themselves be
    // told so, but wait the ten seconds.
    let end = "/proc/fs/nfsd/v4_end_grace";
    let _ = fs::write(end, "Y\n");
    wait_until("the server's grace period is over", || {
        Ok(fs::read_to_string(end)?.starts_with('Y'))
    })
}
