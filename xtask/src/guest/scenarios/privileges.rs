//! Where the kernel or the privileges do not allow it: one clear message, exit 3.

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::guest::{
    recorder::{Recording, volprobe},
    report::Report,
    stage::Stage,
    tool,
};

const GIB: u64 = 1 << 30;

/// `doctor` knows this kernel, as root and as a user.
pub(super) fn doctor(_stage: &mut Stage) -> Result<()> {
    let done = volprobe(&["doctor", "--json"])?;
    ensure!(done.code == Some(0), "exit code {:?}", done.code);
    let json: Value = serde_json::from_str(&done.stdout)?;
    ensure!(
        json["schema"] == "volprobe.doctor/1",
        "schema {}",
        json["schema"]
    );
    let done = volprobe(&["doctor"])?;
    ensure!(done.code == Some(0), "exit code {:?}", done.code);
    let user = tool::run(&[
        "setpriv",
        "--reuid",
        "1000",
        "--clear-groups",
        "volprobe",
        "doctor",
    ])?;
    ensure!(
        user.stdout.contains("unknown (run as root)"),
        "a user is told {:?}",
        user.stdout
    );
    Ok(())
}

/// Without capabilities.
pub(super) fn no_capability(stage: &mut Stage) -> Result<()> {
    let dir = stage.dir.to_string_lossy();
    tool::ok(&["chmod", "777", &dir])?;
    let refused = tool::run(&[
        "setpriv",
        "--reuid",
        "1000",
        "--clear-groups",
        "volprobe",
        "record",
        "-o",
        "user.vprec",
    ])?;
    refusal(
        &refused,
        &["CAP_BPF and CAP_PERFMON missing", "run as root"],
    )?;
    let doctor = tool::run(&[
        "setpriv",
        "--reuid",
        "1000",
        "--clear-groups",
        "volprobe",
        "doctor",
    ])?;
    ensure!(
        doctor.code == Some(3),
        "doctor exits with {:?}",
        doctor.code
    );
    ensure!(
        doctor.stdout.contains("CAP_BPF and CAP_PERFMON missing"),
        "doctor says {:?}",
        doctor.stdout
    );
    Ok(())
}

/// Debian 13's default takes kprobes away from all but the administrator: it
/// changes nothing for root, and is named where only some capabilities are had.
pub(super) fn perf_event_paranoid(stage: &mut Stage) -> Result<()> {
    tool::shell("echo 3 > /proc/sys/kernel/perf_event_paranoid; modprobe xfs")?;
    let recording = Recording::start(stage, &[])?;
    let report = recording.stop()?;
    report.complete()?;
    for probe in report.probes()? {
        ensure!(
            probe["state"] != "failed" && probe["state"] != "partial",
            "{probe}"
        );
    }
    let file = stage.dir.join("some.vprec");
    let file = file.to_string_lossy();
    tool::ok(&["chmod", "777", &stage.dir.to_string_lossy()])?;
    let record = ["volprobe", "record", "-o", &file, "--duration", "1s"];
    let some = tool::run(&[&WITH_SOME_CAPABILITIES[..], &record].concat())?;
    ensure!(
        some.code == Some(0),
        "exit code {:?}: {}",
        some.code,
        some.stderr
    );
    let report = Report::of(&stage.dir.join("some.vprec"))?;
    let hooks = |name: &str| -> Result<Vec<Value>> {
        let hooks = report.probe(name)?["hooks"].as_array();
        Ok(hooks.cloned().unwrap_or_default())
    };
    let xfs: Vec<Value> = hooks("resize")?
        .into_iter()
        .filter(|hook| {
            hook["name"]
                .as_str()
                .is_some_and(|name| name.starts_with("xfs_"))
        })
        .collect();
    let reason = |hook: &Value| hook["reason"].as_str().unwrap_or_default().to_owned();
    ensure!(!xfs.is_empty(), "no hooks of xfs");
    ensure!(
        xfs.iter().all(|hook| hook["state"] != "attached"
            && reason(hook).contains("kernel.perf_event_paranoid is 3")),
        "{xfs:?}"
    );
    ensure!(
        hooks("copy")?
            .iter()
            .any(|hook| hook["how"] == "fentry" && hook["state"] == "attached"),
        "copies need no kprobe: {:?}",
        hooks("copy")?
    );
    let doctor = tool::run(&[&WITH_SOME_CAPABILITIES[..], &["volprobe", "doctor"]].concat())?;
    ensure!(
        doctor
            .stdout
            .contains("Debian's kernel then allows kprobes to CAP_SYS_ADMIN only"),
        "doctor says {:?}",
        doctor.stdout
    );
    Ok(())
}

/// A user with what tracing needs on paper.
const WITH_SOME_CAPABILITIES: [&str; 6] = [
    "setpriv",
    "--reuid=1000",
    "--clear-groups",
    "--inh-caps=+bpf,+perfmon,+sys_ptrace,+dac_read_search,+syslog",
    "--ambient-caps=+bpf,+perfmon,+sys_ptrace,+dac_read_search,+syslog",
    "--",
];

/// Root of a user namespace, as in a rootless container, is nobody to BPF.
pub(super) fn user_namespace(_stage: &mut Stage) -> Result<()> {
    let inside = ["unshare", "--user", "--map-root-user", "--mount"];
    let refused =
        tool::run(&[&inside[..], &["volprobe", "record", "-o", "inside.vprec"]].concat())?;
    refusal(&refused, &["user namespace", "privileged container"])?;
    let doctor = tool::run(&[&inside[..], &["volprobe", "doctor"]].concat())?;
    ensure!(
        doctor.code == Some(3),
        "doctor exits with {:?}",
        doctor.code
    );
    ensure!(
        doctor
            .stdout
            .contains("one of its own: its capabilities do not reach BPF"),
        "doctor says {:?}",
        doctor.stdout
    );
    Ok(())
}

/// As in a debug pod of Kubernetes: mount, cgroup and UTS namespaces of its
/// own, and the node's root at `/host`. A private process namespace on top.
pub(super) fn container(stage: &mut Stage) -> Result<()> {
    let disk = stage.disk(GIB)?;
    let at = stage.ext4(&disk)?;
    tool::shell(
        "mkdir -p /mnt/host /sys/fs/cgroup/box; mount --rbind / /mnt/host; \
         cp /usr/bin/volprobe /tmp/stage/volprobe",
    )?;
    // Started and ended inside; the copies are made outside.
    let said = tool::shell(&format!(
        "( echo 0 > /sys/fs/cgroup/box/cgroup.procs; \
           exec unshare --mount --cgroup --uts --pid --fork \
           chroot /mnt/host /tmp/stage/volprobe record -o /tmp/stage/recording.vprec \
           --duration 8s ) 2>box.err & pid=$!; \
         until grep -q '^volprobe: recording' box.err; do sleep 0.2; \
         kill -0 $pid || {{ cat box.err; exit 1; }}; done 2>/dev/null; \
         copyload {} /tmp/stage 2 20; wait $pid; cat box.err >&2",
        at.display()
    ))?;
    let truth: crate::guest::copyload::Truth = serde_json::from_str(said.trim())?;
    let report = Report::of(&stage.dir.join("recording.vprec"))?;
    report.copies_add_up(truth.calls())?;
    let rows = report.rows("copy")?;
    ensure!(rows.iter().all(|row| row["src"] == disk.name), "{rows:?}");
    let inside = tool::run(&["unshare", "--cgroup", "volprobe", "doctor"])?;
    ensure!(
        inside.stdout.contains("a cgroup namespace of its own"),
        "doctor says no word of the cgroup namespace: {:?}",
        inside.stdout
    );
    Ok(())
}

/// A kernel locked down to confidentiality refuses what tracing needs.
pub(super) fn lockdown(_stage: &mut Stage) -> Result<()> {
    tool::shell("echo confidentiality > /sys/kernel/security/lockdown")?;
    let done = volprobe(&["record", "-o", "locked.vprec"])?;
    refusal(&done, &["lockdown"])?;
    let done = volprobe(&["doctor"])?;
    ensure!(done.code == Some(3), "doctor exits with {:?}", done.code);
    ensure!(
        done.stdout.contains("lockdown"),
        "doctor says {:?}",
        done.stdout
    );
    Ok(())
}

/// Exit 3, and a message that names the cause.
pub(super) fn refusal(done: &tool::Done, words: &[&str]) -> Result<()> {
    ensure!(done.code == Some(3), "exit code {:?}, not 3", done.code);
    ensure!(done.stdout.is_empty(), "on stdout: {:?}", done.stdout);
    for word in words {
        ensure!(
            done.stderr.contains(word),
            "{word:?} is not in {:?}",
            done.stderr
        );
    }
    Ok(())
}
