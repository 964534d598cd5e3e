//! QEMU's control channel.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// A connection that is past its greeting.
#[derive(Debug)]
pub struct Qmp {
    from: BufReader<UnixStream>,
    to: UnixStream,
}

impl Qmp {
    /// Shakes hands on a connected socket.
    pub fn new(stream: UnixStream) -> Result<Self> {
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut qmp = Self {
            from: BufReader::new(stream.try_clone()?),
            to: stream,
        };
        let greeting = qmp.read().context("no greeting from QMP")?;
        if greeting.get("QMP").is_none() {
            bail!("not a QMP greeting: {greeting}");
        }
        qmp.execute("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// Runs one command and returns what it returned.
    pub fn execute(&mut self, command: &str, arguments: &Value) -> Result<Value> {
        let line = json!({"execute": command, "arguments": arguments});
        writeln!(self.to, "{line}")?;
        loop {
            let mut answer = self.read()?;
            if let Some(error) = answer.get("error") {
                let text = error
                    .get("desc")
                    .and_then(Value::as_str)
                    .unwrap_or("unknown error");
                bail!("{command}: {text}");
            }
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
            // Anything else is an event, and of no interest.
        }
    }

    /// Grows (or shrinks) a disk; the guest is told at once.
    pub fn resize(&mut self, disk: &str, bytes: u64) -> Result<()> {
        self.execute("block_resize", &json!({"device": disk, "size": bytes}))
            .map(drop)
    }

    /// Limits a disk to so many requests a second; 0 lifts the limit.
    pub fn limit(&mut self, disk: &str, iops: u64) -> Result<()> {
        let limits = json!({"device": disk, "bps": 0, "bps_rd": 0, "bps_wr": 0,
                            "iops": iops, "iops_rd": 0, "iops_wr": 0});
        self.execute("block_set_io_throttle", &limits).map(drop)
    }

    /// Writes the address of every instruction to `file`, from now on; or ends it.
    pub fn trace(&mut self, file: Option<&Path>) -> Result<()> {
        // Blocks of one instruction, each of which is logged. The switch has
        // another name since QEMU 8.1; to the unknown one QEMU only says so.
        let switch = if file.is_some() { "on" } else { "off" };
        let mut lines = vec![
            format!("singlestep {switch}"),
            format!("one-insn-per-tb {switch}"),
        ];
        match file {
            Some(file) => lines.extend([
                format!("logfile {}", file.display()),
                "log exec,nochain".to_owned(),
            ]),
            None => lines.insert(0, "log none".to_owned()),
        }
        for line in lines {
            self.execute("human-monitor-command", &json!({"command-line": line}))?;
        }
        Ok(())
    }

    fn read(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.from.read_line(&mut line)? == 0 {
            bail!("QEMU closed its control channel");
        }
        serde_json::from_str(&line).with_context(|| format!("not QMP: {line:?}"))
    }
}
