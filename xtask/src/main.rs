//! What a contributor does, without shell scripts: `cargo xtask --help`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use xtask::host::vm;

#[derive(Parser)]
#[command(name = "cargo xtask", about, version)]
enum Command {
    Vm(vm::VmArgs),
}

fn main() -> ExitCode {
    let outcome: Result<ExitCode> = match Command::parse() {
        Command::Vm(args) => vm::run(&args),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}
