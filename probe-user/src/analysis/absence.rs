//! Proof that something did not happen.
//!
//! Two independent ways, each with the time for which it holds: *by events*, if
//! a probe that would have seen it worked without a hole all that time; *by
//! state*, if what it would have changed was read before and after and is the
//! same. State alone supports "it did not grow"; both together support "nobody
//! resized it". Where neither holds, the answer is the reasons why.

use super::finding::Evidence;
use super::times::Times;
use crate::model::{Recording, Runs};
use crate::sample::probe_status::{Hook, State};
use crate::sample::{ModuleChange, ProbeStatus};

/// What a proof rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The probe was there and saw nothing.
    Events,
    /// What would have changed did not.
    State,
    /// Both.
    Both,
}

impl Basis {
    /// The word in the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::State => "state",
            Self::Both => "both",
        }
    }
}

/// A thing that did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence {
    /// In words: `resize of vdb`.
    pub what: String,
    /// The probe that would have seen it, where events are part of the basis.
    pub probes: Vec<&'static str>,
    /// Boot time from which it holds, ns.
    pub from_ns: u64,
    /// Boot time up to which it holds, ns.
    pub to_ns: u64,
    /// On what it rests.
    pub basis: Basis,
}

impl Absence {
    /// As evidence of a finding.
    pub(crate) fn evidence(&self, recording: &Recording) -> Evidence {
        let times = Times(recording);
        Evidence::Absence {
            what: self.what.clone(),
            probes: self.probes.iter().map(|&probe| probe.to_owned()).collect(),
            from: times.text(self.from_ns),
            to: times.text(self.to_ns),
            basis: self.basis.name(),
        }
    }
}

/// What a probe would have seen.
#[derive(Clone, Copy, Debug)]
pub struct Watch<'a> {
    /// The probe.
    pub probe: &'static str,
    /// Kinds of loss that may have hidden it.
    pub losses: &'static [&'static str],
    /// File system whose hooks matter; others may be missing.
    pub fs: Option<&'a str>,
}

impl<'a> Watch<'a> {
    /// Resizes of a file system of this type.
    pub fn resizes(fs: &'a str) -> Self {
        Self {
            probe: "resize",
            losses: &["ring/resize", "resize/lost-return"],
            fs: Some(fs),
        }
    }

    /// The resize calls of a tool, by its name: of another than those that grow one
    /// kind of file system, all that the loaded modules have.
    pub fn calls_of(tool: &str) -> Self {
        let fs = match tool {
            "resize2fs" => Some("ext4"),
            "xfs_growfs" => Some("xfs"),
            _ => None,
        };
        Self {
            fs,
            ..Self::resizes("")
        }
    }

    /// Starts and ends of tools.
    pub fn tools() -> Self {
        Self {
            probe: "exec",
            losses: &["ring/exec", "watched"],
            fs: None,
        }
    }

    /// Changes of capacity and of partitions.
    pub fn capacity() -> Self {
        Self {
            probe: "capacity",
            losses: &["ring/capacity"],
            fs: None,
        }
    }
}

/// Reading once a minute at least, and at the end: a proof by state that stops
/// this much before the end of the recording still covers it.
const END_SLACK_NS: u64 = 10_000_000_000;

/// That `what` did not happen from a time to the end of the recording, given
/// that no such event is in it. `state` are readings of what it would have
/// changed. The error says why nobody can tell.
pub fn since(
    recording: &Recording,
    what: String,
    watch: Watch,
    state: Option<&Runs>,
    from_ns: u64,
) -> Result<Absence, Vec<String>> {
    let end_ns = recording.end_ns();
    let events = by_events(recording, watch, from_ns, end_ns);
    let state_to = state.and_then(|runs| unchanged_since(runs, from_ns));
    let reaches_end = state_to.is_some_and(|to| to.saturating_add(END_SLACK_NS) >= end_ns);
    let (basis, probes, to_ns) = match (events, state_to) {
        (Ok(()), Some(to)) if reaches_end => (Basis::Both, vec![watch.probe], to.min(end_ns)),
        (Ok(()), _) => (Basis::Events, vec![watch.probe], end_ns),
        (Err(_), Some(to)) => (Basis::State, Vec::new(), to),
        (Err(mut why), None) => {
            why.push("its size was not read before and after".to_owned());
            return Err(why);
        }
    };
    Ok(Absence {
        what,
        probes,
        from_ns,
        to_ns,
        basis,
    })
}

/// The time of the last reading, if from `from_ns` on all readings are the same
/// as the last one before it, and there is one after it.
fn unchanged_since(runs: &Runs, from_ns: u64) -> Option<u64> {
    let last = runs.all().last()?;
    (last.first_ns <= from_ns && last.last_ns > from_ns).then_some(last.last_ns)
}

/// Whether the probe would have seen everything in this time. The error says
/// what is in the way.
pub fn by_events(
    recording: &Recording,
    watch: Watch,
    from_ns: u64,
    to_ns: u64,
) -> Result<(), Vec<String>> {
    let probe = watch.probe;
    let mut why = Vec::new();
    if from_ns < recording.start_ns() || to_ns > recording.end_ns() {
        why.push("the recording does not cover the time".to_owned());
    }
    let statuses = recording.probes().during(probe, from_ns, to_ns);
    match statuses.first() {
        None => why.push(format!("probe {probe} is not in the recording")),
        Some(first) if first.boot_ns > from_ns => {
            why.push(format!("probe {probe} was attached later"));
        }
        Some(_) => {}
    }
    why.extend(statuses.iter().filter_map(|status| blind(status, watch)));
    let overlaps = |from: u64, to: u64| from < to_ns && to > from_ns;
    let mut missed = recording.missed().iter();
    if missed.any(|m| m.what == probe && overlaps(m.from_ns, m.to_ns)) {
        why.push(format!("the kernel skipped runs of probe {probe}"));
    }
    let losses = recording.losses().iter();
    let hidden = losses.filter(|loss| watch.losses.contains(&loss.what.as_str()));
    for loss in hidden.filter(|loss| overlaps(loss.from_ns, loss.to_ns)) {
        why.push(format!("{} {} lost", loss.count, loss.what));
    }
    for gap in recording.gaps() {
        let to = if gap.to_boot_ns == 0 {
            u64::MAX
        } else {
            gap.to_boot_ns
        };
        let concerns = gap.probe.is_empty() || gap.probe == probe;
        if concerns && overlaps(gap.from_boot_ns, to) {
            why.push(format!("gap: {}", gap.why));
        }
    }
    if let Some(fs) = watch.fs {
        let unloaded = |(at, change): (u64, &ModuleChange)| {
            !change.loaded && change.name == fs && (from_ns..=to_ns).contains(&at)
        };
        if recording.modules().any(unloaded) {
            why.push(format!("module {fs} was unloaded"));
        }
    }
    if why.is_empty() { Ok(()) } else { Err(why) }
}

/// Why a probe in this state may have seen nothing.
fn blind(status: &ProbeStatus, watch: Watch) -> Option<String> {
    let name = &status.name;
    if status.self_test.starts_with("failed") {
        return Some(format!("self-test of probe {name} {}", status.self_test));
    }
    if status.self_test.is_empty() {
        return Some(format!("probe {name} was not tested"));
    }
    let works = |hook: &&Hook| hook.state() == State::Attached;
    let matters = |hook: &&Hook| watch.fs.is_none_or(|fs| concerns(hook, fs));
    let mut hooks = status.hooks.iter().filter(matters);
    let all = hooks.clone().all(|hook| match hook.state() {
        State::Attached | State::Off => true,
        // Of a module that is not loaded nothing can be called.
        State::Waiting => watch.fs.is_none(),
        _ => false,
    });
    let sees = match status.state() {
        State::Attached => true,
        State::Partial | State::Waiting => all && hooks.any(|hook| works(&hook)),
        State::Off | State::Unsupported | State::Failed => false,
    };
    let state = crate::model::state_name(status.state());
    (!sees).then(|| format!("probe {name} was {state}"))
}

/// Whether a hook has to do with this file system: those that name another do
/// not.
fn concerns(hook: &Hook, fs: &str) -> bool {
    let names = |fs: &str| {
        [&hook.name, &hook.module, &hook.r#for]
            .iter()
            .any(|text| text.contains(fs))
    };
    names(fs) || !["ext4", "xfs"].into_iter().any(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::{MS, SECOND, Story, VDB};
    use crate::sample::Record;
    use crate::sample::event::Detail;

    /// Nobody resized `vdb` from second 10 on, in a recording of 60 s.
    fn nobody(change: impl Fn(&mut Story)) -> Result<Absence, Vec<String>> {
        let mut story = Story::new();
        story.at(9_000).measure(20, 20);
        story.at(20_000);
        change(&mut story);
        story.at(59_900).measure(20, 20).end(60_000);
        let recording = story.recording();
        let sizes = recording.devices().fs_sizes(VDB);
        since(
            &recording,
            "resize of vdb".to_owned(),
            Watch::resizes("ext4"),
            sizes,
            10 * SECOND,
        )
    }

    fn basis(change: impl Fn(&mut Story)) -> Basis {
        nobody(change).unwrap().basis
    }

    #[test]
    fn both_proofs_hold_on_a_quiet_node() {
        let absence = nobody(|_| {}).unwrap();
        assert_eq!(absence.basis, Basis::Both);
        assert_eq!((absence.from_ns, absence.to_ns), (10 * SECOND, 59_900 * MS));
        assert_eq!(absence.probes, ["resize"]);
    }

    #[test]
    fn a_hole_in_the_events_leaves_the_state() {
        let unload = |story: &mut Story| {
            let change = ModuleChange {
                name: "ext4".to_owned(),
                loaded: false,
            };
            story.event(1, "rmmod", Detail::Module(change));
        };
        let holes: [&dyn Fn(&mut Story); 8] = [
            &|story| _ = story.lose("ring/resize", 1),
            &|story| _ = story.lose("resize/lost-return", 1),
            &|story| _ = story.miss("resize", Some(1)),
            &|story| _ = story.gap("resize", 15_000, 16_000, "why"),
            &|story| _ = story.gap("", 15_000, 0, "why"),
            &|story| _ = story.probe("resize", State::Failed, "passed"),
            &|story| _ = story.probe("resize", State::Attached, "failed: nothing arrived"),
            &unload,
        ];
        for (number, hole) in holes.into_iter().enumerate() {
            assert_eq!(basis(hole), Basis::State, "hole {number}");
        }
    }

    #[test]
    fn what_does_not_concern_the_claim_does_no_harm() {
        let harmless: [&dyn Fn(&mut Story); 6] = [
            &|story| _ = story.lose("ring/exec", 1),
            &|story| _ = story.miss("copy", Some(1)),
            &|story| _ = story.miss("resize", None),
            &|story| _ = story.miss("resize", Some(0)),
            &|story| _ = story.gap("copy", 15_000, 16_000, "why"),
            &|story| _ = story.gap("resize", 1_000, 2_000, "before"),
        ];
        for (number, harmless) in harmless.into_iter().enumerate() {
            assert_eq!(basis(harmless), Basis::Both, "number {number}");
        }
    }

    #[test]
    fn hooks_of_the_other_file_system_may_wait() {
        let waiting = |story: &mut Story| {
            let hook = |name: &str, module: &str, state: State| Hook {
                name: name.to_owned(),
                module: module.to_owned(),
                state: state.into(),
                ..Hook::default()
            };
            story.put(Record::Probe(ProbeStatus {
                name: "resize".to_owned(),
                state: State::Partial.into(),
                self_test: "passed".to_owned(),
                hooks: vec![
                    hook("__ext4_ioctl", "", State::Attached),
                    hook("xfs_file_ioctl", "xfs", State::Waiting),
                ],
                boot_ns: 20 * SECOND,
                ..ProbeStatus::default()
            }));
        };
        assert_eq!(basis(waiting), Basis::Both);
    }

    #[test]
    fn a_size_that_changed_leaves_the_events() {
        assert_eq!(basis(|story| _ = story.measure(20, 21)), Basis::Events);
    }

    #[test]
    fn without_either_nothing_is_claimed() {
        let why = nobody(|story| _ = story.measure(20, 21).lose("ring/resize", 2)).unwrap_err();
        assert_eq!(
            why,
            [
                "2 ring/resize lost",
                "its size was not read before and after"
            ]
        );
    }

    #[test]
    fn a_time_before_the_probe_was_there_is_not_covered() {
        let mut story = Story::bare();
        story
            .at(5_000)
            .probe("resize", State::Attached, "passed")
            .end(60_000);
        let recording = story.recording();
        let watch = Watch::resizes("ext4");
        assert!(by_events(&recording, watch, 4 * SECOND, 60 * SECOND).is_err());
        assert!(by_events(&recording, watch, 5 * SECOND, 60 * SECOND).is_ok());
        assert!(by_events(&recording, watch, 5 * SECOND, 61 * SECOND).is_err());
    }
}
