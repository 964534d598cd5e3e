//! Times of log lines, which often lack the year and the zone.

use super::external::Interval;
use super::time;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// A time as a log line has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stamp {
    /// With date and zone.
    Full(Interval),
    /// Without zone, and perhaps without year.
    Bare {
        year: Option<i16>,
        month: i8,
        day: i8,
        time: Time,
        /// Width of the time, ns.
        precision: i64,
    },
}

/// What is to be put in where a stamp lacks it.
#[derive(Clone, Debug)]
pub(super) struct Assumed {
    /// Year of the last line.
    pub(super) year: i16,
    /// Zone.
    pub(super) zone: TimeZone,
}

impl Stamp {
    /// The moment, for a line that was written `years_before` the last one.
    pub(super) fn resolve(self, assumed: &Assumed, years_before: i16) -> Option<Interval> {
        match self {
            Self::Full(at) => Some(at),
            Self::Bare {
                year,
                month,
                day,
                time,
                precision,
            } => {
                let year = year.unwrap_or(assumed.year - years_before);
                let at = Date::new(year, month, day).ok()?.to_datetime(time);
                let at = assumed.zone.to_ambiguous_zoned(at).compatible().ok()?;
                let start = time::nanoseconds(at.timestamp())?;
                Some(Interval::truncated(start, precision))
            }
        }
    }

    /// This bare stamp, placed in time by another one of the same line that is
    /// full but coarser: a runtime's or journal's prefix before a klog header.
    pub(super) fn placed_by(self, outer: Interval) -> Self {
        const QUARTER: i64 = 15 * 60 * 1_000_000_000;
        let Self::Bare {
            month,
            day,
            time,
            precision,
            ..
        } = self
        else {
            return self;
        };
        let year = jiff::Timestamp::from_nanosecond(i128::from(outer.start_ns))
            .map_or(1970, |at| at.to_zoned(TimeZone::UTC).year());
        let candidates = [year - 1, year, year + 1].into_iter().filter_map(|year| {
            let at = DateTime::from_parts(Date::new(year, month, day).ok()?, time);
            let utc = time::nanoseconds(TimeZone::UTC.to_timestamp(at).ok()?)?;
            // The zone of the inner stamp is the whole quarter of an hour
            // between the two.
            let zone = (utc - outer.start_ns + QUARTER / 2).div_euclid(QUARTER) * QUARTER;
            let at = Interval::truncated(utc - zone, precision);
            (zone.abs() <= 57 * QUARTER && at.start_ns.abs_diff(outer.start_ns) < 60_000_000_000)
                .then_some(at)
        });
        candidates
            .min_by_key(|at| at.start_ns.abs_diff(outer.start_ns))
            .map_or(Self::Full(outer), Self::Full)
    }

    /// Month and day, where the year is missing: to notice a new year.
    pub(super) fn month_and_day(self) -> Option<(i8, i8)> {
        match self {
            Self::Bare {
                year: None,
                month,
                day,
                ..
            } => Some((month, day)),
            _ => None,
        }
    }
}

/// `hh:mm:ss` with an optional fraction after `.` or `,`; also its width in ns.
pub(super) fn time_of_day(text: &str) -> Option<(Time, i64)> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let mut parts = whole.split(':');
    let mut next = || {
        parts
            .next()
            .filter(|part| part.len() == 2)?
            .parse::<i8>()
            .ok()
    };
    let (hour, minute, second) = (next()?, next()?, next()?);
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || fraction.len() > 9 {
        return None;
    }
    let nanosecond = format!("{fraction:0<9}").parse::<i32>().ok()?;
    let time = Time::new(hour, minute, second, nanosecond).ok()?;
    Some((time, time::precision(fraction.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(month: i8, day: i8, text: &str) -> Stamp {
        let (time, precision) = time_of_day(text).unwrap();
        Stamp::Bare {
            year: None,
            month,
            day,
            time,
            precision,
        }
    }

    #[test]
    fn a_bare_stamp_takes_the_assumed_year_and_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        let at = bare(3, 11, "15:14:57.963218").resolve(&Assumed { year: 2026, zone }, 0);
        assert_eq!(at, time::rfc3339("2026-03-11T07:14:57.963218Z"));
    }

    #[test]
    fn a_prefix_places_a_bare_stamp() {
        let outer = time::rfc3339("2026-01-01T00:00:01Z").unwrap();
        // A container in UTC+8 on New Year's night, 30 ms before the prefix.
        let at = bare(1, 1, "08:00:00.970000").placed_by(outer);
        assert_eq!(
            Some(at),
            time::rfc3339("2026-01-01T00:00:00.970000Z").map(Stamp::Full)
        );
        let at = bare(12, 31, "23:59:59.970000").placed_by(outer);
        assert_eq!(
            Some(at),
            time::rfc3339("2025-12-31T23:59:59.970000Z").map(Stamp::Full)
        );
    }

    #[test]
    fn other_text_is_no_time_of_day() {
        for text in [
            "",
            "7:14:57",
            "07:14",
            "07:14:5x",
            "25:00:00",
            "07:14:57.1234567890",
        ] {
            assert_eq!(time_of_day(text), None, "{text}");
        }
    }
}
