//! What runs inside a test machine.
//!
//! One static binary with several names: `/init` (process 1), `host` (asks
//! the hypervisor to grow or throttle a disk).

mod agent;
pub mod hypervisor;
mod init;

pub use init::BOOT_MODULES;

use std::{path::Path, process::ExitCode};

use anyhow::{Result, bail};

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
        Some("init") if rustix::process::getpid().is_init() => init::run(),
        Some("host") => {
            println!("{}", hypervisor::ask(&args.join(" "))?);
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("this program runs inside a test machine only (`cargo xtask vm`)"),
    }
}
