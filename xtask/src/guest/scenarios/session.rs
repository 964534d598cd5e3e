//! Recordings and live views as such: how they start, end, and what they leave out.
//! What they endure is in `endure`.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::guest::{
    recorder::{Recording, volprobe},
    report::{Report, has, sum},
    stage::Stage,
    tool, wait_until,
};

const GIB: u64 = 1 << 30;

/// `record -- CMD` ends with the command, and with its exit status.
pub(super) fn of_a_command(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    let file = stage.dir.join("recording.vprec");
    let file_name = file.to_string_lossy();
    let line = format!(
        "cp /usr/bin/busybox {0}/a; cp {0}/a {0}/b; exit 7",
        at.display()
    );
    let done = volprobe(&["record", "-o", &file_name, "--", "sh", "-c", &line])?;
    ensure!(done.code == Some(7), "exit code {:?}", done.code);
    ensure!(
        done.stderr
            .lines()
            .any(|line| line.starts_with("volprobe: recording")),
        "no readiness line in {:?}",
        done.stderr
    );
    ensure!(done.stdout.is_empty(), "data on stdout: {:?}", done.stdout);
    let report = Report::of(&file)?;
    report.complete()?;
    let copies = report.rows("copy")?;
    let spliced: Vec<&Value> = copies
        .iter()
        .filter(|row| {
            row["src"] == disk.name && row["dst"] == disk.name && row["route"] == "splice"
        })
        .collect();
    let size = std::fs::metadata("/usr/bin/busybox")?.len();
    ensure!(
        sum(spliced, "bytes_copied")? == size,
        "not {size} bytes: {copies:?}"
    );
    // Neither is a recording written over another.
    let again = volprobe(&["record", "-o", &file_name, "--", "true"])?;
    ensure!(again.code == Some(2), "it overwrote a recording: {again:?}");
    Ok(())
}

/// SIGTERM and `--duration` end a recording as Ctrl-C does.
pub(super) fn ends(stage: &mut Stage) -> Result<()> {
    for (signal, name) in [(Signal::TERM, "term.vprec"), (Signal::HUP, "hup.vprec")] {
        let file = stage.dir.join(name);
        let recording = Recording::start_into(&file, &[])?;
        recording.signal(signal)?;
        recording.wait()?;
        Report::of(&file)?.complete()?;
    }
    let file = stage.dir.join("short.vprec");
    let done = volprobe(&["record", "-o", &file.to_string_lossy(), "--duration", "2s"])?;
    ensure!(done.code == Some(0), "exit code {:?}", done.code);
    let report = Report::of(&file)?;
    report.complete()?;
    let lasted = report.0["session"]["duration_ns"]
        .as_u64()
        .context("no duration")?;
    ensure!(lasted >= 2_000_000_000, "it lasted {lasted} ns");
    ensure!(lasted < 10_000_000_000, "it lasted {lasted} ns");
    Ok(())
}

/// Every probe that can be triggered without harm is, and arrives; of the others
/// the report says why not.
pub(super) fn self_test(stage: &mut Stage) -> Result<()> {
    let (ext4, xfs) = (stage.disk(GIB)?, stage.disk(GIB)?);
    let at = stage.ext4(&ext4)?;
    stage.xfs(&xfs)?;
    // Read-ahead needs a binary on a disk, which the test machine's is not.
    let program = at.join("volprobe");
    let program = program.to_string_lossy();
    tool::ok(&["cp", "/usr/bin/volprobe", &program])?;
    tool::shell("sync")?;
    let file = stage.dir.join("recording.vprec");
    let all = "copy,copy-entry,readahead,resize,capacity,exec,config";
    tool::ok(&[
        &program,
        "record",
        "-o",
        &file.to_string_lossy(),
        "--probe",
        all,
        "--duration",
        "1s",
    ])?;
    let report = Report::of(&file)?;
    for probe in report.probes()? {
        let name = probe["name"].as_str().unwrap_or_default();
        let result = probe["self_test"].as_str().unwrap_or_default();
        let as_expected = match name {
            "capacity" | "config" => result.starts_with("not_possible: it would"),
            _ => result == "passed",
        };
        ensure!(
            as_expected,
            "the self-test of {name}: {result:?} in {probe}"
        );
    }
    // What it did is in no count and no timeline.
    for table in ["copy", "readahead", "top", "timeline"] {
        let rows = report.rows(table)?;
        ensure!(rows.is_empty(), "{table} of nothing: {rows:?}");
    }
    Ok(())
}

/// `live`, line by line and as JSON.
pub(super) fn live(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    let at = at.to_string_lossy();
    for form in ["--json", "--plain"] {
        let said = tool::shell(&format!(
            "volprobe live {form} --duration 5s 2>live.err >live.out & pid=$!; \
             until grep -q '^volprobe: recording' live.err; do sleep 0.2; \
             kill -0 $pid || {{ cat live.err; exit 1; }}; done; \
             copyload {at} /tmp/stage 2 20 >/dev/null; wait $pid; cat live.out"
        ))?;
        ensure!(!said.trim().is_empty(), "live {form} said nothing");
        ensure!(said.contains(&disk.name), "{} is not in {said}", disk.name);
        if form == "--json" {
            for line in said.lines() {
                let tick: Value = serde_json::from_str(line).context("a tick is not JSON")?;
                ensure!(
                    tick["schema"] == json!("volprobe.tick/1"),
                    "schema in {line}"
                );
            }
        }
    }
    Ok(())
}

/// `live` attributes a copy while it happens as a report does afterwards: to its
/// route, to the readahead inside, to time on and off the processor, to a process.
pub(super) fn live_attribution(stage: &mut Stage) -> Result<()> {
    const SIZE: u64 = 16 << 20;
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    let at = at.to_string_lossy();
    tool::shell(&format!(
        "dd if=/dev/zero of={at}/from bs=1M count={} 2>&1; sync; echo 3 > /proc/sys/vm/drop_caches",
        SIZE >> 20
    ))?;
    let said = tool::shell(&format!(
        "volprobe live --json --duration 5s 2>live.err >live.out & pid=$!; \
         until grep -q '^volprobe: recording' live.err; do sleep 0.2; \
         kill -0 $pid || {{ cat live.err; exit 1; }}; done; \
         cp {at}/from {at}/to; wait $pid; cat live.out"
    ))?;
    let ticks = said
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<Vec<Value>, _>>()?;
    let rows = |member: &str| -> Vec<&Value> {
        let rows = ticks.iter().filter_map(|tick| tick[member].as_array());
        let on_disk = rows.flatten().filter(|row| row["src"] == disk.name);
        on_disk.collect()
    };
    let mut copied = rows("copy");
    copied.retain(|row| row["route"] == "splice");
    let total = |path: &str| sum(copied.iter().copied(), path);
    ensure!(total("bytes_copied")? == SIZE, "{copied:?}");
    ensure!(total("readahead.pages")? == SIZE / 4096, "{copied:?}");
    let latency = total("latency_ns.mean")?;
    let (on, off) = (total("on_cpu_ns")?, total("off_cpu_ns")?);
    ensure!(
        on > 0 && on + off <= latency,
        "{on} + {off} of {latency} ns"
    );
    for row in &copied {
        let why = row["why_not_better"].as_str().unwrap_or_default();
        ensure!(why.starts_with("ext4 shares no blocks"), "{row}");
    }
    let by_cp = rows("top").into_iter().filter(|row| row["comm"] == "cp");
    let bytes = sum(by_cp, "bytes")?;
    ensure!(bytes == SIZE, "{bytes} by cp in {said}");
    Ok(())
}

/// `live` says what it finds, once, while it runs.
pub(super) fn live_findings(stage: &mut Stage) -> Result<()> {
    let (early, unused) = ("resize/no-op-before-capacity", "resize/fs-not-grown");
    for (form, tool, rule) in [
        ("--plain", "resize2fs", early),
        ("--json", "resize2fs", early),
        ("--plain --unused-after 4s", ": no", unused),
    ] {
        let disk = stage.disk(GIB / 2)?;
        stage.ext4(&disk)?;
        tool::shell(&format!(
            "volprobe live {form} --duration 1h 2>live.err >live.out & echo $! >live.pid; \
             until grep -q '^volprobe: recording' live.err; do sleep 0.2; \
             kill -0 $(cat live.pid) || {{ cat live.err; exit 1; }}; done; \
             {tool} {}",
            disk.node
        ))?;
        disk.grow(GIB)?;
        let told = || -> Result<Vec<String>> {
            let out = std::fs::read_to_string(stage.dir.join("live.out"))?;
            Ok(match form {
                "--json" => findings_of_ticks(&out),
                _ => findings_of_lines(&out),
            })
        };
        let expected = [format!("{rule} {}", disk.name)];
        wait_until("the finding is told", || Ok(told()? == expected))?;
        // Ended, it does not say it again.
        tool::shell(
            "kill -INT $(cat live.pid); while kill -0 $(cat live.pid); do sleep 0.1; done 2>/dev/null",
        )?;
        ensure!(told()? == expected, "{form} told {:?}", told()?);
    }
    Ok(())
}

/// Rule and device of each finding told in lines.
fn findings_of_lines(out: &str) -> Vec<String> {
    let lines = out.lines().filter_map(|line| {
        let (_, told) = line.split_once("  finding ")?;
        Some(told.split_once(": ")?.0.trim().to_owned())
    });
    lines.collect()
}

/// Rule and device of each finding told in ticks.
fn findings_of_ticks(out: &str) -> Vec<String> {
    let ticks = out
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let findings = ticks.flat_map(|tick| tick["findings"].as_array().cloned().unwrap_or_default());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    findings
        .map(|finding| format!("{} {}", text(&finding["rule"]), text(&finding["device"])))
        .collect()
}

/// Without BPF: the sizes of the layers as they are now, and what is wrong
/// with them.
pub(super) fn volumes(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB / 2)?;
    stage.ext4(&disk)?;
    disk.grow(GIB)?;
    let ask = |code: i32| -> Result<Value> {
        let done = volprobe(&["volumes", "--json", "--exit-code"])?;
        ensure!(
            done.code == Some(code),
            "exit code {:?}, not {code}",
            done.code
        );
        Ok(serde_json::from_str(&done.stdout)?)
    };
    let before = ask(1)?;
    ensure!(
        before["schema"] == "volprobe.volumes/1",
        "schema {}",
        before["schema"]
    );
    let volume = |json: &Value| -> Value {
        let rows = json["volumes"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        rows.iter()
            .find(|row| row["device"] == disk.name)
            .cloned()
            .unwrap_or_default()
    };
    let row = volume(&before);
    has(
        &row,
        &[("sizes.device", json!(GIB)), ("sizes.fs", json!(GIB / 2))],
    )?;
    ensure!(
        row["findings"] == json!(["resize/fs-not-grown"]),
        "findings of {row}"
    );
    let save = |name: &str| volprobe(&["volumes", "--save", name]);
    save("before.vprec")?;
    tool::ok(&["resize2fs", &disk.node])?;
    has(
        &volume(&ask(0)?),
        &[("sizes.fs", json!(GIB)), ("findings", json!([]))],
    )?;
    save("after.vprec")?;
    // What was saved is a recording as any other.
    let read = |words: &[&str]| -> Result<Value> {
        let done = volprobe(&[words, &["--json"]].concat())?;
        ensure!(done.code == Some(0), "{words:?}: {}", done.stderr);
        Ok(serde_json::from_str(&done.stdout)?)
    };
    for (file, verdict) in [
        ("before.vprec", "resize/fs-not-grown"),
        ("after.vprec", "resize/ok"),
    ] {
        let correlated = read(&["correlate", file])?;
        let rows = correlated["correlation"].as_array().context("no rows")?;
        let own = rows.iter().find(|row| row["device"] == disk.name);
        let expected = [("verdict", json!(verdict)), ("confidence", json!("likely"))];
        has(own.context("no row of the disk")?, &expected)?;
    }
    let diff = read(&["diff", "before.vprec", "after.vprec"])?;
    let gone = diff["findings"]["only_a"]
        .as_array()
        .context("no findings")?;
    ensure!(
        gone.iter()
            .any(|f| f["rule"] == "resize/fs-not-grown" && f["device"] == disk.name),
        "diff says {diff}"
    );
    Ok(())
}

/// More series than there is room for: nothing is lost but whose it was, and the
/// kernel's programs say so where they are asked to.
pub(super) fn many_series(stage: &mut Stage) -> Result<()> {
    /// Each copies in three ways: a clone that is refused, a copy, and a call
    /// that finds the end.
    const CGROUPS: u64 = 400;
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    std::fs::write(at.join("from"), [7; 4096])?;
    let recording = Recording::start(stage, &["--kernel-log"])?;
    tool::shell(&format!(
        "for i in $(seq {CGROUPS}); do mkdir /sys/fs/cgroup/box$i; \
         echo 0 > /sys/fs/cgroup/box$i/cgroup.procs; cp {0}/from {0}/to; done; \
         echo 0 > /sys/fs/cgroup/cgroup.procs; \
         for i in $(seq {CGROUPS}); do rmdir /sys/fs/cgroup/box$i; done",
        at.display()
    ))?;
    std::thread::sleep(Duration::from_secs(2));
    let said = recording.stderr();
    let report = recording.stop()?;
    let completeness = &report.0["completeness"];
    ensure!(
        completeness["complete"] == false
            && completeness["series_overflow"]
                .as_u64()
                .is_some_and(|count| count > 0),
        "no overflow: {completeness}"
    );
    let counted = sum(report.rows("copy")?, "calls")?;
    ensure!(counted == 3 * CGROUPS, "{counted} of 3 × {CGROUPS}");
    let copied = sum(report.rows("copy")?, "bytes_copied")?;
    ensure!(copied == 4096 * CGROUPS, "{copied} bytes");
    ensure!(
        said.contains("a loss of kind"),
        "the kernel's programs said nothing: {said}"
    );
    Ok(())
}
