//! Sizes as people write them: `512M`, `1536MiB`, `4T`.

use anyhow::{Context, Result, bail};

/// Bytes of `text`; the unit is binary (`K`, `M`, `G`, `T`, each with an
/// optional `iB`), no unit means bytes.
pub fn parse(text: &str) -> Result<u64> {
    let trimmed = text.trim();
    let digits = trimmed
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let shift = match unit.trim_end_matches("iB").to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        other => bail!("unknown unit {other:?} in size {text:?}"),
    };
    let number: u64 = number
        .parse()
        .with_context(|| format!("no number in size {text:?}"))?;
    number
        .checked_mul(1 << shift)
        .with_context(|| format!("size {text:?} is too large"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn units_are_binary() {
        assert_eq!(parse("512").unwrap(), 512);
        assert_eq!(parse("1536M").unwrap(), 1536 << 20);
        assert_eq!(parse("1GiB").unwrap(), 1 << 30);
        assert_eq!(parse("4t").unwrap(), 4 << 40);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "G", "12X", "-1", "99999999999T"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
