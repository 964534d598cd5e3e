//! One virtual machine, from boot to end. No KVM: build machines and CI
//! hosts seldom have it, and where all emulate, all see the same.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle, sleep},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use super::{
    progress,
    qemu::{self, Clock, Config},
    qmp::Qmp,
};
use crate::{
    link::{self, Reply, Request},
    size,
};

/// Time from start to a guest that answers, on a loaded host.
const BOOT_TIMEOUT: Duration = Duration::from_mins(3);
/// The same of a machine that counts instructions: one thread emulates all of its
/// processors.
const COUNTING_BOOT_TIMEOUT: Duration = Duration::from_mins(15);
/// How often a boot that ended in the early panic is tried again.
const BOOT_ATTEMPTS: u32 = 4;

/// How a command in the guest ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It exited.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
}

/// A running machine; dropping it ends it.
#[derive(Debug)]
pub struct Machine {
    /// Release of the running kernel.
    pub release: String,
    child: Child,
    agent: BufReader<UnixStream>,
    console: Option<JoinHandle<()>>,
    // Holds sockets, disks and traces.
    dir: TempDir,
}

/// Why a machine did not come up.
enum BootError {
    /// The early panic that emulation causes now and then.
    Early,
    Other(anyhow::Error),
}

impl From<anyhow::Error> for BootError {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl Machine {
    /// Boots, and waits until the guest answers.
    ///
    /// One boot in about forty ends in an `int3` Oops in early boot under
    /// emulation. That one, and no other failure, is tried again.
    pub fn boot(config: &Config) -> Result<Self> {
        for _ in 1..BOOT_ATTEMPTS {
            match Self::boot_once(config) {
                Ok(machine) => return Ok(machine),
                Err(BootError::Other(error)) => return Err(error),
                Err(BootError::Early) => progress(format_args!(
                    "kernel {} panicked in early boot (int3, an effect of emulation): booting again",
                    config.kernel.series
                )),
            }
        }
        match Self::boot_once(config) {
            Ok(machine) => Ok(machine),
            Err(BootError::Other(error)) => Err(error),
            Err(BootError::Early) => bail!("the kernel panicked in {BOOT_ATTEMPTS} boots"),
        }
    }

    fn boot_once(config: &Config) -> Result<Self, BootError> {
        let start = |config: &Config| -> Result<Self> {
            let dir = tempfile::Builder::new().prefix("volprobe-vm").tempdir()?;
            let mut child = qemu::command(config, dir.path())?
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::inherit())
                .spawn()
                .context("cannot start qemu-system-x86_64")?;
            let console = child.stdout.take().context("no console")?;
            let console = tee_console(console, &config.console, config.show_console)?;
            // From here on, dropping the guard ends QEMU.
            let mut guard = Guard(Some(child));
            let agent = connect(&dir.path().join("agent"), &mut guard)?;
            agent.set_read_timeout(Some(match config.clock {
                Clock::Host => BOOT_TIMEOUT,
                Clock::Instructions => COUNTING_BOOT_TIMEOUT,
            }))?;
            let qmp = Qmp::new(connect(&dir.path().join("qmp"), &mut guard)?)?;
            serve_guest(
                connect(&dir.path().join("host"), &mut guard)?,
                qmp,
                dir.path(),
            )?;
            let child = guard.0.take().context("no child")?;
            Ok(Self {
                release: String::new(),
                child,
                agent: BufReader::new(agent),
                console: Some(console),
                dir,
            })
        };
        let mut machine = start(config)?;
        match link::receive_reply(&mut machine.agent) {
            Ok(Some((Reply::Hello { kernel }, _))) => {
                machine.release = kernel;
                machine
                    .agent
                    .get_ref()
                    .set_read_timeout(None)
                    .map_err(anyhow::Error::from)?;
                Ok(machine)
            }
            outcome => {
                machine.end();
                let console = fs::read_to_string(&config.console).unwrap_or_default();
                if is_early_panic(&console) {
                    return Err(BootError::Early);
                }
                let why = match outcome {
                    Ok(None) => "it stopped".to_owned(),
                    Ok(Some((reply, _))) => format!("it said {reply:?}"),
                    Err(error) => format!("{error:#}"),
                };
                Err(BootError::Other(anyhow::anyhow!(
                    "kernel {} did not come up: {why}\n{}",
                    config.kernel.series,
                    tail(&console, 40)
                )))
            }
        }
    }

    /// Runs a command in the guest; `output` gets what it writes, stream 1 or
    /// 2. Fails when nothing is heard from the guest for `silence`.
    pub fn run(
        &mut self,
        argv: &[String],
        silence: Duration,
        mut output: impl FnMut(u8, &[u8]),
    ) -> Result<Exit> {
        self.agent.get_ref().set_read_timeout(Some(silence))?;
        link::send(
            self.agent.get_mut(),
            &Request::Run {
                argv: argv.to_vec(),
            },
            b"",
        )?;
        loop {
            let reply = link::receive_reply(&mut self.agent)
                .with_context(|| format!("the guest is silent, running {argv:?}"))?;
            match reply {
                Some((Reply::Output { stream, .. }, bytes)) => output(stream, &bytes),
                Some((
                    Reply::Exit {
                        code: Some(code), ..
                    },
                    _,
                )) => return Ok(Exit::Code(code)),
                Some((Reply::Exit { signal, .. }, _)) => {
                    return Ok(Exit::Signal(signal.unwrap_or_default()));
                }
                Some((Reply::Error { message }, _)) => bail!("{message}"),
                Some((other, _)) => bail!("unexpected answer {other:?}"),
                None => bail!("the guest died, running {argv:?}"),
            }
        }
    }

    /// Brings a file back from the guest.
    pub fn get(&mut self, path: &str) -> Result<Vec<u8>> {
        self.agent
            .get_ref()
            .set_read_timeout(Some(Duration::from_mins(2)))?;
        link::send(
            self.agent.get_mut(),
            &Request::Get {
                path: path.to_owned(),
            },
            b"",
        )?;
        match link::receive_reply(&mut self.agent)? {
            Some((Reply::File { .. }, bytes)) => Ok(bytes),
            Some((Reply::Error { message }, _)) => bail!("{message}"),
            other => bail!("unexpected answer {:?}", other.map(|(reply, _)| reply)),
        }
    }

    /// What a trace of the guest's holds, as QEMU writes it.
    pub fn trace(&self, name: &str) -> Result<String> {
        let path = trace_file(self.dir.path(), name)?;
        fs::read_to_string(&path).with_context(|| format!("the guest made no trace {name}"))
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(console) = self.console.take() {
            let _ = console.join();
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.end();
    }
}

/// Ends a child that nobody took over.
struct Guard(Option<Child>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn connect(path: &Path, qemu: &mut Guard) -> Result<UnixStream> {
    let start = Instant::now();
    loop {
        match UnixStream::connect(path) {
            Ok(stream) => return Ok(stream),
            Err(error) if start.elapsed() > Duration::from_secs(30) => {
                return Err(error).with_context(|| format!("no socket {}", path.display()));
            }
            Err(_) => {}
        }
        if let Some(status) = qemu
            .0
            .as_mut()
            .and_then(|child| child.try_wait().ok().flatten())
        {
            bail!("qemu-system-x86_64 ended at once: {status}");
        }
        sleep(Duration::from_millis(20));
    }
}

fn tee_console(
    mut from: impl Read + Send + 'static,
    to: &Path,
    show: bool,
) -> Result<JoinHandle<()>> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = File::create(to).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(len @ 1..) = from.read(&mut chunk) {
            let _ = file.write_all(&chunk[..len]);
            if show {
                let _ = std::io::stderr().write_all(&chunk[..len]);
            }
        }
    }))
}

/// Answers what the guest asks of the hypervisor, for as long as it lives.
fn serve_guest(stream: UnixStream, qmp: Qmp, dir: &Path) -> Result<()> {
    let dir = dir.to_owned();
    let mut to = stream.try_clone()?;
    let qmp = Arc::new(Mutex::new(qmp));
    thread::spawn(move || {
        let mut lines = BufReader::new(stream).lines();
        while let Some(Ok(line)) = lines.next() {
            let mut qmp = qmp.lock().unwrap_or_else(PoisonError::into_inner);
            let answer = match obey(&mut qmp, &line, &dir) {
                Ok(()) => "ok done".to_owned(),
                Err(error) => format!("error {error:#}").replace('\n', " "),
            };
            if writeln!(to, "{answer}").is_err() {
                break;
            }
        }
    });
    Ok(())
}

fn obey(qmp: &mut Qmp, line: &str, dir: &Path) -> Result<()> {
    match line.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["grow", disk, bytes] => qmp.resize(disk, size::parse(bytes)?),
        ["iops", disk, limit] => qmp.limit(disk, limit.parse()?),
        ["trace", "off"] => qmp.trace(None),
        ["trace", name] => qmp.trace(Some(&trace_file(dir, name)?)),
        _ => bail!("there are `grow DISK SIZE`, `iops DISK N` and `trace NAME|off`"),
    }
}

fn trace_file(dir: &Path, name: &str) -> Result<PathBuf> {
    ensure!(
        name.bytes().all(|byte| byte.is_ascii_lowercase()),
        "{name} is no name of a trace"
    );
    Ok(dir.join(format!("trace-{name}")))
}

/// Whether the console shows the panic that emulation causes before user
/// space.
fn is_early_panic(console: &str) -> bool {
    let before_init = console
        .split("Run /init as init process")
        .next()
        .unwrap_or_default();
    before_init.len() == console.len()
        && before_init.contains("int3")
        && before_init.contains("Kernel panic")
}

/// The last lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_early_int3_panic_is_retried() {
        assert!(is_early_panic(
            "x\nOops: int3: 0000 [#1]\nKernel panic - not syncing"
        ));
        assert!(!is_early_panic(
            "BUG: NULL pointer\nKernel panic - not syncing"
        ));
        assert!(!is_early_panic(
            "Run /init as init process\nOops: int3: 0000\nKernel panic - not syncing"
        ));
    }
}
