//! `volprobe.report/1` with `inputs` and `correlation`: what nodes saw and what
//! others tell, joined volume by volume.

use super::case::{Case, Overlap};
use super::confidence::{Confidence, confidence};
use super::finding::Finding;
use super::ledger::{self, LayerRow, LayerState, Named, Names, Node, Place, Register};
use super::outside::{Call, Outside, Told};
use super::report::{self, Report, entry, report};
use super::rules;
use super::volume::Volume;
use crate::cloud::external::Detail;
use crate::cloud::{InputReport, Intake};
use crate::model::Recording;
use serde::Serialize;
use std::collections::BTreeMap;

/// The answer to `correlate`.
#[derive(Clone, Debug, Serialize)]
pub struct Correlated {
    /// The report of the recordings, with what others tell in its timeline.
    #[serde(flatten)]
    pub report: Report,
    /// What was read.
    pub inputs: Vec<InputReport>,
    /// One row a volume.
    pub correlation: Vec<Correlation>,
}

impl Correlated {
    /// Leaves out all volumes but the one that a person may mean by this name:
    /// claim, persistent volume, disk id, device or mount point.
    pub fn keep_only(&mut self, name: &str) {
        let device = name.strip_prefix("/dev/").unwrap_or(name);
        let mounted: Vec<&String> = self
            .report
            .devices
            .iter()
            .filter(|row| row.mounts.iter().any(|mount| mount == name))
            .map(|row| &row.name)
            .collect();
        self.correlation.retain(|row| {
            let names = [&row.pvc, &row.pv, &row.disk_id];
            let is_it = |known: &&String| ledger::same_disk(known, name);
            names.into_iter().flatten().any(|known| is_it(&known))
                || row
                    .device
                    .as_ref()
                    .is_some_and(|own| own == device || mounted.contains(&own))
        });
        let kept: Vec<&Option<String>> = self.correlation.iter().map(|row| &row.device).collect();
        let findings = &mut self.report.findings;
        findings.retain(|f| f.device.is_none() || kept.contains(&&f.device));
    }

    /// Whether any finding is more than information.
    pub fn has_findings_above_info(&self) -> bool {
        self.report.has_findings_above_info()
    }
}

/// One volume: what became of its growth.
#[derive(Clone, Debug, Serialize)]
pub struct Correlation {
    /// As the cloud calls its disk.
    pub disk_id: Option<String>,
    /// The node.
    pub host: Option<String>,
    /// The kernel's name of the device that holds its file system.
    pub device: Option<String>,
    /// Persistent volume.
    pub pv: Option<String>,
    /// Claim, `namespace/name`.
    pub pvc: Option<String>,
    /// Pod, `namespace/name` where known.
    pub pod: Option<String>,
    /// Name of the rule.
    pub verdict: &'static str,
    /// One sentence.
    pub summary: String,
    /// How sure that is.
    pub confidence: Confidence,
    /// What would have to be there to say more.
    pub missing: Vec<String>,
    /// Layer by layer.
    pub layers: Vec<LayerRow>,
    /// The whole verdict; `None` where nothing was asked for and nothing happened.
    #[serde(skip)]
    pub finding: Option<Finding>,
}

/// External events have ids from here on until those of the nodes are known.
const OUTSIDE: u64 = 1 << 48;

/// Joins recordings and external inputs. `said` are devices that the user names.
pub fn correlate(
    recordings: &[Recording],
    intake: &Intake,
    inputs: Vec<InputReport>,
    said: &[Named],
) -> Correlated {
    let nodes: Vec<Node> = recordings.iter().map(Node::of).collect();
    let mut subjects = subjects(&nodes, intake, said);
    let strays = strays(&subjects);
    for subject in &mut subjects {
        let own = subject.names.disk_id.clone().unwrap_or_default();
        let others = strays.iter().filter(|call| {
            let named = call.disk_id().unwrap_or_default();
            !ledger::same_disk(named, &own)
        });
        subject.case.outside.strays = others.cloned().collect();
    }
    let reports: Vec<Report> = recordings.iter().map(report).collect();
    let shifts = report::shift(&reports);
    let free = shifts.last().copied().unwrap_or(0);
    let mut rows = Vec::new();
    let mut findings = Vec::new();
    let mut devices: BTreeMap<u64, String> = BTreeMap::new();
    for subject in &subjects {
        let shift = subject.node.map_or(0, |node| shifts[node]);
        let number = |id: u64| match id.checked_sub(OUTSIDE) {
            Some(index) => free.saturating_add(index),
            None => id.saturating_add(shift),
        };
        let host = subject
            .node
            .and_then(|node| reports[node].session.host.clone());
        let row = subject.row(host.clone(), number);
        if let Some(device) = &row.device {
            let told = subject.case.outside.told.iter();
            devices.extend(told.map(|told| (number(told.id), device.clone())));
        }
        findings.extend(row.finding.clone().map(|finding| Finding {
            host: host.filter(|_| recordings.len() > 1),
            ..finding
        }));
        if row.is_worth_a_row() {
            rows.push(row);
        }
    }
    let told = intake.events.iter().zip(free..);
    let told = told.map(|(event, id)| entry(id, devices.get(&id).cloned(), event));
    let told = told.collect();
    let mut report = report::join(reports);
    report.timeline = report::merge(std::mem::take(&mut report.timeline), told);
    report
        .findings
        .retain(|finding| !finding.rule.starts_with("resize/"));
    report.findings.extend(findings);
    rules::sort(&mut report.findings);
    sort(&mut rows);
    Correlated {
        report,
        inputs,
        correlation: rows,
    }
}

/// A volume, and what is known of it.
struct Subject<'a> {
    names: Names,
    /// Index of the recording that its node's side is from.
    node: Option<usize>,
    case: Case<'a>,
}

fn subjects<'a>(nodes: &[Node<'a>], intake: &'a Intake, said: &[Named]) -> Vec<Subject<'a>> {
    let register = Register::of(nodes.iter().map(|node| node.recording), intake);
    let mut subjects: Vec<Subject> = register
        .volumes()
        .iter()
        .map(|names| subject(names, nodes, intake, said))
        .collect();
    // What nobody outside knows by a name.
    for (index, node) in nodes.iter().enumerate() {
        for volume in &node.volumes {
            let known = subjects.iter().any(|subject| {
                let own = subject.case.volume.as_ref();
                subject.node == Some(index) && own.is_some_and(|own| own.dev == volume.dev)
            });
            if !known {
                subjects.push(Subject {
                    names: Names::default(),
                    node: Some(index),
                    case: Case::of_node(volume.clone()),
                });
            }
        }
    }
    subjects
}

fn subject<'a>(
    names: &Names,
    nodes: &[Node<'a>],
    intake: &'a Intake,
    said: &[Named],
) -> Subject<'a> {
    let places: Vec<Place> = nodes
        .iter()
        .map(|node| ledger::find(names, node, &intake.objects, said))
        .collect();
    let node = last_holder(nodes, &places);
    let volume = node.and_then(|index| match &places[index] {
        Place::At(dev) => Some(nodes[index].volume(*dev)),
        _ => None,
    });
    let told = (OUTSIDE..)
        .zip(&intake.events)
        .filter(|(_, event)| names.concerns(event))
        .map(|(id, event)| Told { id, event });
    let objects = &intake.objects;
    let outside = Outside {
        disk_id: names.disk_id.clone(),
        told: told.collect(),
        claim: names
            .claim
            .as_ref()
            .and_then(|claim| objects.claims.get(claim)),
        volume: names.pv.as_ref().and_then(|pv| objects.volumes.get(pv)),
        strays: Vec::new(),
        spans: intake.spans.clone(),
    };
    let missing = missing(names, nodes, &places, &outside);
    Subject {
        names: names.clone(),
        node,
        case: Case {
            volume,
            outside,
            overlap: Overlap::default(),
            missing,
        },
    }
}

/// Of the nodes that had the volume, the one that has it last: a volume may move.
fn last_holder(nodes: &[Node], places: &[Place]) -> Option<usize> {
    let held = places.iter().enumerate().filter_map(|(index, place)| {
        let Place::At(dev) = place else { return None };
        let recording = nodes[index].recording;
        let device = recording.devices().device(*dev);
        let gone = device.is_none_or(|device| device.removed);
        let end = recording.real(recording.end_ns()).map(|at| at.t_ns);
        Some((!gone, end, index))
    });
    held.max().map(|(_, _, index)| index)
}

/// What would have to be there to say more.
fn missing(names: &Names, nodes: &[Node], places: &[Place], outside: &Outside) -> Vec<String> {
    let mut missing = Vec::new();
    let found = places.iter().any(|place| matches!(place, Place::At(_)));
    let called = names.disk_id.as_deref().or(names.pv.as_deref());
    for place in places {
        if let Place::Ambiguous(devices) = place {
            missing.push(format!(
                "{} may be {}: say which with --disk {}=DEVICE",
                called.unwrap_or("the disk"),
                devices.join(" or "),
                called.unwrap_or("ID")
            ));
        }
    }
    if nodes.is_empty() {
        missing.push("no recording of its node".to_owned());
    } else if !found && missing.is_empty() {
        let hosts = nodes
            .iter()
            .filter_map(|node| Some(node.recording.session()?.host.clone()));
        missing.push(format!(
            "no device of {} is known to be {} (--disk {}=DEVICE says so)",
            hosts.collect::<Vec<_>>().join(", "),
            called.unwrap_or("it"),
            called.unwrap_or("ID")
        ));
    }
    let told = outside.last_call().is_some() || outside.request().is_some();
    if told && outside.trail().is_none() {
        missing.push("no trail of the cloud's API calls".to_owned());
    }
    let written = |told: &&Told| matches!(told.event.detail, Detail::PvcSpec(_));
    if outside.is_claimed() && !outside.told.iter().any(|told| written(&told)) {
        missing.push("no Kubernetes audit log: when the claim was changed is not known".to_owned());
    }
    missing
}

/// Calls for disks that no claim asked to grow.
fn strays<'a>(subjects: &[Subject<'a>]) -> Vec<Call<'a>> {
    let unasked = subjects.iter().filter(|subject| {
        let request = subject.case.outside.request();
        request.and_then(|request| request.told).is_none()
    });
    unasked
        .flat_map(|subject| subject.case.outside.calls())
        .collect()
}

impl<'a> Subject<'a> {
    fn volume(&self) -> Option<&Volume<'a>> {
        self.case.volume.as_ref()
    }

    fn row(&self, host: Option<String>, number: impl Fn(u64) -> u64) -> Correlation {
        let mut finding = self.verdict();
        let (verdict, summary, confidence) = match &finding {
            Some(finding) => (
                finding.rule,
                finding.summary.clone(),
                confidence(finding, |id| self.case.outside.event(id)),
            ),
            None => self.uneventful(),
        };
        let mut missing = self.case.missing.clone();
        missing.extend(finding.as_ref().and_then(|finding| finding.doubt.clone()));
        let mut layers = ledger::layers(&self.case);
        if let Some(finding) = &mut finding {
            finding.renumber(&number);
        }
        for evidence in layers.iter_mut().flat_map(|layer| &mut layer.evidence) {
            evidence.renumber(&number);
        }
        let on_node = self.volume().map(|volume| {
            let devices = volume.recording.devices();
            devices.claim(volume.dev)
        });
        let (pv, pod) = on_node.unwrap_or_default();
        let claim = self.names.claim.as_ref();
        Correlation {
            disk_id: self.names.disk_id.clone(),
            host,
            device: self.volume().map(|volume| volume.name.clone()),
            pv: self.names.pv.clone().or(pv),
            pvc: claim.map(|(namespace, name)| format!("{namespace}/{name}")),
            pod,
            verdict,
            summary,
            confidence,
            missing,
            layers,
            finding,
        }
    }

    /// The verdict on a volume that no rule has anything to say of.
    fn uneventful(&self) -> (&'static str, String, Confidence) {
        let full = self.volume().and_then(Volume::is_full_size);
        match full {
            Some(true) => (
                "resize/ok",
                "nothing is known to have been asked for; the file system fills its device"
                    .to_owned(),
                Confidence::Likely,
            ),
            _ => (
                "resize/unknown",
                "nothing is known to have been asked for, or to have happened".to_owned(),
                Confidence::Possible,
            ),
        }
    }

    /// The verdict. Where the node's clock is not synchronised and the answer
    /// hangs on it, that is the answer.
    fn verdict(&self) -> Option<Finding> {
        let verdict = rules::verdict(&self.case)?;
        let other = Case {
            overlap: Overlap::NodeBefore,
            ..self.case.clone()
        };
        let other = rules::verdict(&other);
        let same = other
            .as_ref()
            .is_some_and(|other| other.rule == verdict.rule);
        let clock = self.volume().map(|volume| &volume.recording.totals().clock);
        if same || clock.is_none_or(|clock| clock.unsynchronised == 0) {
            return Some(verdict);
        }
        let name = |finding: Option<&Finding>| finding.map_or("nothing", |f| f.rule);
        let or = name(other.as_ref());
        Some(rules::undecided(&verdict, or))
    }
}

impl Correlation {
    /// One row for each disk that has an id, and each volume with a story.
    fn is_worth_a_row(&self) -> bool {
        let told = |row: &LayerRow| row.state == LayerState::Done && row.time.is_some();
        self.disk_id.is_some()
            || self.finding.is_some()
            || self.pvc.is_some()
            || self.layers.iter().any(told)
    }
}

/// What somebody should look at first.
fn sort(rows: &mut [Correlation]) {
    rows.sort_by_cached_key(|row| {
        let severity = row.finding.as_ref().map(|finding| finding.severity);
        let rank = rules::rank(row.verdict);
        (
            std::cmp::Reverse(severity),
            rank,
            row.disk_id.clone(),
            row.pvc.clone(),
            row.device.clone(),
        )
    });
}

#[cfg(test)]
#[path = "correlate_tests.rs"]
mod tests;
