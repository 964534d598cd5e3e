//! The power is cut in the middle of two recordings, onto ext4 and onto xfs.
//!
//! The disks log what they are told. From the logs come disks as the cut may
//! leave them: with what had been flushed up to one moment or another, and with
//! some of what had not, since a disk keeps what it likes of that. A second
//! machine mounts them all.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{
    build, initramfs,
    kernels::{self, MAIN_SERIES},
    machine::{Exit, Machine},
    qemu::{Clock, Config, Disk, Image},
    scenarios::{Kit, is_wanted},
    tally::{Tally, Verdict},
    write_log::WriteLog,
};
use crate::guest::POWER_CUT_TRUTH;

const NAME: &str = "record_power_cut";
/// Of each disk.
const BYTES: u64 = 1 << 30;
/// How long the guest may be silent.
const SILENCE: Duration = Duration::from_mins(2);
/// The disks that a recording is on, by the file system.
const LOGGED: [(&str, &str); 2] = [("ext4", "vdc"), ("xfs", "vdd")];

/// Runs the test, if it is among those asked for.
pub fn run(series: &[&str], filters: &[String], kit: &Kit, tally: &Tally) {
    if !series.contains(&MAIN_SERIES) || !is_wanted(NAME, filters) {
        return;
    }
    let start = Instant::now();
    let verdict = match play(kit) {
        Ok(()) => Verdict::Passed,
        Err(error) => Verdict::Failed(format!("{error:#}")),
    };
    let seconds = start.elapsed().as_secs_f64();
    tally.add_timed(&format!("vm::{MAIN_SERIES}::{NAME}"), verdict, seconds);
}

fn play(kit: &Kit) -> Result<()> {
    let dir = tempfile::Builder::new().prefix("volprobe-cut").tempdir()?;
    let (truth, synced) = record_and_cut(kit, dir.path())?;
    let mut disks = Vec::new();
    for (file_system, disk) in LOGGED {
        let log = WriteLog::open(&dir.path().join(disk))?;
        let cuts = cuts(&log, synced[disk], file_system, dir.path())?;
        disks.push((file_system, cuts));
    }
    read_after(kit, &truth, &disks)
}

/// Returns what was copied, and how long each log was when all of that had been
/// synced.
fn record_and_cut(kit: &Kit, dir: &Path) -> Result<(String, BTreeMap<&'static str, u64>)> {
    let logged = |disk: &str| Disk {
        image: Image::Logged(dir.join(disk)),
        ..Disk::empty(BYTES)
    };
    let (studied, other) = (Disk::empty(BYTES), Disk::empty(BYTES));
    let disks = vec![studied, logged("vdc"), logged("vdd"), other];
    let mut machine = Machine::boot(&config(kit, disks, "before")?)?;
    let (mut said, mut synced) = (String::new(), BTreeMap::new());
    let exit = machine.run(&argv(&["before"]), SILENCE, |_, bytes| {
        said.push_str(&String::from_utf8_lossy(bytes));
        if synced.is_empty() && told(&said).is_some() {
            for (_, disk) in LOGGED {
                let length = fs::metadata(dir.join(disk)).map_or(0, |log| log.len());
                synced.insert(disk, length);
            }
        }
    })?;
    ensure!(exit == Exit::Code(0), "before the cut: {exit:?}\n{said}");
    // Killed where it stands; QEMU gets to write nothing more.
    drop(machine);
    let truth = told(&said).with_context(|| format!("it told nothing: {said}"))?;
    Ok((truth.to_owned(), synced))
}

/// The truth, once all of its line is there.
fn told(said: &str) -> Option<&str> {
    let (_, truth) = said.split_once(&format!("{POWER_CUT_TRUTH} {{"))?;
    let at = said.len() - truth.len() - 1;
    Some(said[at..].split_once('\n')?.0)
}

/// The disks that a cut leaves at one flush or another behind `synced`, ever
/// later; of the last one also without that flush, and with every other write
/// that waited for it.
fn cuts(log: &WriteLog, synced: u64, file_system: &str, dir: &Path) -> Result<Vec<PathBuf>> {
    let flushes = log.flushes_behind(synced);
    ensure!(
        flushes.len() > 3,
        "{file_system}: {} flushes in ten seconds",
        flushes.len()
    );
    let name = |cut: &str| dir.join(format!("{file_system}-{cut}"));
    let last = flushes.len() - 1;
    let mut disks = Vec::new();
    for (cut, flush) in [0, 1, last / 2, last]
        .iter()
        .map(|&at| flushes[at])
        .enumerate()
    {
        let disk = name(&cut.to_string());
        log.disk(&disk, BYTES, |request| request <= flush)?;
        disks.push(disk);
    }
    let torn = name("torn");
    log.disk(&torn, BYTES, |request| {
        request <= flushes[last - 1] || request < flushes[last] && request % 2 == 0
    })?;
    disks.insert(disks.len() - 1, torn);
    Ok(disks)
}

/// A machine with all of them reads up to what had been synced, and the later
/// the cut the more.
fn read_after(kit: &Kit, truth: &str, disks: &[(&str, Vec<PathBuf>)]) -> Result<()> {
    let all = disks.iter().flat_map(|(_, disks)| disks);
    let kept = |file: &PathBuf| Disk {
        image: Image::File(file.clone()),
        ..Disk::empty(BYTES)
    };
    let mut machine = Machine::boot(&config(kit, all.clone().map(kept).collect(), "after")?)?;
    let mut letters = 'b'..='z';
    for (file_system, disks) in disks {
        let names: Vec<String> = letters
            .by_ref()
            .take(disks.len())
            .map(|l| format!("vd{l}"))
            .collect();
        let mut args = vec!["after", truth];
        args.extend(names.iter().map(String::as_str));
        let mut said = String::new();
        let exit = machine.run(&argv(&args), SILENCE, |_, bytes| {
            said.push_str(&String::from_utf8_lossy(bytes));
        })?;
        ensure!(
            exit == Exit::Code(0),
            "{file_system} after the cut: {exit:?}\n{said}"
        );
        let lasted: Vec<u64> = said
            .lines()
            .filter_map(|line| {
                line.strip_prefix("recorded ")?
                    .split_once(' ')?
                    .1
                    .parse()
                    .ok()
            })
            .collect();
        let later_is_more = lasted.is_sorted() && lasted.first() < lasted.last();
        ensure!(
            lasted.len() == disks.len() && later_is_more,
            "{file_system}: recorded {lasted:?} ns"
        );
        println!("{file_system}: cut ever later, recorded {lasted:?} ns");
    }
    Ok(())
}

fn argv(args: &[&str]) -> Vec<String> {
    let words = ["power-cut"].iter().chain(args);
    words.map(|&word| word.to_owned()).collect()
}

fn config(kit: &Kit, disks: Vec<Disk>, when: &str) -> Result<Config> {
    let kernel = kernels::get(MAIN_SERIES)?;
    let folder = build::target_dir()?.join("vm").join(MAIN_SERIES);
    Ok(Config {
        initramfs: initramfs::build(&kernel, &kit.guest, &[], &kit.all_files())?,
        kernel,
        disks,
        clock: Clock::Host,
        cpus: 2,
        possible_cpus: 2,
        memory: 1536,
        append: String::new(),
        console: folder.join(format!("{NAME}-{when}.console")),
        show_console: false,
    })
}
