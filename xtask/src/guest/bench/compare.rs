//! One workload under every tracer, each alone.

use std::{thread, time::Duration};

use anyhow::{Context, Result, ensure};

use super::{
    Cost,
    tracer::{self, Tracer},
};

/// What one operation of a workload costs, and what is traced of it.
pub(super) struct Workload<M> {
    /// Function of the kernel that is called once an operation.
    pub function: &'static str,
    /// volprobe's probe that counts those calls.
    pub probe: &'static str,
    /// Operations of one measurement.
    pub operations: u64,
    /// A tracer adds at least so many instructions; what repeats of one
    /// measurement differ by is less.
    pub least: u64,
    /// Measures: instructions of one operation.
    pub measure: M,
}

impl<M: FnMut() -> Result<u64>> Workload<M> {
    /// What each tracer adds.
    pub(super) fn costs(mut self, tracers: &[(&str, Tracer)]) -> Result<Vec<Cost>> {
        // What booting and mounting left to do is done by then.
        thread::sleep(Duration::from_secs(3));
        let plain = (self.measure)()?;
        let mut costs = vec![Cost {
            tracer: "nothing".to_owned(),
            instructions: Some(plain),
        }];
        for (name, tracer) in tracers {
            let with = self
                .under(*tracer, plain)
                .with_context(|| format!("measuring {name}"))?;
            eprintln!("{name}: {with:?} instructions, {plain} without");
            costs.push(Cost {
                tracer: (*name).to_owned(),
                instructions: with,
            });
        }
        Ok(costs)
    }

    /// Instructions of an operation under a tracer; `None` if it cannot run here.
    fn under(&mut self, tracer: Tracer, plain: u64) -> Result<Option<u64>> {
        let least = plain + self.least;
        let Some(running) = tracer.start(self.function, || Ok((self.measure)()? > least))? else {
            return Ok(None);
        };
        thread::sleep(Duration::from_secs(3));
        let with = (self.measure)()?;
        let seen = running.stop(self.probe)?;
        ensure!(
            seen >= self.operations,
            "it counted {seen} calls of {}",
            self.operations
        );
        tracer::wait(|| Ok((self.measure)()? < least)).context("it did not end")?;
        Ok(Some(with))
    }
}
