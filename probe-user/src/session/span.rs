//! A part of the time that a recording covers.

use std::str::FromStr;
use std::time::Duration;

use crate::model;

/// A moment of a recording, as a user names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Real time, ns since the Unix epoch.
    Real(i64),
    /// So long after the start: `+5m`.
    AfterStart(Duration),
    /// So long before the end: `-5m`.
    BeforeEnd(Duration),
}

/// From one moment to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Its start; none: that of the recording.
    pub from: Option<Moment>,
    /// Its end; none: that of the recording.
    pub to: Option<Moment>,
}

/// The text names no moment.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "give a time such as 2026-03-11T07:14:00Z, or one from the start (+5m) or before the end (-30s)"
)]
pub struct NoMoment;

impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        let distance = |text: &str| {
            let parsed: jiff::SignedDuration = text.parse().map_err(|_| NoMoment)?;
            Duration::try_from(parsed).map_err(|_| NoMoment)
        };
        if let Some(after) = text.strip_prefix('+') {
            return Ok(Self::AfterStart(distance(after)?));
        }
        if let Some(before) = text.strip_prefix('-') {
            return Ok(Self::BeforeEnd(distance(before)?));
        }
        let time: jiff::Timestamp = text.parse().map_err(|_| NoMoment)?;
        i64::try_from(time.as_nanosecond())
            .map(Self::Real)
            .map_err(|_| NoMoment)
    }
}

impl Span {
    /// All of a recording.
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// The span in boot times of a recording, ns.
    pub(super) fn boot_times(&self, recording: &model::Recording) -> (u64, u64) {
        let (start, end) = (recording.start_ns(), recording.end_ns());
        let at = |moment: Moment| match moment {
            Moment::AfterStart(after) => start.saturating_add(after.as_nanos() as u64),
            Moment::BeforeEnd(before) => end.saturating_sub(before.as_nanos() as u64),
            Moment::Real(t_ns) => boot_time(recording, t_ns, start, end),
        };
        (self.from.map_or(start, at), self.to.map_or(end, at))
    }
}

/// The first boot time within the recording whose real time is not before this
/// one. A clock that was set back tells some times twice; then the first.
fn boot_time(recording: &model::Recording, t_ns: i64, start: u64, end: u64) -> u64 {
    let (mut low, mut high) = (start, end.saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        if recording.real(middle).is_some_and(|at| at.t_ns < t_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::{SECOND, Story};
    use crate::sink::Sink;

    fn moment(text: &str) -> Result<Moment, NoMoment> {
        text.parse()
    }

    #[test]
    fn moments_are_times_or_distances() {
        assert_eq!(
            moment("+5m"),
            Ok(Moment::AfterStart(Duration::from_mins(5)))
        );
        assert_eq!(
            moment("-1h30m"),
            Ok(Moment::BeforeEnd(Duration::from_mins(90)))
        );
        assert_eq!(
            moment("1970-01-01T00:00:01.5Z"),
            Ok(Moment::Real(1_500_000_000))
        );
        assert_eq!(
            moment("1970-01-01T02:00:01+02:00"),
            Ok(Moment::Real(1_000_000_000))
        );
        for text in ["", "5m", "+", "--5m", "yesterday", "2026-03-11"] {
            assert_eq!(moment(text), Err(NoMoment), "{text}");
        }
    }

    #[test]
    fn all_ways_name_the_same_time() {
        let mut story = Story::new();
        story.at(60_000).end(60_000);
        let mut recording = model::Recording::default();
        for window in &story.windows {
            recording.window(window).unwrap();
        }
        for text in ["+20s", "-40s", "2026-03-11T07:14:20Z"] {
            let span = Span {
                from: Some(moment(text).unwrap()),
                to: None,
            };
            assert_eq!(
                span.boot_times(&recording),
                (20 * SECOND, 60 * SECOND),
                "{text}"
            );
        }
    }
}
