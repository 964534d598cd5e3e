//! Boot times to the times of a report.

use crate::model::{Instant, Recording};
use jiff::Timestamp;

/// Turns times of one recording into text.
#[derive(Clone, Copy)]
pub(crate) struct Times<'a>(pub(crate) &'a Recording);

impl Times<'_> {
    /// Real time of a boot time.
    pub(crate) fn at(self, boot_ns: u64) -> Option<Instant> {
        self.0.real(boot_ns)
    }

    /// RFC 3339 of a boot time.
    pub(crate) fn text(self, boot_ns: u64) -> Option<String> {
        self.at(boot_ns).map(|instant| rfc3339(instant.t_ns))
    }
}

/// RFC 3339 in UTC, with as many digits as it needs.
pub(crate) fn rfc3339(t_ns: i64) -> String {
    let time = Timestamp::from_nanosecond(t_ns.into());
    time.unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn times_are_utc_with_z() {
        assert_eq!(
            rfc3339(1_773_213_297_941_000_000),
            "2026-03-11T07:14:57.941Z"
        );
        assert_eq!(rfc3339(1_773_213_297_000_000_000), "2026-03-11T07:14:57Z");
        assert_eq!(rfc3339(i64::MIN), "1677-09-21T00:12:43.145224192Z");
    }
}
