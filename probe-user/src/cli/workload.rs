//! The command that a capture runs.

use super::signals::Signals;
use crate::probe::tree::Tree;
use anyhow::{Context, anyhow};
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};
use tokio::process::{Child, Command};

/// A command that was found, not started yet.
#[derive(Debug)]
pub struct Workload {
    program: PathBuf,
    words: Vec<OsString>,
}

impl Workload {
    /// Looks for the program, so that a misspelled one is told before the kernel
    /// is touched. No words, no workload.
    pub fn find(words: Vec<OsString>) -> anyhow::Result<Option<Self>> {
        let Some(name) = words.first() else {
            return Ok(None);
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = if name.as_bytes().contains(&b'/') {
            Some(PathBuf::from(name)).filter(|path| is_executable(path))
        } else {
            let folders = std::env::split_paths(&path);
            folders
                .map(|folder| folder.join(name))
                .find(|path| is_executable(path))
        };
        let program = found.ok_or_else(|| {
            anyhow!(
                "there is no program '{}' that can be run",
                name.to_string_lossy()
            )
        })?;
        Ok(Some(Self { program, words }))
    }

    /// Starts it; its processes are followed, if there is a tree to follow.
    pub fn start(self, tree: Option<&mut Tree>) -> anyhow::Result<Running> {
        let mut command = Command::new(&self.program);
        command.as_std_mut().args(&self.words[1..]);
        let name = self.words[0].to_string_lossy().into_owned();
        let pid = |child: &io::Result<Child>| child.as_ref().ok().and_then(Child::id);
        let child = match tree {
            Some(tree) => tree.plant(|| command.spawn(), pid)?,
            None => command.spawn(),
        };
        let child = child.with_context(|| format!("cannot start '{name}'"))?;
        Ok(Running {
            name,
            child: Some(child),
            status: None,
        })
    }
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// A command that was started.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Option<Child>,
    status: Option<io::Result<ExitStatus>>,
}

impl Running {
    /// In place of a command that could not be started: it has ended at once.
    pub fn not_started() -> Self {
        Self {
            name: String::new(),
            child: None,
            status: None,
        }
    }

    /// Waits for its end. May be dropped and called again.
    pub async fn ended(&mut self) {
        if let (Some(child), None) = (&mut self.child, &self.status) {
            self.status = Some(child.wait().await);
        }
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        let pid = self.child.as_ref().and_then(Child::id);
        let pid = pid.and_then(|pid| rustix::process::Pid::from_raw(pid as i32));
        if let (Some(pid), None) = (pid, &self.status) {
            // It may have ended by itself meanwhile.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
    }

    /// Its exit status, as a shell passes it on; waits for its end, if need be. A
    /// further signal ends the waiting, not the command.
    pub async fn wait(mut self, signals: &mut Signals) -> anyhow::Result<ExitCode> {
        if self.child.is_some() && self.status.is_none() {
            eprintln!("volprobe: waiting for '{}' to end", self.name);
            tokio::select! {
                () = self.ended() => {}
                signal = signals.next() => {
                    eprintln!("volprobe: {signal}: '{}' goes on", self.name);
                }
            }
        }
        match self.status {
            Some(status) => Ok(exit_code(status?)),
            // As a shell says that a command could not be run.
            None if self.child.is_none() => Ok(ExitCode::from(126)),
            None => Ok(ExitCode::SUCCESS),
        }
    }
}

/// The exit code that stands for how a process ended: 128 + signal, where one
/// ended it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.unwrap_or(1) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn a_misspelled_program_is_told_at_once() {
        let error = Workload::find(words(&["resize2sf", "/dev/vdb"])).unwrap_err();
        assert!(error.to_string().contains("'resize2sf'"));
        assert!(Workload::find(words(&["/dev/null"])).is_err());
        assert!(Workload::find(Vec::new()).unwrap().is_none());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_status_is_the_commands() {
        for (script, code) in [("exit 7", 7), ("kill -9 $$", 137), ("true", 0)] {
            let found = Workload::find(words(&["sh", "-c", script])).unwrap();
            let mut running = found.unwrap().start(None).unwrap();
            running.ended().await;
            let status = running.status.unwrap().unwrap();
            assert_eq!(exit_code(status), ExitCode::from(code), "{script}");
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn it_ends_when_asked_to() {
        let found = Workload::find(words(&["sleep", "100"])).unwrap();
        let mut running = found.unwrap().start(None).unwrap();
        running.terminate();
        running.ended().await;
        assert_eq!(running.status.unwrap().unwrap().signal(), Some(15));
    }
}
