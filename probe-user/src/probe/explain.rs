//! From what the kernel answered to the reason behind it.
//!
//! The same errno means many things; the facts, the symbols and the step at
//! which it came tell them apart.

use super::Reason;
use super::plan::Ground;
use crate::kernel::facts::Lockdown;
use crate::kernel::{KernelFacts, symbols::Standing};
use aya::programs::ProgramError;
use probe_common::programs::{Kind, Program};
use rustix::io::Errno;
use std::error::Error;
use std::io;

/// At which step a program was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Loading it, the verifier included.
    Load,
    /// Attaching it to its hook.
    Attach,
}

/// The kernel's answer, before it is understood.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) step: Step,
    pub(super) errno: Option<Errno>,
    pub(super) said: String,
}

impl Refusal {
    pub(super) fn new(step: Step, error: &ProgramError) -> Self {
        let said = match error {
            ProgramError::LoadError {
                io_error,
                verifier_log,
            } => last_words(&verifier_log.to_string()).unwrap_or_else(|| io_error.to_string()),
            other => chain(other),
        };
        Self {
            step,
            errno: errno(error),
            said,
        }
    }
}

/// The errno at the bottom of an error.
pub(super) fn errno(error: &(dyn Error + 'static)) -> Option<Errno> {
    std::iter::successors(Some(error), |&error| error.source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .find_map(Errno::from_io_error)
}

/// An error and its causes in one line.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for error in std::iter::successors(Some(error), |&error| error.source()) {
        let part = error.to_string();
        // Transparent errors repeat their cause.
        if parts.last() != Some(&part) {
            parts.push(part);
        }
    }
    parts.join(": ")
}

/// The line with which the verifier gave up.
fn last_words(log: &str) -> Option<String> {
    let mut told = log.lines().map(str::trim).filter(|line| {
        !line.is_empty()
            // Statistics, which follow the complaint.
            && !["processed ", "verification time", "stack depth", "insns "]
                .iter()
                .any(|start| line.starts_with(start))
    });
    told.next_back().map(str::to_owned)
}

/// Why a program was refused.
pub(super) fn explain(
    refusal: &Refusal,
    program: &Program,
    module: Option<&str>,
    ground: &Ground,
) -> Reason {
    let function = program.hook;
    let by_name = matches!(program.kind, Kind::KProbe | Kind::KRetProbe);
    let refused = || Reason::Refused {
        hook: function.to_owned(),
        said: refusal.said.clone(),
    };
    match (refusal.step, refusal.errno) {
        (_, Some(Errno::PERM)) => privileges(&ground.facts),
        (Step::Attach, Some(Errno::ACCESS)) => ground
            .against_perf()
            .unwrap_or_else(|| privileges(&ground.facts)),
        (Step::Attach, Some(Errno::NOENT)) if by_name => ground
            .against_symbol(function, module)
            .unwrap_or_else(|| unnamed(function, module, ground)),
        (Step::Attach, Some(Errno::ADDRNOTAVAIL)) if by_name => {
            match ground.symbols.standing(function) {
                Standing::Ambiguous(count) => Reason::Ambiguous {
                    function: function.to_owned(),
                    count,
                },
                _ => Reason::Ambiguous {
                    function: function.to_owned(),
                    count: 0,
                },
            }
        }
        (_, Some(Errno::INVAL)) if ground.symbols.is_traceable(function) == Some(false) => {
            Reason::NoTrace(function.to_owned())
        }
        (Step::Load, Some(_)) => Reason::Verifier {
            program: program.name.to_owned(),
            said: refusal.said.clone(),
        },
        _ => refused(),
    }
}

/// A name that perf did not find.
fn unnamed(function: &str, module: Option<&str>, ground: &Ground) -> Reason {
    match module {
        Some(module) if !ground.facts.is_loaded(module) => Reason::NotLoaded(module.to_owned()),
        _ => Reason::Missing(function.to_owned()),
    }
}

/// What forbids `bpf()` to this process, as far as the facts tell.
pub(super) fn privileges(facts: &KernelFacts) -> Reason {
    forbidden(facts).unwrap_or(Reason::Denied)
}

/// What is known to forbid BPF tracing to this process.
pub(super) fn forbidden(facts: &KernelFacts) -> Option<Reason> {
    let missing = facts
        .capabilities
        .known()
        .map(|held| held.missing_for_tracing())
        .unwrap_or_default();
    if !missing.is_empty() {
        return Some(Reason::Capability(missing));
    }
    if facts.initial_user_namespace.known() == Some(&false) {
        return Some(Reason::UserNamespace);
    }
    if facts.lockdown.known() == Some(&Lockdown::Confidentiality) {
        return Some(Reason::Lockdown);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifiers_complaint_is_found_behind_its_statistics() {
        let log = "0: R1=ctx\n1: (79) r1 = *(u64 *)(r1 +8)\nR1 invalid mem access 'scalar'\n\
                   verification time 36 usec\nprocessed 2 insns (limit 1000000) max_states 0\n";
        assert_eq!(
            last_words(log).as_deref(),
            Some("R1 invalid mem access 'scalar'")
        );
        assert_eq!(last_words("\n"), None);
    }
}
