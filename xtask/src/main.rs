//! What a contributor does, without shell scripts: `cargo xtask --help`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use xtask::host::{bench, build, build_ebpf, demo, dist, fuzz, test, vm};

#[derive(Parser)]
#[command(name = "cargo xtask", about, version)]
enum Command {
    Bench(bench::BenchArgs),
    /// Build the kernel programs and put the object into the repository
    BuildEbpf,
    Demo(demo::DemoArgs),
    /// Build one static binary for a node, target/dist/volprobe
    Dist,
    Fuzz(fuzz::FuzzArgs),
    Test(test::TestArgs),
    Vm(vm::VmArgs),
}

fn main() -> ExitCode {
    if let Some(code) = build_ebpf::become_rustc() {
        return code;
    }
    let outcome: Result<ExitCode> = match Command::parse() {
        Command::Bench(args) => bench::run(&args),
        Command::BuildEbpf => build::workspace()
            .and_then(|root| build_ebpf::build(&root))
            .map(|()| ExitCode::SUCCESS),
        Command::Demo(args) => demo::run(&args),
        Command::Dist => dist::run(),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Vm(args) => vm::run(&args),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}
