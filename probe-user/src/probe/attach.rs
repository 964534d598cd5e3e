//! Attaching: the plan is run, each program alone, and what came of it is kept
//! and kept up to date while modules come and go.

use super::catalog::{Purpose, Way};
use super::driver::{Aya, Links, program_fd};
use super::engine::{detach, establish};
use super::error::AttachError;
use super::explain::forbidden;
use super::hook_btf::hook_btf;
use super::load::{Globals, failed, fill, load, set_state};
use super::plan::{AttachPlan, Ground, PlannedProbe, plan};
use super::self_test::{self, SelfTest};
use super::settings::Settings;
use super::sizes::MapSizes;
use super::tree::Tree;
use super::verdict::{self, Outcome, State};
use super::{Reason, catalog};
use crate::boottime::boot_ns;
use crate::kernel::btf::{HookType, RUNNING, Wanted};
use crate::kernel::{KernelBtf, KernelFacts, Prototypes, Symbols};
use crate::sample::ProbeStatus;
use aya::Ebpf;
use aya::maps::HashMap;
use aya_log::EbpfLogger;
use log::Log;
use probe_common::fields::FIELDS;
use probe_common::state;
use std::collections::BTreeMap;
use std::os::fd::RawFd;
use std::path::Path;

/// The programs, attached. Dropping it detaches them.
pub struct Attached {
    /// The object in the kernel; the collector reads its maps.
    pub ebpf: Ebpf,
    /// How large its maps were made.
    pub sizes: MapSizes,
    ground: Ground,
    probes: Vec<Probing>,
    /// What follows the processes of a command, if they are followed.
    tree: Option<&'static Way>,
    links: Links,
    logger: Option<EbpfLogger<&'static dyn Log>>,
}

/// One probe, attached as far as it goes.
struct Probing {
    probe: &'static catalog::Probe,
    /// One a purpose; none if the probe is not selected.
    outcomes: Vec<Outcome>,
    self_test: SelfTest,
    /// Since when this holds, `CLOCK_BOOTTIME` ns.
    since_ns: u64,
}

/// A program whose runs the kernel may skip and count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counting {
    /// The probe it belongs to.
    pub probe: &'static str,
    /// The kernel function or tracepoint.
    pub hook: &'static str,
    /// Name of the program.
    pub program: &'static str,
    /// `fentry`, `kprobe`, `raw_tp`, `tracepoint`.
    pub how: &'static str,
    /// Whether a missed run is a missing call in the probe's counts. Missed
    /// runs of other programs lose events, or attribution.
    pub counts: bool,
    /// The program.
    pub fd: RawFd,
}

/// Gets the programs into the kernel and onto their hooks. Nothing is counted
/// until [`Attached::arm`].
pub fn attach(settings: &Settings) -> Result<Attached, AttachError> {
    let facts = KernelFacts::read();
    if let Some(reason) = forbidden(&facts) {
        return Err(AttachError::Forbidden(reason));
    }
    if !facts.btf && settings.btf.is_none() {
        return Err(AttachError::Forbidden(Reason::NoBtf));
    }
    let sizes = MapSizes::new(
        facts.possible_cpus.known().copied().unwrap_or(1),
        settings.ring_bytes,
    );
    // Each parsed BTF takes megabytes: one lives at a time.
    let (globals, prototypes, hooks) = {
        let btf = read_btf(settings)?;
        (
            Globals::new(settings, &btf, sizes.shards),
            btf.prototypes(catalog::functions(), catalog::tracepoints()),
            hooks(settings, &facts, &btf)?,
        )
    };
    let ground = Ground::with(facts, prototypes);
    let plan = plan(&settings.selection, settings.filters.tree, &ground);
    let mut ebpf = load(&globals, &sizes, settings.kernel_log, &ground.facts)?;
    fill(&mut ebpf, &sizes, &settings.tools)?;
    let mut links = Links::new();
    let hooks = hooks.as_ref().map(hook_btf).transpose()?;
    let mut driver = Aya {
        ebpf: &mut ebpf,
        links: &mut links,
        btf: hooks.as_ref(),
    };
    let (probes, tree) = run(&plan, &ground, &mut driver)?;
    drop(hooks);
    give_memory_back();
    let logger = settings
        .kernel_log
        .then(|| EbpfLogger::init(&mut ebpf))
        .transpose()
        .map_err(|error| AttachError::Load(error.to_string()))?;
    let attached = Attached {
        ebpf,
        sizes,
        ground,
        probes,
        tree,
        links,
        logger,
    };
    attached.or_nothing()
}

fn read_btf(settings: &Settings) -> Result<KernelBtf, AttachError> {
    read_types(settings.btf.as_deref().unwrap_or(Path::new(RUNNING)))
}

fn read_types(path: &Path) -> Result<KernelBtf, AttachError> {
    let wanted = Wanted::new(FIELDS, catalog::functions(), catalog::tracepoints());
    Ok(KernelBtf::read(path, &wanted)?)
}

/// What can be attached to by number; none if the kernel offers no BTF. `btf` is
/// what was read: a file serves for offsets, the numbers are the kernel's own.
fn hooks(
    settings: &Settings,
    facts: &KernelFacts,
    btf: &KernelBtf,
) -> Result<Option<BTreeMap<u32, HookType>>, AttachError> {
    let of = |btf: &KernelBtf| btf.hooks(catalog::functions(), catalog::tracepoints());
    Ok(match (facts.btf, &settings.btf) {
        (false, _) => None,
        (true, None) => Some(of(btf)),
        (true, Some(_)) => Some(of(&read_types(Path::new(RUNNING))?)),
    })
}

impl Ground {
    /// Facts, prototypes, and the symbols that belong to them.
    pub(super) fn with(facts: KernelFacts, prototypes: Prototypes) -> Self {
        let described = |name: &str| prototypes.get(name).is_some();
        let symbols = Symbols::read(catalog::functions(), &facts.tracefs, described);
        Self {
            facts,
            prototypes,
            symbols,
        }
    }
}

/// The status that the probes are expected to have: what the plan says, with
/// nothing loaded.
pub fn expected(settings: &Settings, facts: KernelFacts) -> Result<Vec<ProbeStatus>, AttachError> {
    if !facts.btf && settings.btf.is_none() {
        return Err(AttachError::Forbidden(Reason::NoBtf));
    }
    let btf = read_btf(settings)?;
    let prototypes = btf.prototypes(catalog::functions(), catalog::tracepoints());
    let ground = Ground::with(facts, prototypes);
    let status = |planned: &PlannedProbe| {
        if !planned.selected {
            return verdict::off(planned.probe);
        }
        let outcomes: Vec<_> = planned.purposes.iter().map(Outcome::expected).collect();
        verdict::status(planned.probe, &outcomes)
    };
    let plan = plan(&settings.selection, settings.filters.tree, &ground);
    Ok(plan.probes.iter().map(status).collect())
}

/// Runs the plan, probe by probe. Of the hooks that follow a command's processes
/// there is one way or an error.
fn run(
    plan: &AttachPlan,
    ground: &Ground,
    driver: &mut Aya,
) -> Result<(Vec<Probing>, Option<&'static Way>), AttachError> {
    let mut begin = |planned: &PlannedProbe| Probing {
        probe: planned.probe,
        outcomes: if planned.selected {
            let purposes = planned.purposes.iter();
            purposes
                .map(|purpose| establish(purpose, ground, driver))
                .collect()
        } else {
            Vec::new()
        },
        self_test: SelfTest::default(),
        since_ns: boot_ns(),
    };
    let probes = plan.probes.iter().map(&mut begin).collect();
    let tree = plan.tree.as_ref().map(|tree| {
        let outcome = establish(tree, ground, driver);
        outcome
            .attached
            .ok_or_else(|| AttachError::Tree(outcome.reason()))
    });
    Ok((probes, tree.transpose()?))
}

impl Attached {
    /// Itself, unless none of the chosen probes is of any use.
    fn or_nothing(self) -> Result<Self, AttachError> {
        if let Some(reason) = self.kept_out() {
            return Err(AttachError::Forbidden(reason));
        }
        let status = self.status();
        let chosen = || status.iter().filter(|probe| probe.state() != State::Off);
        if chosen().any(|probe| {
            matches!(
                probe.state(),
                State::Attached | State::Partial | State::Waiting
            )
        }) {
            return Ok(self);
        }
        let why = chosen().map(|probe| format!("{}: {}", probe.name, probe.reason));
        Err(AttachError::Nothing(why.collect()))
    }

    /// Why the kernel lets nobody onto its functions, if that is so. Some do so
    /// and allow tracepoints; those alone show no copy, resize or capacity.
    fn kept_out(&self) -> Option<Reason> {
        let mut outcomes = self.probes.iter().flat_map(|probe| &probe.outcomes);
        let on_function = |outcome: &Outcome| outcome.attached.is_some_and(Way::is_on_function);
        if outcomes.clone().any(on_function) {
            return None;
        }
        let mut reasons = outcomes.by_ref().flat_map(|outcome| &outcome.reasons);
        reasons.find(|reason| reason.is_forbidden()).cloned()
    }

    /// The process whose own copies and reads are in no count: this one. None in
    /// a pid namespace of its own, where the programs cannot tell it from others.
    pub fn own_pid(&self) -> Option<u32> {
        let private = self.ground.facts.private_pid_namespace.known();
        (private != Some(&true)).then(std::process::id)
    }

    /// Lets the programs count and send events.
    pub fn arm(&mut self) -> Result<(), AttachError> {
        set_state(&mut self.ebpf, state::ARMED)
    }

    /// From here on nothing is counted or sent any more.
    pub fn disarm(&mut self) -> Result<(), AttachError> {
        set_state(&mut self.ebpf, 0)
    }

    /// Triggers each probe that can be triggered harmlessly, and looks whether
    /// it arrives. Needs [`arm`](Self::arm) first; takes up to a few seconds.
    pub fn self_test(&mut self) -> Result<(), AttachError> {
        let seen = self_test::run(&mut self.ebpf, &self.ground.facts)?;
        for probing in self.probes.iter_mut().filter(|p| !p.outcomes.is_empty()) {
            probing.self_test = self_test::judge(probing.probe.name, &probing.outcomes, &seen);
        }
        Ok(())
    }

    /// The status of every probe, selected or not.
    pub fn status(&self) -> Vec<ProbeStatus> {
        let status = |probing: &Probing| {
            let status = if probing.outcomes.is_empty() {
                verdict::off(probing.probe)
            } else {
                verdict::status(probing.probe, &probing.outcomes)
            };
            ProbeStatus {
                boot_ns: probing.since_ns,
                ..verdict::after_self_test(status, &probing.self_test)
            }
        };
        self.probes.iter().map(status).collect()
    }

    /// Every program that is attached, with its file descriptor.
    pub fn counting(&self) -> Vec<Counting> {
        let of_probes = self.probes.iter().flat_map(|probing| {
            let ways = probing.outcomes.iter().filter_map(|o| o.attached);
            ways.map(|way| (probing.probe.name, way))
        });
        // A process that was not followed is missing first from the copies.
        let of_tree = self.tree.map(|way| ("copy", way));
        let of_way = |(probe, way): (&'static str, &'static Way)| {
            way.programs().filter_map(move |program| {
                Some(Counting {
                    probe,
                    hook: program.hook,
                    program: program.name,
                    how: way.how(),
                    counts: way.is_counting(program),
                    fd: program_fd(&self.ebpf, program.name)?,
                })
            })
        };
        of_probes.chain(of_tree).flat_map(of_way).collect()
    }

    /// The map of a command's processes, if they are followed. Can be taken once.
    pub fn take_tree(&mut self) -> Result<Option<Tree>, AttachError> {
        if self.tree.is_none() {
            return Ok(None);
        }
        let map = self.ebpf.take_map("TREE");
        let map = map.ok_or_else(|| AttachError::Object("no map TREE".to_owned()))?;
        let map = HashMap::try_from(map).map_err(|error| failed("TREE", &error))?;
        Ok(Some(Tree(map)))
    }

    /// The modules whose coming and going must be told to
    /// [`module_loaded`](Self::module_loaded) and
    /// [`module_unloaded`](Self::module_unloaded).
    pub fn watched_modules(&self) -> Vec<&'static str> {
        let mut modules: Vec<_> = self
            .probes
            .iter()
            .filter(|probing| !probing.outcomes.is_empty())
            .flat_map(|probing| probing.probe.purposes)
            .filter_map(|purpose| purpose.module)
            .collect();
        modules.sort_unstable();
        modules.dedup();
        modules
    }

    /// A module was loaded: attaches its hooks. Those that were attached
    /// before died with the earlier load, without a word, so they are attached
    /// anew. Whether a status changed.
    pub fn module_loaded(&mut self, module: &str) -> bool {
        self.each_hook_of(module, true)
    }

    /// A module was unloaded, and its hooks with it: they wait for it again.
    /// Whether a status changed.
    pub fn module_unloaded(&mut self, module: &str) -> bool {
        self.each_hook_of(module, false)
    }

    /// Attaches what waited for a module that is loaded by now. Cheap when
    /// nothing waits; to be called at each flush. Whether a status changed.
    pub fn retry(&mut self) -> bool {
        let mut changed = false;
        for module in self.watched_modules() {
            let waits = self.probes.iter().any(|probing| {
                let hooks = probing.probe.purposes.iter().zip(&probing.outcomes);
                hooks.into_iter().any(|(purpose, outcome)| {
                    purpose.module == Some(module) && outcome.state() == State::Waiting
                })
            });
            if waits
                && Path::new("/sys/module")
                    .join(module)
                    .join("initstate")
                    .exists()
            {
                changed |= self.module_loaded(module);
            }
        }
        changed
    }

    fn each_hook_of(&mut self, module: &str, loaded: bool) -> bool {
        // The symbols read at the start do not know a module loaded since:
        // unknown ones let the kernel decide.
        let ground = Ground {
            facts: KernelFacts::read(),
            prototypes: self.ground.prototypes.clone(),
            symbols: Symbols::default(),
        };
        let mut driver = Aya {
            ebpf: &mut self.ebpf,
            links: &mut self.links,
            btf: None,
        };
        let mut changed = false;
        for probing in &mut self.probes {
            let hooks = probing.probe.purposes.iter().zip(&mut probing.outcomes);
            for (purpose, outcome) in hooks.filter(|(p, _)| p.module == Some(module)) {
                let before = outcome.state();
                if let Some(way) = outcome.attached {
                    detach(way, &mut driver);
                }
                *outcome = if loaded {
                    establish(&ground.judge(purpose), &ground, &mut driver)
                } else {
                    waiting(purpose)
                };
                let after = outcome.state();
                // Attached anew is a change: the time between is not covered.
                if before != after || after == State::Attached {
                    probing.since_ns = boot_ns();
                    changed = true;
                }
            }
        }
        changed
    }

    /// Memory of all maps in bytes, as the kernel counts it.
    pub fn map_bytes(&self) -> Option<u64> {
        super::load::map_bytes().ok()
    }

    /// Passes on what the kernel programs logged; does nothing without
    /// `kernel_log`.
    pub fn pass_on_log(&mut self) {
        if let Some(logger) = &mut self.logger {
            logger.flush();
        }
    }
}

fn waiting(purpose: &Purpose) -> Outcome {
    let module = purpose.module.unwrap_or_default();
    Outcome {
        attached: None,
        reasons: vec![Reason::NotLoaded(module.to_owned())],
    }
}

/// Parsing BTF leaves megabytes of free memory behind that the allocator keeps.
fn give_memory_back() {
    // SAFETY: takes no pointer and may be called at any time.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}
