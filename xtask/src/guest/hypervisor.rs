//! Asking the hypervisor, from inside.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::link::HOST_PORT;

/// How long a port may stay busy or away before that is an error.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends one line to the hypervisor and returns its answer.
///
/// `grow DISK SIZE` grows a disk while it is in use, `iops DISK N` limits it
/// to N requests a second (0: no limit), `trace NAME` writes down every
/// instruction that is executed, until `trace off`.
pub(super) fn ask(line: &str) -> Result<String> {
    let mut port = open(HOST_PORT)?;
    writeln!(port, "{line}")?;
    let mut answer = String::new();
    BufReader::new(port).read_line(&mut answer)?;
    match answer.trim_end().split_once(' ') {
        Some(("error", why)) => bail!("the hypervisor refused {line:?}: {why}"),
        Some(("ok", answer)) => Ok(answer.to_owned()),
        _ => bail!("the hypervisor answered {answer:?} to {line:?}"),
    }
}

/// Opens a virtio-serial port by its name. A port has one user at a time;
/// this waits for its turn.
pub(super) fn open(name: &str) -> Result<File> {
    let start = Instant::now();
    loop {
        let attempt = find(name).and_then(|path| {
            OpenOptions::new()
                .read(true)
                .write(true)
                .open(&path)
                .with_context(|| format!("cannot open {}", path.display()))
        });
        match attempt {
            Err(_) if start.elapsed() < PATIENCE => sleep(Duration::from_millis(20)),
            other => return other,
        }
    }
}

fn find(name: &str) -> Result<PathBuf> {
    for entry in std::fs::read_dir("/sys/class/virtio-ports").context("no virtio-serial port")? {
        let entry = entry?;
        let found = std::fs::read_to_string(entry.path().join("name")).unwrap_or_default();
        if found.trim() == name {
            return Ok(PathBuf::from("/dev").join(entry.file_name()));
        }
    }
    bail!("no virtio-serial port is called {name}")
}
