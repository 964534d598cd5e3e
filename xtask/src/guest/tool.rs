//! Running real tools, with everything they say in the test's log.

use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// How a tool ended.
#[derive(Debug, Clone)]
pub(super) struct Done {
    /// Exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Done {
    fn new(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs a tool to its end, whatever that is.
pub(super) fn run<S: AsRef<str>>(argv: &[S]) -> Result<Done> {
    let words: Vec<&str> = argv.iter().map(AsRef::as_ref).collect();
    let (program, rest) = words.split_first().context("no command")?;
    println!("$ {}", words.join(" "));
    let output = Command::new(program)
        .args(rest)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    let done = Done::new(&output);
    for text in [&done.stdout, &done.stderr] {
        print!("{text}");
        if !text.is_empty() && !text.ends_with('\n') {
            println!();
        }
    }
    if done.code != Some(0) {
        println!("({})", output.status);
    }
    Ok(done)
}

/// Runs a tool that must exit with 0, and returns what it printed.
pub(super) fn ok<S: AsRef<str>>(argv: &[S]) -> Result<String> {
    let done = run(argv)?;
    if done.code != Some(0) {
        let words: Vec<&str> = argv.iter().map(AsRef::as_ref).collect();
        bail!("`{}` failed: {}", words.join(" "), done.stderr.trim_end());
    }
    Ok(done.stdout)
}

/// Runs a line of shell that must exit with 0, and returns what it printed.
pub(super) fn shell(line: &str) -> Result<String> {
    ok(&["sh", "-ec", line])
}
