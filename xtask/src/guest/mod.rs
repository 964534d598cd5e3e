//! What runs inside a test machine.
//!
//! One static binary with several names: `/init` (process 1), `host` (asks
//! the hypervisor to grow or throttle a disk), `copyload` (a workload that
//! knows its own counts), `bench` (what `cargo xtask bench` measures), `demo` (what `cargo xtask demo` plays), `power-cut`
//! (what a machine does before and after it), `scenario` (one test).

mod agent;
pub mod bench;
mod copyload;
mod correlation;
mod demo;
mod hypervisor;
mod init;
mod nfs;
mod outside;
mod power_cut;
mod recorder;
mod report;
pub mod scenarios;
mod slow_copy;
pub mod stage;
mod tool;

use std::{path::Path, process::ExitCode};

use anyhow::{Result, bail};

pub use init::BOOT_MODULES;
pub use power_cut::TRUTH as POWER_CUT_TRUTH;

/// The names besides `init` by which the program can be called.
pub const NAMES: &[&str] = &["host", "bench", "copyload", "demo", "power-cut", "scenario"];

/// Does what the name it was called by says.
pub fn main() -> ExitCode {
    let mut args = std::env::args();
    let name = args.next().unwrap_or_default();
    let args: Vec<String> = args.collect();
    match run(&name, &args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str, args: &[String]) -> Result<ExitCode> {
    match Path::new(name).file_name().and_then(|name| name.to_str()) {
        Some("init") if rustix::process::getpid().is_init() => return init::run(),
        Some("host") => println!("{}", hypervisor::ask(&args.join(" "))?),
        Some("bench") => bench::run(args)?,
        Some("copyload") => copyload::run(args)?,
        Some("demo") => demo::run(args)?,
        Some("power-cut") => power_cut::run(args)?,
        Some("scenario") => scenarios::run(args)?,
        _ => bail!("this program runs inside a test machine only (`cargo xtask vm`)"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits until `condition` holds, for half a minute at most.
fn wait_until(what: &str, mut condition: impl FnMut() -> Result<bool>) -> Result<()> {
    for _ in 0..600 {
        if condition()? {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    bail!("waited in vain until {what}")
}
