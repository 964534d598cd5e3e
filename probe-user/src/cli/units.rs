//! Values with units, as given on the command line.

use std::time::Duration;

/// Parses `500ms`, `10s`, `5m`, `1h30m`. More than zero.
pub fn duration(text: &str) -> Result<Duration, String> {
    let help = "give a number with a unit, such as 500ms, 10s, 5m or 1h30m";
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| help.to_owned())?;
    let parsed = Duration::try_from(parsed).map_err(|_| help.to_owned())?;
    if parsed.is_zero() {
        Err("must be more than 0".to_owned())
    } else {
        Ok(parsed)
    }
}

/// Parses `4096`, `64KiB`, `64MiB`, `1GB` into bytes. More than zero.
pub fn size(text: &str) -> Result<u64, String> {
    match text.parse::<bytesize::ByteSize>() {
        Ok(size) if size.as_u64() > 0 => Ok(size.as_u64()),
        Ok(_) => Err("must be more than 0".to_owned()),
        Err(_) => Err("give a number of bytes, or with a unit, such as 64MiB or 1GB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_mins(90)));
        for text in ["", "10", "0s", "-1s", "fast"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_take_units() {
        assert_eq!(size("4096"), Ok(4096));
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("1GB"), Ok(1_000_000_000));
        for text in ["", "0", "-1", "big"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
