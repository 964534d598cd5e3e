//! Times as sources write them, with the precision they have.

use super::external::Interval;
use jiff::Timestamp;

const SECOND: i64 = 1_000_000_000;

/// RFC 3339, with or without a fraction: `2026-03-11T07:14:56Z`,
/// `2026-03-11T07:14:57.963218+00:00`. As wide as its last digit.
pub fn rfc3339(text: &str) -> Option<Interval> {
    let text = text.trim();
    let at: Timestamp = text.parse().ok()?;
    let digits = text.split_once(['.', ',']).map_or(0, |(_, rest)| {
        rest.bytes().take_while(u8::is_ascii_digit).count()
    });
    Some(Interval::truncated(nanoseconds(at)?, precision(digits)))
}

/// The same as others write it too: `,` before the fraction (`dmesg`, Python), a
/// zone without its colon (systemd, zap).
pub fn iso(text: &str) -> Option<Interval> {
    let text = text.trim();
    let at = text.replacen(',', ".", 1);
    rfc3339(&at).or_else(|| {
        let (before, minutes) = at.split_at_checked(at.len().checked_sub(2)?)?;
        let zone = before.len().checked_sub(3)?;
        let has_sign = matches!(before.as_bytes()[zone], b'+' | b'-');
        has_sign.then(|| rfc3339(&format!("{before}:{minutes}")))?
    })
}

/// Seconds, milliseconds, microseconds or nanoseconds since the epoch, told
/// apart by their size (as all are between 2001 and 2286).
pub fn epoch(number: f64, is_integer: bool) -> Option<Interval> {
    let (unit, value) = match number.abs() {
        n if n < 1e9 => return None,
        n if n < 1e10 => (SECOND, number),
        n if n < 1e13 => (SECOND / 1000, number),
        n if n < 1e16 => (1000, number),
        n if n < 1e19 => (1, number),
        _ => return None,
    };
    // Apart, as 2^53 ns are only some months.
    let whole = value.trunc() as i64 * unit;
    // A fraction of such a number is good to about a microsecond.
    let precision = if is_integer { unit } else { unit.min(1000) };
    let parts = (value.fract() * (unit / precision) as f64).round() as i64;
    let start = whole + parts * precision;
    Some(Interval::truncated(start, precision))
}

/// Width of a time with so many digits after the seconds, ns.
pub fn precision(digits: usize) -> i64 {
    10_i64.pow(9_u32.saturating_sub(digits as u32))
}

/// ns since the epoch, where that fits.
pub fn nanoseconds(at: Timestamp) -> Option<i64> {
    i64::try_from(at.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_773_213_296 * SECOND;

    #[test]
    fn a_time_is_as_wide_as_its_last_digit() {
        assert_eq!(
            rfc3339("2026-03-11T07:14:56Z"),
            Some(Interval::truncated(AT, SECOND))
        );
        assert_eq!(
            rfc3339("2026-03-11T15:14:56.5+08:00"),
            Some(Interval::truncated(AT + SECOND / 2, SECOND / 10))
        );
        assert_eq!(
            rfc3339("2026-03-11T07:14:56.000001Z"),
            Some(Interval::truncated(AT + 1000, 1000))
        );
        assert_eq!(rfc3339("2026-03-11 no"), None);
        assert_eq!(
            iso("2026-03-11T15:14:56,5+0800"),
            Some(Interval::truncated(AT + SECOND / 2, SECOND / 10))
        );
        assert_eq!(iso("2026-03-11T15:14:56-0800x"), None);
    }

    #[test]
    fn the_unit_of_an_epoch_is_told_by_its_size() {
        for (number, unit) in [
            (1_773_213_296.0, SECOND),
            (1_773_213_296_000.0, SECOND / 1000),
        ] {
            assert_eq!(epoch(number, true), Some(Interval::truncated(AT, unit)));
        }
        assert_eq!(
            epoch(1_773_213_296.25, false).map(|at| at.start_ns),
            Some(AT + SECOND / 4)
        );
        assert_eq!(epoch(12.0, true), None);
    }
}
