//! Going the ways of a plan, one after the other, until one is attached.
//!
//! What attaches is behind a trait, so that the order of trying, the taking
//! back of half a way, and the reasons are tested without a kernel.

use super::catalog::Way;
use super::explain::{Refusal, explain};
use super::plan::{Ground, PlannedPurpose};
use super::verdict::Outcome;
use probe_common::programs::Program;

/// Loads and attaches programs.
pub(super) trait Driver {
    /// Loads the program, if it is not, and attaches it.
    fn start(&mut self, program: &'static Program) -> Result<(), Refusal>;

    /// Takes the program off its hook and out of the kernel; a program that is
    /// in neither is left alone.
    fn stop(&mut self, program: &'static Program);
}

/// Goes the first way that can be gone.
pub(super) fn establish(
    planned: &PlannedPurpose,
    ground: &Ground,
    driver: &mut impl Driver,
) -> Outcome {
    let mut reasons = Vec::new();
    for (way, against) in &planned.ways {
        let reason = match against {
            Some(reason) => reason.clone(),
            None => match start(way, driver) {
                Ok(()) => {
                    return Outcome {
                        attached: Some(way),
                        reasons,
                    };
                }
                Err((program, refusal)) => {
                    explain(&refusal, program, planned.purpose.module, ground)
                }
            },
        };
        reasons.push(reason);
    }
    Outcome {
        attached: None,
        reasons,
    }
}

/// Starts all programs of a way, or none.
fn start(way: &Way, driver: &mut impl Driver) -> Result<(), (&'static Program, Refusal)> {
    for program in way.programs() {
        if let Err(refusal) = driver.start(program) {
            stop(way, driver);
            return Err((program, refusal));
        }
    }
    Ok(())
}

/// Stops all programs of a way.
pub(super) fn stop(way: &Way, driver: &mut impl Driver) {
    for program in way.programs() {
        driver.stop(program);
    }
}

#[cfg(test)]
mod tests;
