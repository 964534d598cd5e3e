//! Which way each purpose will go on this kernel, and why not another.
//!
//! Pure: facts, catalog and selection in, plan out. The kernel has the last
//! word when the plan is run, so what is unknown counts as possible.

use super::catalog::{PROBES, Probe, Purpose, TREE, Way, When};
use super::{Reason, Selection};
use crate::kernel::symbols::Standing;
use crate::kernel::{Capability, KernelFacts, Prototypes, Symbols};
use probe_common::programs::{Kind, Program};

/// What is known of the kernel.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Privileges, restrictions, modules.
    pub facts: KernelFacts,
    /// Prototypes of the catalog's functions.
    pub prototypes: Prototypes,
    /// Symbols of the catalog's functions.
    pub symbols: Symbols,
}

/// The plan for all probes.
#[derive(Debug)]
pub struct AttachPlan {
    /// One entry a probe, in the order of the catalog.
    pub probes: Vec<PlannedProbe>,
    /// The hooks that follow the processes of a command, if they are wanted.
    pub tree: Option<PlannedPurpose>,
}

/// The plan for one probe.
#[derive(Debug)]
pub struct PlannedProbe {
    /// The probe.
    pub probe: &'static Probe,
    /// Whether the user wants it.
    pub selected: bool,
    /// One entry a purpose, in the order of the catalog.
    pub purposes: Vec<PlannedPurpose>,
}

/// The plan for one purpose.
#[derive(Debug)]
pub struct PlannedPurpose {
    /// The purpose.
    pub purpose: &'static Purpose,
    /// The ways, in order of preference, each with what speaks against it.
    pub ways: Vec<(&'static Way, Option<Reason>)>,
}

impl PlannedPurpose {
    /// The ways that nothing speaks against, best first.
    pub fn usable(&self) -> impl Iterator<Item = &'static Way> {
        self.ways
            .iter()
            .filter(|(_, against)| against.is_none())
            .map(|&(way, _)| way)
    }

    /// What speaks against the ways that come before the first usable one.
    pub fn against(&self) -> impl Iterator<Item = &Reason> {
        self.ways.iter().map_while(|(_, against)| against.as_ref())
    }
}

/// Makes the plan; `tree` is whether the processes of a command are followed.
pub fn plan(selection: &Selection, tree: bool, ground: &Ground) -> AttachPlan {
    AttachPlan {
        probes: PROBES
            .iter()
            .map(|probe| PlannedProbe {
                probe,
                selected: selection.contains(probe.name),
                purposes: probe.purposes.iter().map(|p| ground.judge(p)).collect(),
            })
            .collect(),
        tree: tree.then(|| ground.judge(&TREE)),
    }
}

impl Ground {
    pub(super) fn judge(&self, purpose: &'static Purpose) -> PlannedPurpose {
        let against = |way: &Way| {
            self.condition(way.when)
                .or_else(|| way.programs().find_map(|p| self.against(p, purpose.module)))
        };
        PlannedPurpose {
            purpose,
            ways: purpose.ways.iter().map(|way| (way, against(way))).collect(),
        }
    }

    /// What speaks against a way with this condition.
    fn condition(&self, when: When) -> Option<Reason> {
        let (function, holds) = match when {
            When::Always => return None,
            When::Arguments(function, count) => (
                function,
                self.prototypes
                    .get(function)
                    .map(|p| p.parameters.len() == count),
            ),
            When::FirstIs(function, structure) => (
                function,
                self.prototypes
                    .get(function)
                    .map(|p| p.parameters.first().is_some_and(|first| first == structure)),
            ),
        };
        match holds {
            Some(true) => None,
            Some(false) => Some(Reason::OtherArguments(function.to_owned())),
            None => Some(self.undescribed(function)),
        }
    }

    /// What speaks against attaching a program.
    fn against(&self, program: &Program, module: Option<&str>) -> Option<Reason> {
        match program.kind {
            Kind::FEntry | Kind::FExit => self.against_fentry(program.hook),
            Kind::KProbe | Kind::KRetProbe => self
                .against_symbol(program.hook, module)
                .or_else(|| self.against_perf()),
            Kind::BtfTracePoint => match &self.prototypes {
                _ if !self.facts.btf => Some(Reason::NeedsKernelBtf),
                known if known.has_tracepoint(program.hook) => None,
                _ => Some(Reason::NoTracepoint(program.hook.to_owned())),
            },
            Kind::TracePoint => self.against_perf(),
        }
    }

    fn against_fentry(&self, function: &str) -> Option<Reason> {
        // A BTF file serves for offsets; to attach, the kernel needs its own.
        if !self.facts.btf {
            return Some(Reason::NeedsKernelBtf);
        }
        if self.prototypes.get(function).is_none() {
            return Some(self.undescribed(function));
        }
        match self.symbols.standing(function) {
            Standing::Unknown | Standing::Present(_) => {
                let untraceable = self.symbols.is_traceable(function) == Some(false);
                untraceable.then(|| Reason::NoTrace(function.to_owned()))
            }
            other => Some(from_standing(function, other, true)),
        }
    }

    /// Why BTF may not describe the function.
    fn undescribed(&self, function: &str) -> Reason {
        match (&self.prototypes, self.symbols.standing(function)) {
            (Prototypes::Unknown, _) => Reason::NoBtf,
            (_, Standing::Present(_)) => Reason::NotInBtf(function.to_owned()),
            (_, Standing::Unknown) => Reason::Missing(function.to_owned()),
            (_, other) => from_standing(function, other, false),
        }
    }

    /// What speaks against a kprobe by this name.
    pub(super) fn against_symbol(&self, function: &str, module: Option<&str>) -> Option<Reason> {
        match (self.symbols.standing(function), module) {
            (Standing::Present(_) | Standing::Unknown, _) => None,
            (Standing::Absent, Some(module)) if !self.facts.is_loaded(module) => {
                Some(Reason::NotLoaded(module.to_owned()))
            }
            (other, _) => Some(from_standing(
                function,
                other,
                self.prototypes.get(function).is_some(),
            )),
        }
    }

    /// What speaks against perf events, by which kprobes are made.
    pub(super) fn against_perf(&self) -> Option<Reason> {
        let level = *self.facts.perf_event_paranoid.known()?;
        (level >= 3 && !self.facts.may(Capability::SysAdmin)).then_some(Reason::Paranoid(level))
    }
}

fn from_standing(function: &str, standing: Standing, described: bool) -> Reason {
    let function = function.to_owned();
    match standing {
        Standing::Ambiguous(count) => Reason::Ambiguous { function, count },
        Standing::Variant(variant) => Reason::Inlined {
            function,
            variant: Some(variant),
        },
        Standing::Absent if described => Reason::Inlined {
            function,
            variant: None,
        },
        Standing::Absent | Standing::Present(_) | Standing::Unknown => Reason::Missing(function),
    }
}

#[cfg(test)]
mod tests;
