//! `volprobe record`, from its readiness line to its report.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::{report::Report, stage::Stage, tool};

/// The program under test.
pub(super) const VOLPROBE: &str = "volprobe";

/// How long all probes may take to settle under emulation.
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// A recording that is being made.
#[derive(Debug)]
pub(super) struct Recording {
    child: Child,
    file: PathBuf,
    stderr: Arc<Mutex<String>>,
}

impl Recording {
    /// Starts `volprobe record` into the scratch directory and waits until it
    /// says that it records.
    pub(super) fn start(stage: &Stage, options: &[&str]) -> Result<Self> {
        let always = stage.record_options.iter().map(String::as_str);
        let options: Vec<&str> = always.chain(options.iter().copied()).collect();
        Self::start_into(&stage.dir.join("recording.vprec"), &options)
    }

    /// The same, into this file.
    pub(super) fn start_into(file: &Path, options: &[&str]) -> Result<Self> {
        println!(
            "$ volprobe record -o {} {} &",
            file.display(),
            options.join(" ")
        );
        let mut child = Command::new(VOLPROBE)
            .args(["record", "-o"])
            .arg(file)
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::inherit())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start volprobe")?;
        let stderr = Arc::new(Mutex::new(String::new()));
        let (send_ready, ready) = mpsc::channel();
        let lines = BufReader::new(child.stderr.take().context("no stderr")?).lines();
        let said = Arc::clone(&stderr);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                println!("volprobe| {line}");
                let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                said.push_str(&line);
                said.push('\n');
                drop(said);
                if line.starts_with("volprobe: recording") {
                    let _ = send_ready.send(());
                }
            }
        });
        let mut recording = Self {
            child,
            file: file.to_owned(),
            stderr,
        };
        if ready.recv_timeout(START_TIMEOUT).is_err() {
            let ended = recording.child.try_wait()?;
            bail!(
                "volprobe did not get to record ({ended:?}): {}",
                recording.stderr()
            );
        }
        // A hook may be missing here, but volprobe's own child always does its
        // part: with it broken, nothing would be known to work.
        if recording.stderr().contains("the test process: it crashed") {
            bail!("the self-test's child crashed: {}", recording.stderr());
        }
        Ok(recording)
    }

    /// What volprobe said on stderr so far.
    pub(super) fn stderr(&self) -> String {
        self.stderr
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Ends the recording as Ctrl-C does, and reads its report.
    pub(super) fn stop(self) -> Result<Report> {
        let file = self.file.clone();
        self.stop_only()?;
        Report::of(&file)
    }

    /// Ends the recording as Ctrl-C does.
    pub(super) fn stop_only(self) -> Result<()> {
        self.signal(Signal::INT)?;
        self.wait()
    }

    /// Waits for an end that somebody else brings about; it must be a good one.
    pub(super) fn wait(mut self) -> Result<()> {
        let status = self.child.wait()?;
        ensure!(
            status.success(),
            "volprobe record ended with {status}: {}",
            self.stderr()
        );
        Ok(())
    }

    /// Kills volprobe where it stands, and reads what there is.
    pub(super) fn kill(mut self) -> Result<Report> {
        self.signal(Signal::KILL)?;
        self.child.wait()?;
        Report::of(&self.file)
    }

    /// Waits for an end that must be an error; what volprobe said.
    pub(super) fn fails(mut self) -> Result<String> {
        let status = self.child.wait()?;
        ensure!(!status.success(), "volprobe record ended with {status}");
        // The thread that reads its last words may be behind.
        thread::sleep(Duration::from_millis(500));
        Ok(self.stderr())
    }

    /// Whether volprobe has ended.
    pub(super) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// The most memory that volprobe has had, bytes.
    pub(super) fn memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.context("no VmHWM")?.parse::<u64>()? * 1024)
    }

    /// Sends a signal to volprobe.
    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(self.child.id() as i32).context("no pid")?;
        Ok(kill_process(pid, signal)?)
    }
}

/// Runs `volprobe` to its end.
pub(super) fn volprobe(args: &[&str]) -> Result<tool::Done> {
    tool::run(&[&[VOLPROBE], args].concat())
}
