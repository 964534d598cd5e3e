//! What `cargo xtask bench` measures, in a machine in which an instruction is
//! a nanosecond.
//!
//! - [`counter`]: counting instructions
//! - [`compare`]: a workload under every tracer
//! - [`tracer`]: volprobe and what it is compared with, one at a time
//! - [`floor`]: the least that any tracer costs
//! - one file a workload

mod compare;
mod copy;
mod counter;
mod floor;
mod loader;
mod profile;
mod readahead;
mod startup;
mod tracer;

pub use loader::{Idle, Loader};
pub use profile::Profile;
pub use startup::Startup;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

/// What a workload costs under one tracer; the first of a list is under none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cost {
    /// Name of the tracer.
    pub tracer: String,
    /// Instructions of one operation of the workload, with the tracer; `None` if
    /// it cannot run on this kernel.
    pub instructions: Option<u64>,
}

/// Measures what the arguments say, and prints it as JSON.
pub(super) fn run(args: &[String]) -> Result<()> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let found = match words.as_slice() {
        ["copy", threads] => serde_json::to_string(&copy::costs(threads.parse()?)?),
        ["readahead", threads] => serde_json::to_string(&readahead::costs(threads.parse()?)?),
        ["loader"] => serde_json::to_string(&loader::measure()?),
        ["stamp"] => return loader::stamp(),
        ["profile", "copy"] => serde_json::to_string(&copy::profile()?),
        ["profile", "readahead"] => serde_json::to_string(&readahead::profile()?),
        _ => bail!("usage: bench [profile] copy|readahead [THREADS] | loader"),
    };
    println!("{}", found?);
    Ok(())
}
