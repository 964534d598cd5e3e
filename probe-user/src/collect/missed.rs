//! Runs that the kernel skipped: counted by the kernel, not by the program.

use crate::sample::Missed;
use std::fs;
use std::io;
use std::os::fd::RawFd;

/// A program whose skipped runs are missing from a probe's counts.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The probe.
    pub probe: String,
    /// The kernel function it is attached to.
    pub hook: String,
    /// The program; open as long as it is attached.
    pub fd: RawFd,
}

/// Reads the skipped runs of the counting programs, as differences.
#[derive(Debug, Default)]
pub struct MissedRuns {
    programs: Vec<(Watched, Option<u64>)>,
}

impl MissedRuns {
    /// Begins with `programs` as they stand now; returns one record for each
    /// whose kernel has no counter, once, so that "none" and "not known" differ.
    pub fn start(programs: Vec<Watched>) -> (Self, Vec<Missed>) {
        let programs: Vec<_> = programs
            .into_iter()
            .map(|program| {
                let now = skipped(program.fd).ok().flatten();
                (program, now)
            })
            .collect();
        let unknown = programs.iter().filter(|(_, count)| count.is_none());
        let unknown = unknown.map(|(program, _)| record(program, None)).collect();
        (Self { programs }, unknown)
    }

    /// What was skipped since the last call; only what is not zero.
    pub fn delta(&mut self) -> Vec<Missed> {
        let mut missed = Vec::new();
        for (program, before) in &mut self.programs {
            let (Some(last), Ok(Some(now))) = (*before, skipped(program.fd)) else {
                continue;
            };
            *before = Some(now);
            if now > last {
                missed.push(record(program, Some(now - last)));
            }
        }
        missed
    }
}

fn record(program: &Watched, count: Option<u64>) -> Missed {
    Missed {
        probe: program.probe.clone(),
        hook: program.hook.clone(),
        count,
    }
}

/// `recursion_misses` of the program behind `fd`; `None` where the kernel
/// (before 5.12) has no such counter.
fn skipped(fd: RawFd) -> io::Result<Option<u64>> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{fd}"))?;
    Ok(counter(&text, "recursion_misses"))
}

fn counter(fdinfo: &str, name: &str) -> Option<u64> {
    fdinfo.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key == name).then(|| value.trim().parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn the_counter_is_found_by_its_whole_name() {
        let text = "pos:\t0\nprog_type:\t26\nrun_cnt:\t0\nrecursion_misses:\t157\n";
        assert_eq!(counter(text, "recursion_misses"), Some(157));
        assert_eq!(counter(text, "misses"), None);
        assert_eq!(counter("pos:\t0\nrun_cnt:\t0\n", "recursion_misses"), None);
    }

    #[test]
    fn without_a_counter_it_is_unknown_and_not_zero() {
        let file = tempfile::tempfile().unwrap();
        let (mut runs, records) = MissedRuns::start(vec![Watched {
            probe: "copy".to_owned(),
            hook: "vfs_copy_file_range".to_owned(),
            fd: file.as_raw_fd(),
        }]);
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].count, None);
        assert!(runs.delta().is_empty());
    }
}
