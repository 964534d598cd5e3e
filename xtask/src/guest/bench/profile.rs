//! Every instruction of a workload written down, plain and under volprobe.

use std::{fs, thread, time::Duration};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{compare::Workload, tracer::Tracer};
use crate::guest::hypervisor;

/// What it takes to read the traces `plain` and `traced` of a workload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Profile {
    /// Function of the kernel that is called once an operation.
    pub function: String,
    /// File of the guest that has the kernel's symbols while volprobe ran.
    pub symbols: String,
}

impl<M: FnMut() -> Result<u64>> Workload<M> {
    /// Has `work` written down.
    pub(super) fn profile(mut self, mut work: impl FnMut() -> Result<()>) -> Result<Profile> {
        thread::sleep(Duration::from_secs(3));
        let least = (self.measure)()? + self.least;
        trace("plain", &mut work)?;
        let running = Tracer::Volprobe(&[])
            .start(self.function, || Ok((self.measure)()? > least))?
            .context("volprobe does not run")?;
        trace("traced", &mut work)?;
        let symbols = "/tmp/symbols".to_owned();
        fs::copy("/proc/kallsyms", &symbols)?;
        running.stop(self.probe)?;
        Ok(Profile {
            function: self.function.to_owned(),
            symbols,
        })
    }
}

fn trace(name: &str, work: &mut impl FnMut() -> Result<()>) -> Result<()> {
    hypervisor::ask(&format!("trace {name}"))?;
    work()?;
    hypervisor::ask("trace off")?;
    Ok(())
}
