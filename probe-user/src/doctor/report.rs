//! The whole answer of `doctor`.

use super::checks::{Check, checks};
use crate::kernel::KernelFacts;
use crate::probe::verdict::State;
use crate::probe::{self, Attached, MapSizes, Settings};
use crate::sample::{ProbeStatus, probe_status};
use serde::Serialize;

/// What this kernel allows this process, and what each probe would do.
#[derive(Debug, Serialize)]
pub struct Report {
    /// `volprobe.doctor/1`.
    pub schema: &'static str,
    /// `uname -r`.
    pub release: String,
    /// `uname -m`.
    pub machine: String,
    /// Whether any probe can be attached; null where only trying would tell.
    pub can_attach: Option<bool>,
    /// Whether the probes were attached to answer that, and taken off again.
    pub tried: bool,
    /// Why nothing can be attached; null where something can.
    pub refusal: Option<String>,
    /// The findings.
    pub checks: Vec<Check>,
    /// How large the maps are; null where they were not made.
    pub maps: Option<Maps>,
    /// Every probe: as tried, or as planned.
    pub probes: Vec<Probe>,
}

/// Memory of the maps.
#[derive(Debug, Serialize)]
pub struct Maps {
    /// Of all maps, as the kernel counts it.
    pub bytes: Option<u64>,
    /// Values that a series is spread over.
    pub shards: u32,
    /// Series of copies.
    pub copy_series: u32,
    /// Series of readahead.
    pub readahead_series: u32,
    /// Ring buffer.
    pub ring_bytes: u32,
}

/// One probe.
#[derive(Debug, Serialize)]
pub struct Probe {
    /// Its name.
    pub name: String,
    /// What it measures.
    pub about: &'static str,
    /// Its state, or the one it is expected to have.
    pub state: &'static str,
    /// `passed`, `failed: why`, `not_possible: why`; null where not run.
    pub self_test: Option<String>,
    /// Why it is not wholly attached.
    pub reason: Option<String>,
    /// Its hooks.
    pub hooks: Vec<Hook>,
}

/// One hook of a probe.
#[derive(Debug, Serialize)]
pub struct Hook {
    /// Kernel function or tracepoint.
    pub name: String,
    /// `fentry`, `kprobe`, `raw_tp`, `tracepoint`.
    pub how: String,
    /// What it is for.
    #[serde(rename = "for")]
    pub purpose: String,
    /// Its state, or the one it is expected to have.
    pub state: &'static str,
    /// Why it is not attached, or not in a better way.
    pub reason: Option<String>,
}

/// Looks at the kernel, and, where this process may, attaches the probes for a
/// moment. With `only_plan`, nothing is loaded.
pub fn examine(settings: &Settings, only_plan: bool) -> Report {
    let facts = KernelFacts::read();
    let mut report = Report {
        schema: "volprobe.doctor/1",
        release: facts.release.clone(),
        machine: facts.machine.clone(),
        can_attach: None,
        tried: false,
        refusal: None,
        checks: checks(&facts, settings.btf.is_some()),
        maps: None,
        probes: Vec::new(),
    };
    if only_plan {
        report.plan(settings, facts);
        return report;
    }
    match tried(settings) {
        Ok(attached) => {
            report.can_attach = Some(true);
            report.tried = true;
            report.maps = Some(Maps::of(&attached));
            report.probes = probes(attached.status(), state_name);
        }
        Err(error) => {
            report.refusal = Some(error.cause());
            report.plan(settings, facts);
            report.can_attach = Some(false);
        }
    }
    report
}

fn tried(settings: &Settings) -> Result<Attached, probe::AttachError> {
    let mut attached = probe::attach(settings)?;
    attached.arm()?;
    attached.self_test()?;
    Ok(attached)
}

impl Report {
    /// Fills in the probes as they are planned.
    fn plan(&mut self, settings: &Settings, facts: KernelFacts) {
        match probe::expected(settings, facts) {
            Ok(status) => self.probes = probes(status, prospect_name),
            Err(error) => {
                self.can_attach = Some(false);
                self.refusal.get_or_insert(error.cause());
            }
        }
    }
}

impl Maps {
    fn of(attached: &Attached) -> Self {
        let MapSizes {
            shards,
            copy_series,
            readahead_series,
            ring_bytes,
        } = attached.sizes;
        Self {
            bytes: attached.map_bytes(),
            shards,
            copy_series,
            readahead_series,
            ring_bytes,
        }
    }
}

/// The probes, with their states named by `name`.
fn probes(status: Vec<ProbeStatus>, name: fn(State) -> &'static str) -> Vec<Probe> {
    let hook = |hook: probe_status::Hook| Hook {
        state: name(hook.state()),
        name: hook.name,
        how: hook.how,
        purpose: hook.r#for,
        reason: some(hook.reason),
    };
    let probe = |status: ProbeStatus| Probe {
        about: probe::catalog::find(&status.name).map_or("", |probe| probe.about),
        state: name(status.state()),
        name: status.name,
        self_test: some(status.self_test),
        reason: some(status.reason),
        hooks: status.hooks.into_iter().map(hook).collect(),
    };
    status.into_iter().map(probe).collect()
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// The state as JSON and text name it.
fn state_name(state: State) -> &'static str {
    match state {
        State::Off => "off",
        State::Attached => "attached",
        State::Partial => "partial",
        State::Waiting => "waiting",
        State::Unsupported => "unsupported",
        State::Failed => "failed",
    }
}

/// The same for a state that nobody tried: only attaching proves it.
fn prospect_name(state: State) -> &'static str {
    match state {
        State::Attached => "possible",
        other => state_name(other),
    }
}
