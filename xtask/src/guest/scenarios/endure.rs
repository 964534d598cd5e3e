//! What a recording endures, and what it says of it: kills, disks that fail, clocks
//! that are set, a machine that sleeps, more than there is room or time for.

use std::{
    fs::{self, File},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use rustix::{
    process::Signal,
    time::{ClockId, clock_gettime},
};
use serde_json::Value;

use super::resize::resize_call;
use crate::guest::{
    copyload::Truth,
    recorder::Recording,
    report::{Report, number, sum},
    stage::Stage,
    tool,
};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// Killed outright: the file tells up to where it goes.
pub(super) fn killed(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    let recording = Recording::start(stage, &[])?;
    let said = tool::ok(&["copyload", &at.to_string_lossy(), "/tmp/stage", "2", "20"])?;
    let truth: Truth = serde_json::from_str(&said)?;
    // More than a flush interval.
    std::thread::sleep(Duration::from_secs(3));
    let report = recording.kill()?;
    let completeness = &report.0["completeness"];
    ensure!(
        completeness["complete"] == false,
        "complete: {completeness}"
    );
    ensure!(
        completeness["truncated"] == true,
        "not truncated: {completeness}"
    );
    report.copies_add_up(truth.calls())?;
    Ok(())
}

/// The file system stops where it stands, and forgets what it had not written:
/// what a power cut leaves. Mounted again, the recording reads up to its last sync.
pub(super) fn cut_off(stage: &mut Stage) -> Result<()> {
    for kind in ["ext4", "xfs"] {
        let (studied, own) = (stage.disk(GIB)?, stage.disk(GIB)?);
        let load = stage.ext4(&studied)?;
        let at = match kind {
            "xfs" => stage.xfs(&own)?,
            _ => stage.ext4(&own)?,
        };
        let file = at.join("recording.vprec");
        let recording = Recording::start_into(&file, &[])?;
        let said = tool::ok(&["copyload", &load.to_string_lossy(), "/tmp/stage", "2", "20"])?;
        let truth: Truth = serde_json::from_str(&said)?;
        // More than the time between two syncs, and a flush.
        std::thread::sleep(Duration::from_secs(6));
        let at = at.to_string_lossy();
        tool::ok(&["xfs_io", "-x", "-c", "shutdown", &at])?;
        // It notices at its next flush, and takes its probes off.
        let said = recording.fails()?;
        ensure!(
            said.contains("cannot write"),
            "{kind}: it did not say that it cannot write: {said}"
        );
        tool::ok(&["umount", &at])?;
        tool::ok(&["mount", &own.node, &at])?;
        let report = Report::of(&file)?;
        let completeness = &report.0["completeness"];
        ensure!(
            completeness["complete"] == false && completeness["truncated"] == true,
            "{kind}: {completeness}"
        );
        let missed = report.probe("copy")?["missed_runs"].as_u64().unwrap_or(0);
        let on_disk = report
            .rows("copy")?
            .iter()
            .filter(|row| row["src"] == studied.name);
        let counted = sum(on_disk, "calls")?;
        ensure!(
            counted + missed == truth.calls(),
            "{kind}: {counted} + {missed} of {}",
            truth.calls()
        );
    }
    Ok(())
}

/// Where a recording lies becomes full, read-only, or is not there any more: each
/// is told, and what was written before can be read.
pub(super) fn bad_places(stage: &mut Stage) -> Result<()> {
    let (full, read_only, unmounted) = (
        stage.disk(64 * MIB)?,
        stage.disk(64 * MIB)?,
        stage.disk(64 * MIB)?,
    );
    let at = stage.ext4(&full)?;
    tool::shell(&format!(
        "dd if=/dev/zero of={}/ballast bs=64k 2>&1 || true",
        at.display()
    ))?;
    let ballast = File::options().write(true).open(at.join("ballast"))?;
    ballast.set_len(ballast.metadata()?.len() - 200 * 1024)?;
    ballast.sync_all()?;
    let file = at.join("recording.vprec");
    let mut recording = Recording::start_into(&file, &["--probe", "exec", "--tool", "busybox"])?;
    // Arguments that do not compress, until there is no room for more.
    let noise = "busybox true $(head -c 300 /dev/urandom | od -An -tx1)";
    while !recording.has_ended()? {
        Command::new("sh").args(["-c", noise]).status()?;
    }
    let said = recording.fails()?;
    ensure!(said.contains("the disk is full"), "not full: {said}");
    let completeness = Report::of(&file)?.0["completeness"].clone();
    ensure!(
        completeness["ended"] == "disk full" && completeness["damaged_frames"] == 0,
        "on a full disk: {completeness}"
    );

    let at = stage.ext4(&read_only)?;
    let file = at.join("recording.vprec");
    let recording = Recording::start_into(&file, &["--probe", "exec"])?;
    // No other way makes a file system read-only that is being written to.
    fs::write("/proc/sysrq-trigger", "u")?;
    let said = recording.fails()?;
    ensure!(
        said.contains("cannot write") && said.contains("Read-only"),
        "not read-only: {said}"
    );
    let completeness = Report::of(&file)?.0["completeness"].clone();
    ensure!(
        completeness["truncated"] == true && completeness["damaged_frames"] == 0,
        "read-only: {completeness}"
    );

    let folder = stage.dir.join("folder");
    fs::create_dir(&folder)?;
    let recording = Recording::start_into(&folder.join("a.vprec"), &["--probe", "exec"])?;
    fs::remove_dir_all(&folder)?;
    let said = recording.fails()?;
    ensure!(said.contains("was removed"), "not removed: {said}");

    // It cannot be seen any more, and is all there nevertheless.
    let at = stage.ext4(&unmounted)?;
    let recording = Recording::start_into(&at.join("recording.vprec"), &["--probe", "exec"])?;
    tool::ok(&["umount", "-l", &at.to_string_lossy()])?;
    tool::ok(&["dumpe2fs", "-h", &unmounted.node])?;
    recording.stop_only()?;
    let at = stage.mount(&unmounted.name, &unmounted.node)?;
    let report = Report::of(&at.join("recording.vprec"))?;
    report.complete()?.exit_of(&["dumpe2fs"]).map(drop)
}

/// The clock is set, forward and back: it is told how often, and every time is
/// right by the clock of that moment.
pub(super) fn clock_set(stage: &mut Stage) -> Result<()> {
    const SECOND: i64 = 1_000_000_000;
    let disk = stage.disk(64 * MIB)?;
    stage.ext4(&disk)?;
    let recording = Recording::start(stage, &[])?;
    let mut ran = Vec::new();
    let steps = [0, 3600, -7200, 3600];
    for step in steps {
        if step != 0 {
            let now = clock_gettime(ClockId::Realtime).tv_sec;
            tool::ok(&["date", "-s", &format!("@{}", now + step)])?;
        }
        // Time for an anchor on either side.
        std::thread::sleep(Duration::from_secs(3));
        let from = real_ns();
        tool::ok(&["dumpe2fs", "-h", &disk.node])?;
        ran.push((from, real_ns()));
        std::thread::sleep(Duration::from_secs(2));
    }
    let report = recording.stop()?;
    report.complete_but_for_missed_runs()?;
    let set = number(&report.0["clock"], "steps")?;
    ensure!(set == 3, "set {set} times: {}", report.0["clock"]);
    let exits = report.events("exec.exit")?;
    let exits: Vec<&&Value> = exits
        .iter()
        .filter(|exit| exit["detail"]["argv"][0] == "dumpe2fs")
        .collect();
    ensure!(exits.len() == ran.len(), "{} exits: {exits:?}", exits.len());
    // In the order in which they were, whatever the clock said.
    for (exit, (from, to)) in exits.iter().zip(ran) {
        let at = exit["t_ns"].as_i64().context("no time")?;
        ensure!(
            (from - SECOND..to + SECOND).contains(&at),
            "{at} is not within {from} .. {to}: {exit}"
        );
    }
    Ok(())
}

fn real_ns() -> i64 {
    let now = clock_gettime(ClockId::Realtime);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// The machine sleeps, and its recording goes on when it wakes.
pub(super) fn suspended(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    let recording = Recording::start(stage, &[])?;
    let work = || -> Result<u64> {
        let said = tool::ok(&["copyload", &at.to_string_lossy(), "/tmp/stage", "1", "5"])?;
        Ok(serde_json::from_str::<Truth>(&said)?.calls())
    };
    let before = work()?;
    let asleep = || -> Duration {
        let of = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
        of(ClockId::Boottime).saturating_sub(of(ClockId::Monotonic))
    };
    let awake_until = asleep();
    tool::shell(
        "echo 0 > /sys/class/rtc/rtc0/wakealarm; echo +4 > /sys/class/rtc/rtc0/wakealarm; \
         echo mem > /sys/power/state",
    )?;
    let slept = asleep().saturating_sub(awake_until);
    ensure!(slept > Duration::from_millis(500), "it slept {slept:?}");
    tool::ok(&["dumpe2fs", "-h", &disk.node])?;
    let after = work()?;
    let report = recording.stop()?;
    report
        .complete_but_for_missed_runs()?
        .exit_of(&["dumpe2fs"])?;
    report.copies_add_up(before + after)?;
    // Nobody set the clock, and the recording is as long as the night.
    let clock = &report.0["clock"];
    ensure!(number(clock, "steps")? == 0, "a step of the clock: {clock}");
    let lasted = number(&report.0["session"], "duration_ns")?;
    ensure!(
        u128::from(lasted) > slept.as_nanos(),
        "it lasted {lasted} ns, and slept {slept:?}"
    );
    Ok(())
}

/// More than fits one file goes on in the next: none is larger than it may be,
/// each can be read alone and says what it is, and together they are all.
pub(super) fn rotated(stage: &mut Stage) -> Result<()> {
    const BURSTS: u64 = 10;
    const CALLS: u64 = 5000;
    let (disk, refusing) = (stage.disk(GIB)?, stage.disk(64 * MIB)?);
    let at = stage.ext4(&disk)?;
    let refused = read_only(stage, &refusing)?;
    let file = stage.dir.join("recording.vprec");
    // Nor is a window larger than it may be, however seldom they are wanted.
    let options = ["--max-size", "1MiB", "--rotate", "20", "--flush", "10m"];
    let recording = Recording::start_into(&file, &options)?;
    let mut copies = 0;
    for _ in 0..BURSTS {
        let said = tool::ok(&["copyload", &at.to_string_lossy(), "/tmp/stage", "1", "2"])?;
        copies += serde_json::from_str::<Truth>(&said)?.calls();
        refuse(&refused, CALLS)?;
        std::thread::sleep(Duration::from_millis(500));
    }
    recording.stop_only()?;
    let mut parts = vec![file.clone()];
    for number in 1..20 {
        let part = PathBuf::from(format!("{}.{number}", file.display()));
        if part.exists() {
            parts.push(part);
        }
    }
    ensure!(parts.len() > 1, "{} parts", parts.len());
    let mut alone = 0;
    for (number, part) in parts.iter().enumerate() {
        let length = part.metadata()?.len();
        ensure!(length <= MIB, "{} has {length} bytes", part.display());
        let report = Report::of(part)?;
        let ended = &report.0["completeness"]["ended"];
        ensure!(
            (ended == "continued in the next file") == (number > 0),
            "{}: ended {ended}",
            part.display()
        );
        let earlier = parts.len() - 1 - number;
        ensure!(
            report.0["session"]["part"] == earlier,
            "{}: {}",
            part.display(),
            report.0["session"]
        );
        alone += sum(report.rows("copy")?, "calls")?;
    }
    // In whatever order they are given.
    parts.reverse();
    parts.rotate_left(1);
    let report = Report::of_all(&parts)?;
    // So many refusals are counted and not kept one by one: that is its one gap.
    let completeness = &report.0["completeness"];
    ensure!(
        completeness["truncated"] == false && completeness["damaged_frames"] == 0,
        "together: {completeness}"
    );
    let counted = report.copies_add_up(copies)?;
    ensure!(alone == counted, "{counted} of {copies}, alone {alone}");
    Ok(())
}

/// All that was done was seen or is counted as lost, when volprobe could not
/// keep up.
pub(super) fn loss(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(64 * MIB)?;
    let at = read_only(stage, &disk)?;
    let recording = Recording::start(stage, &[])?;
    recording.signal(Signal::STOP)?;
    refuse(&at, TOO_MANY)?;
    recording.signal(Signal::CONT)?;
    std::thread::sleep(Duration::from_secs(3));
    lost_and_told(&recording.stop()?, &disk.name)
}

/// The same when it is the disk of the recording that does not keep up; and
/// volprobe has no more memory for it than ever.
pub(super) fn slow_writer(stage: &mut Stage) -> Result<()> {
    const FIFREEZE: libc::Ioctl = 0xC004_5877;
    const FITHAW: libc::Ioctl = 0xC004_5878;
    let (disk, own) = (stage.disk(64 * MIB)?, stage.disk(GIB)?);
    let at = read_only(stage, &disk)?;
    let frozen = File::open(stage.ext4(&own)?)?;
    let told = |request| {
        // SAFETY: the descriptor is open, and the call reads no memory.
        let result = unsafe { libc::ioctl(frozen.as_raw_fd(), request, 0) };
        ensure!(result == 0, "{}", std::io::Error::last_os_error());
        Ok(())
    };
    let file = Path::new("/mnt").join(&own.name).join("recording.vprec");
    let recording = Recording::start_into(&file, &[])?;
    told(FIFREEZE)?;
    // By then it waits for its disk, with a flush in its hands.
    std::thread::sleep(Duration::from_secs(3));
    let calls = refuse(&at, TOO_MANY);
    let memory = recording.memory();
    told(FITHAW)?;
    calls?;
    let memory = memory?;
    ensure!(memory < 64 * MIB, "volprobe had {memory} bytes");
    std::thread::sleep(Duration::from_secs(3));
    lost_and_told(&recording.stop()?, &disk.name)
}

/// More calls than the ring buffer has room for: each is two records, its begin
/// and its end.
const TOO_MANY: u64 = 10_000;

/// An ext4 that refuses to be resized, in the one way of which the kernel says
/// nothing on its slow console.
fn read_only(stage: &Stage, disk: &crate::guest::stage::Disk) -> Result<PathBuf> {
    let at = stage.ext4(disk)?;
    tool::ok(&["mount", "-o", "remount,ro", &at.to_string_lossy()])?;
    Ok(at)
}

/// Each call asks for another size, and no two records of them are as one to a
/// compressor.
fn refuse(at: &Path, calls: u64) -> Result<()> {
    for call in 0..calls {
        let errno = resize_call(at, call.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16)?;
        ensure!(errno == libc::EROFS, "errno {errno}");
    }
    Ok(())
}

/// Records of resizes on a device that are in the report, and that are lost.
fn resizes(report: &Report, device: &str) -> Result<(u64, u64)> {
    let records = |row: &Value| {
        if row["detail"]["duration_ns"].is_null() {
            1
        } else {
            2
        }
    };
    let seen = report.events_on("fs.resize", device)?;
    let seen = seen.into_iter().map(records).sum();
    let lost = report.0["completeness"]["lost"].as_array();
    let lost = lost
        .into_iter()
        .flatten()
        .filter(|lost| lost["kind"] == "ring/resize")
        .filter_map(|lost| lost["count"].as_u64())
        .sum();
    Ok((seen, lost))
}

/// Something was seen and something lost, which together is all; and every view
/// says that something was lost.
fn lost_and_told(report: &Report, device: &str) -> Result<()> {
    let completeness = &report.0["completeness"];
    ensure!(
        completeness["complete"] == false,
        "nothing was lost: {completeness}"
    );
    let (seen, lost) = resizes(report, device)?;
    ensure!(
        seen > 0 && lost > 0,
        "{seen} seen, {lost} lost: {completeness}"
    );
    ensure!(
        seen + lost == 2 * TOO_MANY,
        "{seen} seen + {lost} lost of {TOO_MANY} × 2: {completeness}"
    );
    Ok(())
}
