//! Going the ways of a plan, one after the other, until one is attached.
//!
//! What attaches is behind a trait, so that the order of trying, the taking
//! back of half a way, and the reasons are tested without a kernel.

use super::Reason;
use super::catalog::Way;
use super::explain::{Refusal, explain};
use super::plan::{Ground, PlannedPurpose};
use super::verdict::Outcome;
use probe_common::programs::Program;

/// Loads and attaches programs.
pub(super) trait Driver {
    /// Gets the program into the kernel, if it is not there.
    fn load(&mut self, program: &'static Program) -> Result<(), Refusal>;

    /// Puts a loaded program onto its hook.
    fn attach(&mut self, program: &'static Program) -> Result<(), Refusal>;

    /// Takes the program off its hook; it stays in the kernel.
    fn detach(&mut self, program: &'static Program);

    /// Takes the program off its hook and out of the kernel.
    fn unload(&mut self, program: &'static Program);
}

type Refused = (&'static Program, Refusal);

/// Goes the first way that can be gone.
///
/// Programs that wait for a module are loaded all the same: when it comes, they
/// are to be on their hooks before its file systems are mounted.
pub(super) fn establish(
    planned: &PlannedPurpose,
    ground: &Ground,
    driver: &mut impl Driver,
) -> Outcome {
    let module = planned.purpose.module;
    let mut reasons = Vec::new();
    for (way, against) in &planned.ways {
        let gone = match against {
            None => start(way, module.is_some(), driver).map(|()| None),
            Some(waits @ Reason::NotLoaded(_)) => load(way, driver).map(|()| Some(waits.clone())),
            Some(reason) => Ok(Some(reason.clone())),
        };
        match gone {
            Ok(None) => {
                return Outcome {
                    attached: Some(way),
                    reasons,
                };
            }
            Ok(Some(reason)) => reasons.push(reason),
            Err((program, refusal)) => reasons.push(explain(&refusal, program, module, ground)),
        }
    }
    Outcome {
        attached: None,
        reasons,
    }
}

/// Starts all programs of a way, or none. A way that may be gone later stays
/// in the kernel.
fn start(way: &Way, later: bool, driver: &mut impl Driver) -> Result<(), Refused> {
    load(way, driver)?;
    for program in way.programs() {
        if let Err(refusal) = driver.attach(program) {
            for program in way.programs() {
                if later {
                    driver.detach(program);
                } else {
                    driver.unload(program);
                }
            }
            return Err((program, refusal));
        }
    }
    Ok(())
}

/// Loads all programs of a way, or none.
fn load(way: &Way, driver: &mut impl Driver) -> Result<(), Refused> {
    for program in way.programs() {
        if let Err(refusal) = driver.load(program) {
            for program in way.programs() {
                driver.unload(program);
            }
            return Err((program, refusal));
        }
    }
    Ok(())
}

/// Takes all programs of a way off their hooks.
pub(super) fn detach(way: &Way, driver: &mut impl Driver) {
    for program in way.programs() {
        driver.detach(program);
    }
}

#[cfg(test)]
mod tests;
