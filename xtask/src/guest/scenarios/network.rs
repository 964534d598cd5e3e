//! A network mount: NFS, served by the machine's own kernel.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::guest::{
    recorder::Recording,
    report::{has, only, sum},
    stage::Stage,
    tool, wait_until,
};

const GIB: u64 = 1 << 30;
const FILE_BYTES: u64 = 16 << 20;

/// Reading from a network mount is read-ahead of that mount, with its own
/// setting; a copy from it to a disk is refused, and falls back to reading.
pub(super) fn nfs(stage: &mut Stage) -> Result<()> {
    let (served, local) = (stage.disk(GIB)?, stage.disk(GIB)?);
    let (served, at) = (stage.ext4(&served)?, stage.ext4(&local)?);
    tool::shell(&format!(
        "dd if=/dev/zero of={}/from bs=1M count=16 2>&1",
        served.display()
    ))?;
    serve(&served)?;
    fs::create_dir_all("/mnt/nfs")?;
    tool::ok(&[
        "mount",
        "-i",
        "-t",
        "nfs4",
        "-o",
        "addr=127.0.0.1,clientaddr=127.0.0.1,vers=4.2,sec=sys,rsize=131072",
        "127.0.0.1:/",
        "/mnt/nfs",
    ])?;
    tool::shell("sync; echo 3 > /proc/sys/vm/drop_caches")?;
    let recording = Recording::start(stage, &[])?;
    tool::ok(&["cp", "/mnt/nfs/from", &at.join("to").to_string_lossy()])?;
    let report = recording.stop()?;
    report.complete_but_for_missed_runs()?;
    let of = |member: &str, field: &str| -> Result<Vec<&Value>> {
        Ok(report
            .rows(member)?
            .iter()
            .filter(|row| row[field] == "nfs4:/mnt/nfs")
            .collect())
    };
    has(
        only(&of("devices", "name")?, "device")?,
        &[
            ("source", json!("127.0.0.1:/")),
            ("rsize", json!(131_072)),
            ("fs", json!("nfs4")),
        ],
    )?;
    let copies = of("copy", "src")?;
    let refused: Vec<&Value> = copies
        .iter()
        .copied()
        .filter(|row| row["via"] != "ioctl")
        .collect();
    has(
        only(&refused, "refused copy")?,
        &[
            ("dst", json!(local.name)),
            ("errors.EXDEV", json!(1)),
            ("bytes_copied", json!(0)),
        ],
    )?;
    let pages = sum(of("readahead", "device")?, "pages_submitted")?;
    ensure!(
        pages == FILE_BYTES / 4096,
        "{pages} pages were read ahead: {:?}",
        of("readahead", "device")?
    );
    Ok(())
}

/// Exports a directory by NFS 4 to this machine itself. Done by the files of
/// the kernel's server, as its daemons would, but without them.
fn serve(dir: &Path) -> Result<()> {
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
    // Flags: fsid given, no subtree check, insecure ports. fsid 0 is the root.
    write(
        "/proc/net/rpc/nfsd.export/channel",
        &format!(
            "local {dir} {forever} {} 65534 65534 0\n",
            0x2000 | 0x400 | 0x4
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
