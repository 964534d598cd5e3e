//! Kubernetes quantities: `40Gi`, `42949672960`, `40960Mi`, `42G`, `1.5Ti`,
//! `4e10`.

/// Bytes of a quantity, rounded up as Kubernetes does; `None` if it is none.
pub fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (factor, divisor) = scale(suffix)?;
    // 18 digits of a fraction are more than a byte of any size needs.
    let fraction = &fraction[..fraction.len().min(18)];
    let digits: u128 = format!("0{whole}{fraction}").parse().ok()?;
    let divisor = divisor.checked_mul(10_u128.checked_pow(fraction.len() as u32)?)?;
    u64::try_from(digits.checked_mul(factor)?.div_ceil(divisor)).ok()
}

/// Factor and divisor of a suffix (apimachinery's `resource.Quantity`).
fn scale(suffix: &str) -> Option<(u128, u128)> {
    let binary = |power: u32| Some((1 << (10 * power), 1));
    let decimal = |power: u32| Some((10_u128.pow(3 * power), 1));
    match suffix {
        "" => Some((1, 1)),
        "n" => Some((1, 1_000_000_000)),
        "u" => Some((1, 1_000_000)),
        "m" => Some((1, 1000)),
        "k" => decimal(1),
        "M" => decimal(2),
        "G" => decimal(3),
        "T" => decimal(4),
        "P" => decimal(5),
        "E" => decimal(6),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let power = 10_u128.checked_pow(exponent.unsigned_abs())?;
            Some(if exponent < 0 { (1, power) } else { (power, 1) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;
    use proptest::prelude::*;

    #[test]
    fn suffixes_are_those_of_kubernetes() {
        for (text, value) in [
            ("40Gi", 40 << 30),
            ("42949672960", 42_949_672_960),
            ("40960Mi", 40 << 30),
            ("42G", 42_000_000_000),
            ("1.5Ti", 3 << 39),
            ("4e10", 40_000_000_000),
            ("100m", 1),
            (".5Gi", 1 << 29),
            ("1E", 1_000_000_000_000_000_000),
        ] {
            assert_eq!(bytes(text), Some(value), "{text}");
        }
    }

    #[test]
    fn other_text_is_none() {
        for text in [
            "",
            "Gi",
            "-1Gi",
            "1 Gi",
            "1GiB",
            "99999999999999Ei",
            "e3",
            "1.2.3",
        ] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String) {
            bytes(&text);
        }
    }
}
