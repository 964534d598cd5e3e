//! With what was recorded, and what is missing.

use super::{
    ClockRow, Completeness, FoldedRow, GapRow, HookRow, LostRow, ProbeRow, SessionRow, UnknownRow,
};
use crate::analysis::times::Times;
use crate::model::{Folded, Interval, Recording, state_name};
use crate::sample::probe_status::{Hook, State};
use crate::sample::{Gap, ProbeStatus};
use crate::units::sum;

/// Losses of these kinds are an overflow of series, not a loss of events.
const OVERFLOW: &str = "series/";

/// Where, when and with what was recorded.
pub(crate) fn session(recording: &Recording) -> SessionRow {
    let times = Times(recording);
    let session = recording.session();
    let text = |get: fn(&crate::sample::Session) -> &String| {
        session.map(get).filter(|text| !text.is_empty()).cloned()
    };
    SessionRow {
        host: text(|s| &s.host),
        kernel: text(|s| &s.kernel),
        boot_id: text(|s| &s.boot_id),
        start: times.text(recording.start_ns()),
        end: times.text(recording.end_ns()),
        duration_ns: recording.end_ns().saturating_sub(recording.start_ns()),
        version: text(|s| &s.version),
        filters: session.map(|s| s.filters.clone()).unwrap_or_default(),
        part: session.filter(|s| s.stream != 0).map(|s| s.part),
        own_pid: session.map(|s| s.own_pid).filter(|&pid| pid != 0),
        probes: probes(recording),
    }
}

/// The probes, as at the end.
pub(crate) fn probes(recording: &Recording) -> Vec<ProbeRow> {
    let latest = recording.totals().probes.values();
    latest.map(|status| probe(recording, status)).collect()
}

fn probe(recording: &Recording, status: &ProbeStatus) -> ProbeRow {
    ProbeRow {
        name: status.name.clone(),
        state: state_name(status.state()),
        self_test: text(&status.self_test),
        missed_runs: missed_runs(recording, status),
        reason: text(&status.reason),
        hooks: status.hooks.iter().map(hook).collect(),
    }
}

fn hook(hook: &Hook) -> HookRow {
    HookRow {
        name: hook.name.clone(),
        how: hook.how.clone(),
        gives: hook.r#for.clone(),
        state: state_name(hook.state()),
        reason: text(&hook.reason),
    }
}

/// Runs that the kernel skipped. A probe that does not run has none to skip, and
/// a kernel that does not count them leaves them unknown, unless some are known.
fn missed_runs(recording: &Recording, status: &ProbeStatus) -> Option<u64> {
    let all = &recording.totals().missed;
    let of_probe = all.iter().filter(|((probe, _), _)| *probe == status.name);
    let mut sum = 0_u64;
    let mut uncounted = !matches!(
        status.state(),
        State::Attached | State::Partial | State::Waiting
    );
    for (_, count) in of_probe {
        match count {
            Some(count) => sum = sum.saturating_add(*count),
            None => uncounted = true,
        }
    }
    (sum > 0 || !uncounted).then_some(sum)
}

/// What is missing.
pub(crate) fn completeness(recording: &Recording) -> Completeness {
    let reading = recording.reading();
    let times = Times(recording);
    let failed = recording
        .totals()
        .probes
        .values()
        .flat_map(|p| failed_hooks(recording, p));
    let gaps: Vec<GapRow> = recording
        .gaps()
        .map(|gap| gap_row(times, &gap))
        .chain(failed)
        .collect();
    let lost = lost(recording, recording.losses());
    let losses = recording.totals().losses.iter();
    let overflow = losses.filter(|(kind, _)| kind.starts_with(OVERFLOW));
    let series_overflow = sum(overflow.map(|(_, loss)| loss.count));
    let no_missed = recording
        .totals()
        .missed
        .values()
        .all(|count| count.unwrap_or(0) == 0);
    let truncated = reading.truncated || recording.ended().is_none();
    Completeness {
        complete: !truncated
            && reading.trailing_bytes == 0
            && reading.damaged_frames == 0
            && gaps.is_empty()
            && lost.is_empty()
            && series_overflow == 0
            && reading.unknown.is_empty()
            && recording.totals().not_kept == 0
            && no_missed,
        truncated,
        damaged_frames: reading.damaged_frames,
        gaps,
        lost,
        series_overflow,
        ended: recording.ended().map(|end| end.why.clone()),
        unchecked_frames: reading.unchecked_frames,
        unknown: reading.unknown.iter().map(unknown).collect(),
        not_kept: recording.totals().not_kept,
    }
}

fn unknown((kind, count): (&String, &u64)) -> UnknownRow {
    UnknownRow {
        kind: kind.clone(),
        count: *count,
    }
}

/// Entries of the timeline that are only counted.
pub(crate) fn folded(recording: &Recording) -> Vec<FoldedRow> {
    let times = Times(recording);
    let row = |(kind, folded): (&str, Folded)| FoldedRow {
        kind: kind.to_owned(),
        count: folded.count,
        from: times.text(folded.from_ns),
        to: times.text(folded.to_ns),
    };
    recording.folded().map(row).collect()
}

fn gap_row(times: Times, gap: &Gap) -> GapRow {
    let end = if gap.to_boot_ns == 0 {
        times.0.end_ns()
    } else {
        gap.to_boot_ns
    };
    GapRow {
        host: None,
        from: times.text(gap.from_boot_ns),
        to: times.text(end),
        probe: text(&gap.probe),
        why: gap.why.clone(),
    }
}

/// A hook that should work on this kernel and does not is a gap for as long as
/// the recording lasts.
fn failed_hooks(recording: &Recording, status: &ProbeStatus) -> Vec<GapRow> {
    let times = Times(recording);
    let row = |name: &str, reason: &str| GapRow {
        host: None,
        from: times.text(recording.start_ns()),
        to: times.text(recording.end_ns()),
        probe: Some(status.name.clone()),
        why: match reason {
            "" => format!("{name} failed"),
            why => format!("{name} failed: {why}"),
        },
    };
    let hooks = status
        .hooks
        .iter()
        .filter(|hook| hook.state() == State::Failed);
    let mut rows: Vec<_> = hooks.map(|hook| row(&hook.name, &hook.reason)).collect();
    if rows.is_empty() && status.state() == State::Failed {
        rows.push(row(&status.name, &status.reason));
    }
    rows
}

/// Losses but those of series.
pub(crate) fn lost(recording: &Recording, losses: &[Interval]) -> Vec<LostRow> {
    let times = Times(recording);
    let events = losses
        .iter()
        .filter(|loss| !loss.what.starts_with(OVERFLOW));
    let row = |loss: &Interval| LostRow {
        host: None,
        kind: loss.what.clone(),
        count: loss.count,
        from: times.text(loss.from_ns),
        to: times.text(loss.to_ns),
    };
    events.map(row).collect()
}

/// How good the times are.
pub(crate) fn clock(recording: &Recording) -> ClockRow {
    let clock = &recording.totals().clock;
    let known = clock.anchors > 0;
    ClockRow {
        synchronised: known.then_some(clock.unsynchronised == 0),
        max_error_ns: known.then_some(clock.max_error_ns),
        anchors: clock.anchors,
        steps: clock.step_count,
    }
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
