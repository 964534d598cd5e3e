//! The attached programs over time: modules come and go under them, and a probe
//! may be in another state than a moment ago.

use super::events::Events;
use super::missed::{MissedRuns, Watched};
use super::modules::{Change, Modules, What};
use crate::boottime::boot_ns;
use crate::probe::Attached;
use crate::probe::catalog::MOUNTED;
use crate::sample::event::Detail;
use crate::sample::probe_status::{Hook, State};
use crate::sample::{Gap, ModuleChange, ProbeStatus, Record};
use std::collections::{BTreeMap, BTreeSet};

/// A time in which the hooks of a module may have been away.
#[derive(Debug)]
pub struct Uncovered {
    /// The module, which is named as the file system that it brings.
    pub module: String,
    /// The time, for each probe that has hooks there.
    pub gaps: Vec<Gap>,
}

/// The attached programs, and what was told of them so far.
pub struct Hooks {
    attached: Attached,
    modules: Modules,
    missed: MissedRuns,
    told: BTreeMap<String, ProbeStatus>,
}

impl Hooks {
    /// Begins with the programs as they are attached. Returns what is to be told
    /// of them at the start.
    pub fn start(mut attached: Attached) -> (Self, Vec<Record>) {
        let modules = Modules::watch("/sys/module", attached.watched_modules(), boot_ns());
        // A module may have come between attaching and watching.
        attached.retry();
        let (missed, unknown) = MissedRuns::start(watched(&attached));
        let mut hooks = Self {
            attached,
            modules,
            missed,
            told: BTreeMap::new(),
        };
        let mut records = hooks.new_status();
        records.extend(unknown.into_iter().map(Record::Missed));
        (hooks, records)
    }

    /// What changed since the last look: modules, and states of probes. Where a
    /// module came or went, a time may be not covered.
    pub fn changes(&mut self, events: &mut Events) -> (Vec<Record>, Vec<Uncovered>) {
        let (mut records, mut uncovered) = (Vec::new(), Vec::new());
        let changes = self.modules.changes(boot_ns());
        if !changes.is_empty() {
            records.extend(self.missed_runs());
        }
        for change in &changes {
            records.extend(self.follow(change, events));
            uncovered.push(self.uncovered(change));
        }
        let retried = self.attached.retry();
        if retried || !changes.is_empty() {
            // Programs may have other descriptors now; what they have missed until
            // now is told.
            (self.missed, _) = MissedRuns::start(watched(&self.attached));
            records.extend(self.new_status());
        }
        (records, uncovered)
    }

    /// Attaches what a module brings, or lets go of what it took with it.
    fn follow(&mut self, change: &Change, events: &mut Events) -> Vec<Record> {
        let name = &change.name;
        let loaded = change.what != What::Unloaded;
        if loaded {
            self.attached.module_loaded(name);
        } else {
            self.attached.module_unloaded(name);
        }
        let now = boot_ns();
        let mut records = Vec::new();
        if change.what == What::Reloaded {
            records.push(module_event(events, now, name, false));
        }
        records.push(module_event(events, now, name, loaded));
        records
    }

    /// The time in which the module's hooks may have been away.
    fn uncovered(&self, change: &Change) -> Uncovered {
        let why = match change.what {
            What::Loaded => "was loaded",
            What::Unloaded => "was unloaded",
            What::Reloaded => "was unloaded and loaded again",
        };
        let now = boot_ns();
        let gap = |probe| Gap {
            probe,
            from_boot_ns: change.since_boot_ns,
            to_boot_ns: now,
            why: format!("module {} {why}", change.name),
        };
        Uncovered {
            module: change.name.clone(),
            gaps: self.probes_in(&change.name).into_iter().map(gap).collect(),
        }
    }

    /// Whether each mounting of a file system is told by an event.
    pub fn sees_mounts(&self) -> bool {
        let attached = |hook: &Hook| hook.r#for == MOUNTED && hook.state() == State::Attached;
        self.told
            .values()
            .any(|probe| probe.hooks.iter().any(attached))
    }

    /// The probes that have a hook in `module`.
    fn probes_in(&self, module: &str) -> BTreeSet<String> {
        let probes = self.attached.status().into_iter();
        probes
            .filter(|probe| probe.hooks.iter().any(|hook| hook.module == module))
            .map(|probe| probe.name)
            .collect()
    }

    fn new_status(&mut self) -> Vec<Record> {
        let mut records = Vec::new();
        for status in self.attached.status() {
            if self.told.get(&status.name) != Some(&status) {
                self.told.insert(status.name.clone(), status.clone());
                records.push(Record::Probe(status));
            }
        }
        records
    }

    /// Runs that the kernel skipped since the last look.
    pub fn missed_runs(&mut self) -> Vec<Record> {
        self.missed
            .delta()
            .into_iter()
            .map(Record::Missed)
            .collect()
    }

    /// Passes on what the kernel programs logged.
    pub fn pass_on_log(&mut self) {
        self.attached.pass_on_log();
    }

    /// Nothing is counted or sent any more.
    pub fn disarm(&mut self) -> anyhow::Result<()> {
        Ok(self.attached.disarm()?)
    }
}

/// The programs whose skipped runs are told: of a probe that counts, only the
/// one that does; of the others all, because each sees what no other does.
fn watched(attached: &Attached) -> Vec<Watched> {
    let programs = attached.counting();
    let counting: BTreeSet<&str> = programs
        .iter()
        .filter(|program| program.counts)
        .map(|program| program.probe)
        .collect();
    let told = programs
        .iter()
        .filter(|program| program.counts || !counting.contains(program.probe));
    told.map(|program| Watched {
        probe: program.probe.to_owned(),
        hook: program.hook.to_owned(),
        fd: program.fd,
    })
    .collect()
}

fn module_event(events: &mut Events, boot_ns: u64, name: &str, loaded: bool) -> Record {
    let detail = Detail::Module(ModuleChange {
        name: name.to_owned(),
        loaded,
    });
    events.own(boot_ns, detail).into()
}
