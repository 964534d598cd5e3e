//! The agent: carries out what the host asks on the agent port.

use std::{
    fs::File,
    io::{BufReader, Read},
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use anyhow::{Context, Result};

use super::hypervisor;
use crate::link::{self, AGENT_PORT, Reply, Request};

/// How long output may trail the end of the command (a process left in the
/// background can hold the pipe open for ever).
const TRAIL: Duration = Duration::from_millis(300);

#[derive(Clone)]
struct Port(Arc<Mutex<File>>);

impl Port {
    fn send(&self, reply: &Reply, bytes: &[u8]) -> Result<()> {
        let mut port = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        link::send(&mut *port, reply, bytes)
    }
}

/// Serves until the host closes the port.
pub(super) fn serve() -> Result<()> {
    let file = hypervisor::open(AGENT_PORT)?;
    let mut requests = BufReader::new(file.try_clone()?);
    let port = Port(Arc::new(Mutex::new(file)));
    let kernel = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    port.send(&Reply::Hello { kernel }, b"")?;
    while let Some(request) = link::receive::<Request>(&mut requests)? {
        let outcome = match request {
            Request::Run { argv } => run(&port, &argv),
            Request::Get { path } => get(&port, &path),
        };
        if let Err(error) = outcome {
            port.send(
                &Reply::Error {
                    message: format!("{error:#}"),
                },
                b"",
            )?;
        }
    }
    Ok(())
}

fn run(port: &Port, argv: &[String]) -> Result<()> {
    let (program, rest) = argv.split_first().context("no command")?;
    let mut child = Command::new(program)
        .args(rest)
        .current_dir("/tmp")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    let (closed, pipes) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        forward(port.clone(), 1, stdout, closed.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        forward(port.clone(), 2, stderr, closed);
    }
    let status = child.wait()?;
    for _ in 0..2 {
        let _ = pipes.recv_timeout(TRAIL);
    }
    port.send(
        &Reply::Exit {
            code: status.code(),
            signal: status.signal(),
        },
        b"",
    )
}

fn forward(port: Port, stream: u8, mut from: impl Read + Send + 'static, closed: mpsc::Sender<()>) {
    std::thread::spawn(move || {
        let mut chunk = vec![0; 32 * 1024];
        while let Ok(len) = from.read(&mut chunk) {
            if len == 0
                || port
                    .send(&Reply::Output { stream, len }, &chunk[..len])
                    .is_err()
            {
                break;
            }
        }
        let _ = closed.send(());
    });
}

fn get(port: &Port, path: &str) -> Result<()> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {path}"))?;
    port.send(&Reply::File { len: bytes.len() }, &bytes)
}
