//! Loading and attaching through aya.

use super::engine::Driver;
use super::explain::{Refusal, Step};
use aya::programs::kprobe::KProbeLink;
use aya::programs::{Program as Loaded, ProgramError};
use aya::{Btf, BtfError, Ebpf};
use probe_common::programs::{Kind, Program};
use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, RawFd};

/// Links of kprobes: kept here, so that a program can be taken off its hook and
/// stay in the kernel.
pub(super) type Links = HashMap<&'static str, KProbeLink>;

/// Attaches programs of an object that is loaded.
pub(super) struct Aya<'a> {
    pub(super) ebpf: &'a mut Ebpf,
    pub(super) links: &'a mut Links,
    /// The kernel's BTF; without it only hooks by name can be attached.
    pub(super) btf: Option<&'a Btf>,
}

impl Driver for Aya<'_> {
    fn load(&mut self, program: &'static Program) -> Result<(), Refusal> {
        self.try_load(program)
            .map_err(|error| Refusal::new(Step::Load, &error))
    }

    fn attach(&mut self, program: &'static Program) -> Result<(), Refusal> {
        self.try_attach(program)
            .map_err(|error| Refusal::new(Step::Attach, &error))
    }

    fn detach(&mut self, program: &'static Program) {
        // Hooks in modules are kprobes; no other needs to be detached alone.
        self.links.remove(program.name);
    }

    fn unload(&mut self, program: &'static Program) {
        self.detach(program);
        let Some(loaded) = self.ebpf.program_mut(program.name) else {
            return;
        };
        // The one error is that the program was not loaded.
        let _ = match loaded {
            Loaded::FEntry(p) => p.unload(),
            Loaded::FExit(p) => p.unload(),
            Loaded::KProbe(p) => p.unload(),
            Loaded::BtfTracePoint(p) => p.unload(),
            Loaded::TracePoint(p) => p.unload(),
            _ => Ok(()),
        };
    }
}

impl Aya<'_> {
    fn program(&mut self, program: &Program) -> Result<&mut Loaded, ProgramError> {
        self.ebpf
            .program_mut(program.name)
            .ok_or_else(|| ProgramError::InvalidName {
                name: program.name.to_owned(),
            })
    }

    fn try_load(&mut self, program: &Program) -> Result<(), ProgramError> {
        let hook = program.hook;
        let btf = self.btf;
        let needed = || {
            btf.ok_or_else(|| BtfError::UnknownBtfTypeName {
                type_name: hook.to_owned(),
            })
        };
        let loaded = match (program.kind, self.program(program)?) {
            (Kind::FEntry, Loaded::FEntry(p)) => p.load(hook, needed()?),
            (Kind::FExit, Loaded::FExit(p)) => p.load(hook, needed()?),
            (Kind::KProbe | Kind::KRetProbe, Loaded::KProbe(p)) => p.load(),
            (Kind::BtfTracePoint, Loaded::BtfTracePoint(p)) => p.load(hook, needed()?),
            (Kind::TracePoint, Loaded::TracePoint(p)) => p.load(),
            _ => Err(ProgramError::UnexpectedProgramType),
        };
        match loaded {
            Err(ProgramError::AlreadyLoaded) => Ok(()),
            other => other,
        }
    }

    fn try_attach(&mut self, program: &'static Program) -> Result<(), ProgramError> {
        let hook = program.hook;
        match self.program(program)? {
            Loaded::FEntry(p) => p.attach().map(drop),
            Loaded::FExit(p) => p.attach().map(drop),
            Loaded::KProbe(p) => {
                let link = p.attach(hook, 0).and_then(|id| p.take_link(id))?;
                self.links.insert(program.name, link);
                Ok(())
            }
            Loaded::BtfTracePoint(p) => p.attach().map(drop),
            Loaded::TracePoint(p) => {
                let (category, name) = hook.split_once(':').unwrap_or(("", hook));
                p.attach(category, name).map(drop)
            }
            _ => Err(ProgramError::UnexpectedProgramType),
        }
    }
}

/// The file descriptor of a program that is loaded.
pub(super) fn program_fd(ebpf: &Ebpf, name: &str) -> Option<RawFd> {
    let fd = ebpf.program(name)?.fd().ok()?;
    Some(fd.as_fd().as_raw_fd())
}
