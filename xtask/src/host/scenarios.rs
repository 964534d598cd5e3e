//! The VM tests: one test a scenario, many scenarios a boot.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{
    build,
    initramfs::{self, HostFile},
    kernels,
    machine::{Exit, Machine, tail},
    progress,
    qemu::{Clock, Config, Disk},
    tally::{Tally, Verdict},
};
use crate::guest::{
    scenarios::{ALL, On, Scenario},
    stage::{DISKS, IDLE_BYTES},
};

/// Machines that run at the same time: one more than two processors would keep busy,
/// as tests wait a good deal.
const MACHINES: usize = 3;
/// How long a scenario may be silent.
const SILENCE: Duration = Duration::from_mins(3);
/// Lines of log and console shown of a test that failed.
const SHOWN_LINES: usize = 120;

/// What goes into every test machine.
#[derive(Debug)]
pub struct Kit {
    /// The guest program.
    pub guest: PathBuf,
    /// The program under test.
    pub volprobe: PathBuf,
    /// Programs beside it.
    pub files: Vec<HostFile>,
}

impl Kit {
    /// All programs, where the machine has them.
    pub fn all_files(&self) -> Vec<HostFile> {
        let volprobe = HostFile {
            from: self.volprobe.clone(),
            to: "/usr/bin/volprobe".to_owned(),
        };
        self.files.iter().cloned().chain([volprobe]).collect()
    }
}

/// Scenarios that are played one after the other, as a rule in one machine.
#[derive(Debug)]
struct Run<'a> {
    /// Kernel series.
    series: &'a str,
    /// Name of the folder of its logs.
    name: String,
    scenarios: Vec<&'static Scenario>,
}

/// The scenarios whose name contains one of `filters`, or all if there is none, as
/// runs: two a series, those that every kernel plays and those that others do not.
/// The main series plays most, and is first, so that no machine is left with the
/// longest of the runs at the end.
fn runs<'a>(series: &[&'a str], filters: &[String]) -> VecDeque<Run<'a>> {
    let mut runs = Vec::new();
    for &series in series {
        let (everywhere, only_here) = ALL
            .iter()
            .filter(|scenario| is_wanted(scenario.name, filters))
            .filter(|scenario| is_for(scenario.on, series))
            .partition(|scenario| scenario.on == On::All);
        for (name, scenarios) in [
            (series.to_owned(), everywhere),
            (format!("{series}-only"), only_here),
        ] {
            runs.push(Run {
                series,
                name,
                scenarios,
            });
        }
    }
    runs.retain(|run| !run.scenarios.is_empty());
    runs.sort_by_key(|run| run.series != kernels::MAIN_SERIES);
    runs.into()
}

/// Whether a test is asked for: its name contains one of `filters`, or there is
/// none.
pub fn is_wanted(name: &str, filters: &[String]) -> bool {
    filters.is_empty() || filters.iter().any(|text| name.contains(text))
}

/// Whether the kernel of this series is among those that a scenario runs on.
fn is_for(on: On, series: &str) -> bool {
    match on {
        On::All => true,
        On::Main => series == kernels::MAIN_SERIES,
        On::Only(these) => these.contains(&series),
    }
}

/// Whether any of the scenarios so named leaves something to compare.
pub fn leave_any(filters: &[String]) -> bool {
    ALL.iter()
        .filter(|scenario| scenario.leaves.is_some())
        .any(|scenario| is_wanted(scenario.name, filters))
}

/// Plays the scenarios whose name contains one of `filters`, or all if there is
/// none, on each kernel series.
pub fn run(series: &[&str], filters: &[String], kit: &Kit, tally: &Tally) {
    let waiting = Mutex::new(runs(series, filters));
    thread::scope(|scope| {
        for _ in 0..MACHINES {
            scope.spawn(|| {
                loop {
                    let next = waiting
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .pop_front();
                    let Some(run) = next else { break };
                    play_all(&run, kit, tally);
                }
            });
        }
    });
}

fn play_all(run: &Run, kit: &Kit, tally: &Tally) {
    let config = match prepare(run, kit) {
        Ok(config) => config,
        Err(error) => {
            // Not one of its tests can be run: that is a failure of each.
            for scenario in &run.scenarios {
                tally.add(&name(run, scenario), Verdict::Failed(format!("{error:#}")));
            }
            return;
        }
    };
    let mut machine = None;
    for scenario in &run.scenarios {
        let start = Instant::now();
        let verdict = play(&mut machine, &config, run, scenario);
        if verdict.is_err() || scenario.spoils {
            // What state it is in, nobody knows.
            machine = None;
        }
        let verdict = match verdict {
            Ok(verdict) => verdict,
            Err(error) => {
                let console = fs::read_to_string(&config.console).unwrap_or_default();
                Verdict::Failed(format!("{error:#}\n{}", tail(&console, SHOWN_LINES)))
            }
        };
        let seconds = start.elapsed().as_secs_f64();
        tally.add_timed(&name(run, scenario), verdict, seconds);
    }
}

fn name(run: &Run, scenario: &Scenario) -> String {
    format!("vm::{}::{}", run.series, scenario.name)
}

fn prepare(run: &Run, kit: &Kit) -> Result<Config> {
    let kernel = kernels::get(run.series)?;
    Ok(Config {
        initramfs: initramfs::build(&kernel, &kit.guest, &[], &kit.all_files())?,
        kernel,
        disks: vec![Disk::empty(IDLE_BYTES); DISKS],
        clock: Clock::Host,
        cpus: 2,
        possible_cpus: 2,
        memory: 1536,
        append: String::new(),
        console: directory(run)?.join("console"),
        show_console: false,
    })
}

/// Where the logs of a run are kept.
fn directory(run: &Run) -> Result<PathBuf> {
    let dir = build::target_dir()?.join("vm").join(&run.name);
    fs::create_dir_all(&dir)?;
    Ok(dir)
}

/// Where the host keeps what a scenario left in `file`.
pub fn left(series: &str, file: &str) -> Result<PathBuf> {
    let dir = build::target_dir()?.join("vm").join("left").join(series);
    fs::create_dir_all(&dir)?;
    Ok(dir.join(Path::new(file).file_name().context("no file name")?))
}

/// Plays one scenario. An error means that the machine is gone; a test that
/// merely failed is a verdict.
fn play(
    machine: &mut Option<Machine>,
    config: &Config,
    run: &Run,
    scenario: &Scenario,
) -> Result<Verdict> {
    let machine = match machine {
        Some(machine) => machine,
        None => machine.insert(Machine::boot(config)?),
    };
    let log_path = directory(run)?.join(format!("{}.log", scenario.name));
    if let Some(file) = scenario.leaves {
        // What an earlier run left is of no use.
        let _ = fs::remove_file(left(run.series, file)?);
    }
    let mut log = Vec::new();
    let argv = ["scenario".to_owned(), scenario.name.to_owned()];
    let console_before = console_length(&config.console);
    let exit = machine.run(&argv, SILENCE, |_, bytes| log.extend_from_slice(bytes));
    fs::write(&log_path, &log).context("cannot keep the log")?;
    if matches!(exit, Ok(Exit::Code(0))) {
        if let Some(file) = scenario.leaves {
            fs::write(left(run.series, file)?, machine.get(file)?)?;
        }
        return Ok(Verdict::Passed);
    }
    let log = String::from_utf8_lossy(&log);
    let console = fs::read(&config.console).unwrap_or_default();
    let console = console.get(console_before..).unwrap_or_default();
    let console = String::from_utf8_lossy(console);
    let shown = format!(
        "{}\n--- console\n{}\n--- all of it in {}",
        tail(&log, SHOWN_LINES),
        tail(&console, SHOWN_LINES),
        log_path.display()
    );
    keep_evidence(machine, &log_path);
    match exit {
        Ok(_) => Ok(Verdict::Failed(shown)),
        Err(error) => Err(error.context(shown)),
    }
}

/// Brings the report and the recording of a failed test back, if it got that far.
fn keep_evidence(machine: &mut Machine, log: &Path) {
    for extension in ["json", "vprec"] {
        if let Ok(bytes) = machine.get(&format!("/tmp/stage/recording.{extension}")) {
            let path = log.with_extension(extension);
            match fs::write(&path, bytes) {
                Ok(()) => progress(format_args!("kept {}", path.display())),
                Err(error) => progress(format_args!("cannot keep {}: {error}", path.display())),
            }
        }
    }
}

fn console_length(path: &Path) -> usize {
    fs::metadata(path).map_or(0, |metadata| metadata.len() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scenario_is_in_one_run_of_a_kernel_it_is_for() {
        let runs = runs(kernels::SERIES, &[]);
        for &series in kernels::SERIES {
            let of = runs.iter().filter(|run| run.series == series);
            let mut played: Vec<&str> = of
                .flat_map(|run| &run.scenarios)
                .map(|scenario| scenario.name)
                .collect();
            played.sort_unstable();
            let mut expected: Vec<&str> = ALL
                .iter()
                .filter(|scenario| is_for(scenario.on, series))
                .map(|scenario| scenario.name)
                .collect();
            expected.sort_unstable();
            assert_eq!(played, expected, "{series}");
        }
        assert_eq!(runs[0].series, kernels::MAIN_SERIES);
    }
}
