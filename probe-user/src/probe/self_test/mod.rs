//! The self-test: a hook that is attached and never fires is worse than none.
//!
//! A child process does harmless things that the probes must see. It waits for
//! its process id to be in the `SELF_TEST` map, gives up all capabilities, and
//! only then acts; the programs count its runs aside, by program number.

mod child;

use super::catalog::Way;
use super::error::AttachError;
use super::explain::chain;
use super::load::{map_mut, set_state};
use super::verdict::Outcome;
use crate::kernel::KernelFacts;
use aya::Ebpf;
use aya::maps::{Array, HashMap, MapData};
use probe_common::programs::PROGRAMS;
use probe_common::state;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub use child::child_main;

/// The child must be done by then; it needs some milliseconds.
const TIMEOUT: Duration = Duration::from_secs(3);

/// What the self-test of a probe came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SelfTest {
    /// It was not run, or the probe is off.
    #[default]
    NotRun,
    /// Everything that was triggered arrived.
    Passed,
    /// Something was triggered and did not arrive.
    Failed(String),
    /// It cannot be triggered, or not here.
    NotPossible(String),
}

impl fmt::Display for SelfTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRun => Ok(()),
            Self::Passed => f.write_str("passed"),
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::NotPossible(why) => write!(f, "not_possible: {why}"),
        }
    }
}

/// Something the child does, and the hooks that must see it.
struct Operation {
    name: &'static str,
    hooks: &'static [&'static str],
}

/// Every operation. Hooks in none cannot be triggered without doing harm.
const OPERATIONS: &[Operation] = &[
    Operation {
        name: child::COPY,
        hooks: &["vfs_copy_file_range"],
    },
    Operation {
        name: child::CLONE,
        hooks: &["ioctl_file_clone", "vfs_clone_file_range"],
    },
    Operation {
        name: child::REFUSED_COPY,
        hooks: &["__x64_sys_copy_file_range"],
    },
    Operation {
        name: child::READAHEAD,
        hooks: &["page_cache_sync_ra", "page_cache_async_ra", "read_pages"],
    },
    Operation {
        name: child::EXT4,
        hooks: &["__ext4_ioctl"],
    },
    Operation {
        name: child::XFS,
        hooks: &["xfs_file_ioctl", "xfs_growfs_data"],
    },
    Operation {
        name: child::EXEC,
        hooks: &[
            "sched_process_exec",
            "sched_process_exit",
            "sched:sched_process_exec",
            "sched:sched_process_exit",
        ],
    },
];

/// What the child did, and what the programs saw of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// By operation: `None` if it was done, else why it could not be.
    done: BTreeMap<String, Option<String>>,
    /// Runs by program number.
    runs: Vec<u64>,
    /// Why the child could not do its work at all.
    broken: Option<SelfTest>,
}

/// Runs the child.
pub(super) fn run(ebpf: &mut Ebpf, facts: &KernelFacts) -> Result<Seen, AttachError> {
    if facts.private_pid_namespace.known() == Some(&true) {
        return Ok(Seen::broken(SelfTest::NotPossible(
            "in a pid namespace of its own, a process cannot be told to the kernel (use the host's: hostPID)"
                .to_owned(),
        )));
    }
    let before = runs(ebpf)?;
    let report = match spawn() {
        Ok(mut child) => {
            let report = watch(ebpf, &mut child);
            // Whatever happened, no child stays behind.
            let _ = child.kill();
            let _ = child.wait();
            forget(ebpf, child.id())?;
            report?
        }
        Err(error) => Err(error),
    };
    Ok(match report {
        Ok(report) => Seen {
            done: parse(&report),
            runs: runs(ebpf)?
                .iter()
                .zip(before)
                .map(|(after, before)| after.saturating_sub(before))
                .collect(),
            broken: None,
        },
        Err(error) => Seen::broken(SelfTest::Failed(format!("the test process: {error}"))),
    })
}

fn spawn() -> io::Result<Child> {
    Command::new("/proc/self/exe")
        .arg(child::ARGUMENT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

/// Tells the programs of the child, lets it go, and takes its report.
fn watch(ebpf: &mut Ebpf, child: &mut Child) -> Result<io::Result<String>, AttachError> {
    let mut own: HashMap<&mut MapData, u32, u32> = map_mut(ebpf, "SELF_TEST")?;
    own.insert(child.id(), 1, 0)
        .map_err(|error| AttachError::Load(format!("SELF_TEST: {}", chain(&error))))?;
    set_state(ebpf, state::ARMED | state::SELF_TEST)?;
    Ok(let_go(child))
}

fn let_go(child: &mut Child) -> io::Result<String> {
    let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
    child.stdin.take().ok_or_else(broken)?.write_all(b"go\n")?;
    let mut stdout = child.stdout.take().ok_or_else(broken)?;
    rustix::io::ioctl_fionbio(&stdout, true)?;
    let deadline = Instant::now() + TIMEOUT;
    let mut report = String::new();
    // The pipe closes when the child's last step, exec and exit, is done.
    loop {
        match stdout.read_to_string(&mut report) {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => pause(deadline)?,
            Err(error) => return Err(error),
        }
    }
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None => pause(deadline)?,
        }
    };
    // What a crash kept it from would look like hooks that do not fire.
    match status.signal() {
        None => Ok(report),
        Some(_) => Err(io::Error::other(format!("it crashed: {status}"))),
    }
}

fn pause(deadline: Instant) -> io::Result<()> {
    if Instant::now() >= deadline {
        return Err(io::Error::other(format!(
            "not done within {} s",
            TIMEOUT.as_secs()
        )));
    }
    std::thread::sleep(Duration::from_millis(2));
    Ok(())
}

/// The process is no longer one of the self-test: its number may be reused.
fn forget(ebpf: &mut Ebpf, pid: u32) -> Result<(), AttachError> {
    set_state(ebpf, state::ARMED)?;
    let mut own: HashMap<&mut MapData, u32, u32> = map_mut(ebpf, "SELF_TEST")?;
    // It is not there if the test did not get that far.
    let _ = own.remove(&pid);
    Ok(())
}

fn runs(ebpf: &mut Ebpf) -> Result<Vec<u64>, AttachError> {
    let seen: Array<&mut MapData, u64> = map_mut(ebpf, "SELF_TEST_SEEN")?;
    seen.iter()
        .collect::<Result<_, _>>()
        .map_err(|error| AttachError::Load(format!("SELF_TEST_SEEN: {}", chain(&error))))
}

/// Reads the child's lines: `operation`, or `operation<TAB>why not`.
fn parse(report: &str) -> BTreeMap<String, Option<String>> {
    let line = |line: &str| match line.split_once('\t') {
        Some((operation, why)) => (operation.to_owned(), Some(why.to_owned())),
        None => (line.to_owned(), None),
    };
    report.lines().map(line).collect()
}

impl Seen {
    fn broken(result: SelfTest) -> Self {
        Self {
            broken: Some(result),
            ..Self::default()
        }
    }

    fn saw(&self, program: &str) -> bool {
        let number = PROGRAMS.iter().position(|p| p.name == program);
        number.is_some_and(|number| self.runs.get(number).is_some_and(|&runs| runs > 0))
    }
}

/// The result for a probe, from what of it is attached and what was seen.
pub(super) fn judge(probe: &str, outcomes: &[Outcome], seen: &Seen) -> SelfTest {
    if let Some(broken) = &seen.broken {
        return broken.clone();
    }
    let attached = || outcomes.iter().filter_map(|outcome| outcome.attached);
    if attached().next().is_none() {
        return SelfTest::NotPossible("nothing of it is attached".to_owned());
    }
    let (mut tested, mut missed, mut not_possible) = (false, Vec::new(), Vec::new());
    for program in attached().flat_map(Way::programs) {
        let operation = OPERATIONS
            .iter()
            .find(|operation| operation.hooks.contains(&program.hook));
        let Some(operation) = operation else {
            continue;
        };
        match seen.done.get(operation.name) {
            Some(None) if seen.saw(program.name) => tested = true,
            Some(None) => missed.push(format!("{} ({})", program.name, program.hook)),
            Some(Some(why)) => not_possible.push(why.clone()),
            None => missed.push(format!("{}: the test process did not do it", program.hook)),
        }
    }
    not_possible.dedup();
    if !missed.is_empty() {
        SelfTest::Failed(format!("triggered, but not seen by {}", missed.join(", ")))
    } else if tested {
        SelfTest::Passed
    } else if not_possible.is_empty() {
        SelfTest::NotPossible(untestable(probe).to_owned())
    } else {
        SelfTest::NotPossible(not_possible.join("; "))
    }
}

/// Why a probe without any operation has none.
fn untestable(probe: &str) -> &'static str {
    match probe {
        "capacity" => "it would take a disk that changes its size",
        "config" => "it would change a setting of the node",
        _ => "what is attached of it cannot be triggered harmlessly",
    }
}

#[cfg(test)]
mod tests;
