//! `cargo xtask test`: everything that must hold.

use std::{
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use anyhow::{Context, Result};
use clap::Args;

use super::{
    apt, build,
    build_ebpf::{self, Compared},
    dist, drift,
    initramfs::HostFile,
    kernels, power_cut, progress, python, readme,
    scenarios::{self, Kit},
    tally::{Tally, Verdict},
};

/// Everything that must hold: formatting, lints, unit and property tests, the
/// eBPF object, and the product on real kernels in virtual machines.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Leave the virtual machines out.
    #[arg(long)]
    pub no_vm: bool,
    /// Only these kernel series (may be given several times; all by default).
    #[arg(long, value_name = "SERIES", conflicts_with = "no_vm")]
    pub kernel: Vec<String>,
    /// Only the VM tests whose name contains this, or one of several, and nothing
    /// else.
    #[arg(
        long,
        value_name = "TEXT,…",
        value_delimiter = ',',
        conflicts_with = "no_vm"
    )]
    pub scenario: Vec<String>,
}

/// Runs `cargo xtask test`.
pub fn run(args: &TestArgs) -> Result<ExitCode> {
    let series: Vec<&str> = if args.kernel.is_empty() {
        kernels::SERIES.to_vec()
    } else {
        args.kernel.iter().map(String::as_str).collect()
    };
    let tally = Tally::default();
    let everything = args.scenario.is_empty();
    if everything {
        step(
            &tally,
            "fmt",
            build::cargo()?.args(["fmt", "--all", "--check"]),
        );
        step(
            &tally,
            "fmt-ebpf",
            build::cargo()?
                .args(["fmt", "--check", "--manifest-path"])
                .arg("probe-ebpf/Cargo.toml"),
        );
        step(
            &tally,
            "clippy",
            build::cargo()?
                .args(["clippy", "--quiet", "--workspace", "--all-targets"])
                .args(["--", "-D", "warnings"]),
        );
        dependencies(&tally)?;
        unit_tests(&tally)?;
        second_reader(&tally)?;
        ebpf_object(&tally)?;
    }
    if !args.no_vm {
        vm_tests(&series, &args.scenario, &tally)?;
        if everything {
            readme_commands(&tally)?;
        }
    }
    Ok(if tally.finish() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// One command that is a test by itself.
fn step(tally: &Tally, name: &str, command: &mut Command) {
    progress(format_args!("{name} …"));
    let start = Instant::now();
    let verdict = match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Verdict::Passed,
        Ok(output) => Verdict::Failed(format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )),
        Err(error) => Verdict::Failed(error.to_string()),
    };
    tally.add_timed(name, verdict, start.elapsed().as_secs_f64());
}

/// Licences and origins of what is depended on (`deny.toml`). Known
/// vulnerabilities are not asked for: that takes the network.
fn dependencies(tally: &Tally) -> Result<()> {
    let installed = build::cargo()?
        .args(["deny", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    for (name, manifest) in [
        ("deny", "Cargo.toml"),
        ("deny-ebpf", "probe-ebpf/Cargo.toml"),
    ] {
        if !installed {
            Tally::skip(name, "cargo-deny is not installed (docs/build.md)");
            continue;
        }
        step(
            tally,
            name,
            build::cargo()?
                .args(["deny", "--config", "deny.toml", "--manifest-path", manifest])
                .args(["check", "licenses", "bans", "sources"]),
        );
    }
    Ok(())
}

/// `cargo test`, whose tests count one by one.
fn unit_tests(tally: &Tally) -> Result<()> {
    progress("unit and property tests …");
    cargo_test(
        tally,
        build::cargo()?.args(["test", "--workspace", "--no-fail-fast"]),
    )
}

/// The recording as another implementation of its specification reads it, and
/// exports as other tools do.
fn second_reader(tally: &Tally) -> Result<()> {
    progress("reading recordings with Python …");
    let requirements = build::workspace()?.join("probe-user/tests/second_reader/requirements.txt");
    match python::with(&requirements) {
        Ok(python) => cargo_test(
            tally,
            build::cargo()?
                .env("VOLPROBE_TEST_PYTHON", python)
                .args(["test", "--package", "volprobe", "--lib"])
                .args([
                    "--",
                    "--ignored",
                    "session::tests::second_reader",
                    "export::tests",
                ]),
        ),
        Err(error) => {
            tally.add("second-reader", Verdict::Failed(format!("{error:#}")));
            Ok(())
        }
    }
}

/// A run of `cargo test`.
fn cargo_test(tally: &Tally, command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    let (passed, failed) = count(&text);
    tally.add_counted(passed, failed);
    if !output.status.success() && failed == 0 {
        tally.add("cargo test", Verdict::Failed(format!("{}", output.status)));
    }
    if output.status.success() && passed == 0 {
        tally.add("cargo test", Verdict::Failed("it ran no test".to_owned()));
    }
    Ok(())
}

/// The committed eBPF object is the one of its sources.
fn ebpf_object(tally: &Tally) -> Result<()> {
    progress("rebuilding the eBPF object …");
    let start = Instant::now();
    let verdict = match build_ebpf::check(&build::workspace()?) {
        Ok(Compared::Equal) => Verdict::Passed,
        Ok(Compared::OtherToolchain(difference)) => {
            // Whether it loads is for the VM tests to show.
            println!("the eBPF object builds; not compared: {difference}");
            Verdict::Passed
        }
        Err(error) => Verdict::Failed(format!("{error:#}")),
    };
    tally.add_timed("ebpf-object", verdict, start.elapsed().as_secs_f64());
    Ok(())
}

/// Sums the `test result:` lines of a run: passed and failed.
fn count(text: &str) -> (u64, u64) {
    let mut sums = (0, 0);
    for line in text
        .lines()
        .filter_map(|line| line.strip_prefix("test result: "))
    {
        let words: Vec<&str> = line.split_whitespace().collect();
        for pair in words.windows(2) {
            let number: u64 = pair[0].parse().unwrap_or(0);
            match pair[1] {
                "passed;" => sums.0 += number,
                "failed;" => sums.1 += number,
                _ => {}
            }
        }
    }
    sums
}

fn vm_tests(series: &[&str], filters: &[String], tally: &Tally) -> Result<()> {
    // What is tested is what is shipped; who tries one scenario after another
    // is better served by a build that takes seconds.
    let volprobe = if filters.is_empty() {
        dist::build()
    } else {
        build::static_binary("volprobe", "volprobe", build::VM_PROFILE)
    };
    match volprobe.and_then(kit) {
        Ok(kit) => {
            scenarios::run(series, filters, &kit, tally);
            power_cut::run(series, filters, &kit, tally);
            if scenarios::leave_any(filters) {
                drift::check(series, &kit, tally)?;
            }
        }
        Err(error) => tally.add("vm", Verdict::Failed(format!("{error:#}"))),
    }
    Ok(())
}

/// The commands of the README, as they stand there.
fn readme_commands(tally: &Tally) -> Result<()> {
    let root = build::workspace()?;
    match readme::commands(&root) {
        Ok(commands) => {
            for line in commands {
                step(
                    tally,
                    &format!("readme: {line}"),
                    &mut readme::shell(&root, line),
                );
            }
        }
        Err(error) => tally.add("readme", Verdict::Failed(format!("{error:#}"))),
    }
    Ok(())
}

/// Builds what goes into the machines.
fn kit(volprobe: PathBuf) -> Result<Kit> {
    apt::ensure(&[apt::VM_NEEDS, apt::TEST_NEEDS].concat())?;
    progress("building the guest program, static …");
    let guest = build::static_binary("xtask", "guest", build::VM_PROFILE)?;
    let file = |from, to: &str| HostFile {
        from,
        to: to.to_owned(),
    };
    let files = vec![file(build::go_program()?, "/usr/bin/gocopy")];
    Ok(Kit {
        guest,
        volprobe,
        files,
    })
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn results_are_summed() {
        let text = "running 2 tests\ntest result: ok. 2 passed; 0 failed; 0 ignored\n\
                    test a ... ok\ntest result: FAILED. 5 passed; 1 failed; 0 ignored\n";
        assert_eq!(count(text), (7, 1));
        assert_eq!(count(""), (0, 0));
    }
}
