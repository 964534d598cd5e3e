//! The README's commands, each run by a test.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::guest::scenarios;

/// How a command of the README is known to work.
#[derive(Debug, Clone, Copy)]
enum Shown {
    /// It is run here, as it stands.
    Here,
    /// This scenario runs it in a virtual machine.
    By(&'static str),
    /// It is what runs all of this.
    Itself,
    /// It is not volprobe's: it carries a file to a machine of the reader's.
    Foreign,
}

/// Every command of the README.
const COMMANDS: &[(&str, Shown)] = &[
    (
        "cargo run --release -- report docs/samples/main.vprec",
        Shown::Here,
    ),
    ("cargo xtask demo", Shown::Here),
    ("cargo xtask demo readahead", Shown::Here),
    (
        "volprobe diff before.vprec after.vprec",
        Shown::By("diff_slow_copy_on_nfs"),
    ),
    ("cargo xtask test", Shown::Itself),
    ("cargo xtask dist", Shown::Here),
    ("cargo build --release", Shown::Here),
    ("sudo target/release/volprobe live", Shown::By("live")),
    (
        "sudo volprobe record -o node.vprec --duration 10m",
        Shown::By("record_ends"),
    ),
    ("volprobe report node.vprec", Shown::By("resized_too_early")),
    ("sudo target/release/volprobe doctor", Shown::By("doctor")),
    (
        "volprobe correlate node.vprec --events actiontrail.json pvc.json kubelet.log",
        Shown::By("silent_failures"),
    ),
    ("sudo volprobe volumes", Shown::By("volumes")),
    (
        "scp target/dist/volprobe root@NODE:/usr/local/bin/",
        Shown::Foreign,
    ),
    (
        "kubectl debug node/NODE --profile=sysadmin -it --image=debian:stable-slim -- bash",
        Shown::Foreign,
    ),
    (
        "kubectl cp target/dist/volprobe POD:/host/tmp/volprobe",
        Shown::Foreign,
    ),
    (
        "chroot /host /tmp/volprobe record -o /tmp/node.vprec",
        Shown::By("container"),
    ),
];

/// The commands of the README that are run here.
///
/// # Errors
/// The README has a command that nothing runs, or a scenario is not there.
pub fn commands(root: &Path) -> Result<Vec<&'static str>> {
    let text = fs::read_to_string(root.join("README.md")).context("cannot read README.md")?;
    let mut here = Vec::new();
    for line in shell_lines(&text) {
        let Some((command, shown)) = COMMANDS.iter().find(|(command, _)| *command == line) else {
            bail!("README.md has a command that no test runs: {line}");
        };
        match shown {
            Shown::Here => here.push(*command),
            Shown::By(name) if !scenarios::ALL.iter().any(|scenario| scenario.name == *name) => {
                bail!("README.md: {command}: there is no scenario {name}");
            }
            Shown::By(_) | Shown::Itself | Shown::Foreign => {}
        }
    }
    Ok(here)
}

/// A command, as a shell of the reader would run it.
pub fn shell(root: &Path, line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(root);
    command
}

/// Lines of the fenced `sh` blocks, without comments.
fn shell_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().filter_map(move |line| {
        if line.starts_with("```") {
            inside = line == "```sh";
            return None;
        }
        let command = line.split(" #").next().unwrap_or_default().trim();
        (inside && !command.is_empty()).then_some(command)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_of_the_readme_is_run_by_something() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        assert!(!commands(&root).unwrap().is_empty());
    }

    #[test]
    fn only_shell_blocks_hold_commands() {
        let text = "```sh\nls   # list\n\n```\n```\noutput\n```\nrm\n";
        assert_eq!(shell_lines(text).collect::<Vec<_>>(), ["ls"]);
    }
}
