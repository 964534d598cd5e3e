//! Times of log lines, which often lack the year and the zone.

use crate::cloud::{Interval, time};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

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
    /// ns since the node booted, on the clock of the kernel's log.
    SinceBoot {
        ns: i64,
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
    /// When the node booted.
    pub(super) booted: Option<Interval>,
}

/// How far the clock of the kernel's log may run from the node's, which is
/// corrected while it runs and that one is not: a ten-thousandth, as crystals go.
const DRIFT: i64 = 10_000;

impl Stamp {
    /// The moment, for a line that was written `years_before` the last one. The
    /// error says why there is none.
    pub(super) fn resolve(self, assumed: &Assumed, years_before: i16) -> Result<Interval, String> {
        match self {
            Self::Full(at) => Ok(at),
            Self::SinceBoot { ns, precision } => {
                let booted = assumed.booted.ok_or(
                    "its time counts from the node's boot: only with a recording of that boot, and \
                     of no other, is it known",
                )?;
                let drift = ns / DRIFT;
                Ok(Interval {
                    start_ns: booted.start_ns.saturating_add(ns - drift),
                    end_ns: booted.end_ns.saturating_add(ns + drift + precision - 1),
                })
            }
            Self::Bare {
                year,
                month,
                day,
                time,
                precision,
            } => {
                let year = year.unwrap_or(assumed.year.saturating_sub(years_before));
                let at = Date::new(year, month, day)
                    .map_err(|_| format!("there is no {year}-{month:02}-{day:02} (--log-year)"))?
                    .to_datetime(time);
                moment(at, &assumed.zone, precision)
            }
        }
    }

    /// This bare stamp, which is in UTC.
    pub(super) fn in_utc(self) -> Option<Self> {
        let assumed = Assumed {
            year: 0,
            zone: TimeZone::UTC,
            booted: None,
        };
        self.resolve(&assumed, 0).ok().map(Self::Full)
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
            // Counted from the boot, or known already.
            return match self {
                Self::Full(_) => self,
                _ => Self::Full(outer),
            };
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

    /// Whether it counts from the node's boot.
    pub(super) fn is_since_boot(self) -> bool {
        matches!(self, Self::SinceBoot { .. })
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

/// The moment of a local time. One that occurs twice, as clocks are set back, may
/// be either; one that never occurs shows that the zone is another.
fn moment(at: DateTime, zone: &TimeZone, precision: i64) -> Result<Interval, String> {
    let wrong = |_| format!("{at} is out of range");
    let ambiguous = zone.to_ambiguous_timestamp(at);
    if let AmbiguousOffset::Gap { .. } = ambiguous.offset() {
        return Err(format!(
            "there is no {at} in its time zone: clocks were set forward (--log-tz)"
        ));
    }
    let earlier = ambiguous.earlier().map_err(wrong)?;
    let later = ambiguous.later().map_err(wrong)?;
    let ns = |at| time::nanoseconds(at).ok_or_else(|| "its time is out of range".to_owned());
    Ok(Interval {
        start_ns: ns(earlier)?,
        end_ns: Interval::truncated(ns(later)?, precision).end_ns,
    })
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
    // A leap second has no place of its own.
    let time = Time::new(hour, minute, second.min(59), nanosecond).ok()?;
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

    fn assumed(zone: TimeZone) -> Assumed {
        Assumed {
            year: 2026,
            zone,
            booted: None,
        }
    }

    #[test]
    fn a_time_that_occurs_twice_may_be_either() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let at = bare(10, 25, "02:30:00")
            .resolve(&assumed(berlin), 0)
            .unwrap();
        let hour = 3_600_000_000_000;
        assert_eq!(at.end_ns - at.start_ns, hour + 1_000_000_000 - 1);
        let first = time::rfc3339("2026-10-25T00:30:00Z").unwrap();
        assert_eq!(at.start_ns, first.start_ns);
    }

    #[test]
    fn a_time_that_never_is_has_its_reason() {
        let berlin = assumed(TimeZone::get("Europe/Berlin").unwrap());
        let skipped = bare(3, 29, "02:30:00").resolve(&berlin, 0).unwrap_err();
        assert!(skipped.contains("--log-tz"), "{skipped}");
        let leap = bare(2, 29, "02:30:00").resolve(&berlin, 0).unwrap_err();
        assert!(leap.contains("2026-02-29"), "{leap}");
        assert!(bare(2, 29, "02:30:00").resolve(&berlin, 2).is_ok());
    }

    #[test]
    fn a_time_since_boot_needs_the_boot() {
        let stamp = Stamp::SinceBoot {
            ns: 1_000_000_000_000,
            precision: 1000,
        };
        let mut known = assumed(TimeZone::UTC);
        assert!(stamp.resolve(&known, 0).is_err());
        known.booted = Some(Interval {
            start_ns: 5_000_000_000,
            end_ns: 5_000_000_100,
        });
        // A thousand seconds on, the clocks may be 0.1 s apart.
        let at = stamp.resolve(&known, 0).unwrap();
        assert_eq!(at.start_ns, 1_004_900_000_000);
        assert_eq!(at.end_ns, 1_005_100_001_099);
    }

    #[test]
    fn a_bare_stamp_takes_the_assumed_year_and_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        let at = bare(3, 11, "15:14:57.963218").resolve(&assumed(zone), 0);
        assert_eq!(at.ok(), time::rfc3339("2026-03-11T07:14:57.963218Z"));
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
