//! Numbers as people read them.

const BYTES: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// A size: `20 GiB`, `1.5 MiB`, `512 B`; not more than four digits.
pub fn bytes(bytes: u64) -> String {
    let unit = unit_of(bytes);
    format!("{} {}", in_unit(bytes, unit), BYTES[unit])
}

/// A change of size, in one unit where both are round in it: `20 → 40 GiB`.
pub fn bytes_change(from: Option<u64>, to: Option<u64>) -> String {
    match (from, to) {
        (Some(from), Some(to)) if unit_of(from) == unit_of(to) && bytes(from) != bytes(to) => {
            format!("{} → {}", in_unit(from, unit_of(from)), bytes(to))
        }
        // What looks the same and is not is written out.
        (Some(from), Some(to)) if from != to && bytes(from) == bytes(to) => {
            format!("{from} → {to} B")
        }
        (from, to) => format!("{} → {}", maybe(from, bytes), maybe(to, bytes)),
    }
}

fn unit_of(bytes: u64) -> usize {
    let bits = 63_u32.saturating_sub(bytes.leading_zeros()) as usize;
    (bits / 10).min(BYTES.len() - 1)
}

fn in_unit(bytes: u64, unit: usize) -> String {
    decimals(bytes as f64 / (1_u64 << (10 * unit)) as f64)
}

/// A duration: `17 ms`, `3.2 s`, `15 min 58 s`, `2 h 3 min`.
pub fn duration(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{} µs", decimals(ns as f64 / 1e3)),
        1_000_000..1_000_000_000 => format!("{} ms", decimals(ns as f64 / 1e6)),
        _ if seconds < 60 => format!("{} s", decimals(ns as f64 / 1e9)),
        _ if seconds < 3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ if seconds < 172_800 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d", decimals(seconds as f64 / 86_400.0)),
    }
}

/// A gap between two events: to the millisecond below a minute.
pub fn gap(ns: u64) -> String {
    match ns {
        1_000_000_000..60_000_000_000 => format!("{:.3} s", ns as f64 / 1e9),
        _ => duration(ns),
    }
}

/// A count over a time, a second: `1.2 k/s`.
pub fn rate(count: u64, ns: u64) -> String {
    if ns == 0 {
        return "–".to_owned();
    }
    let a_second = count as f64 * 1e9 / ns as f64;
    match a_second {
        r if r < 1e4 => format!("{}/s", decimals(r)),
        r if r < 1e7 => format!("{} k/s", decimals(r / 1e3)),
        r => format!("{} M/s", decimals(r / 1e6)),
    }
}

/// Bytes over a time: `81 MiB/s`.
pub fn throughput(count: u64, ns: u64) -> String {
    if ns == 0 {
        return "–".to_owned();
    }
    let a_second = u128::from(count) * 1_000_000_000 / u128::from(ns);
    format!("{}/s", bytes(u64::try_from(a_second).unwrap_or(u64::MAX)))
}

/// A value in a unit of a schema.
pub fn with_unit(value: u64, unit: &str) -> String {
    match unit {
        "ns" => duration(value),
        "bytes" => bytes(value),
        "1" | "" => value.to_string(),
        other => format!("{value} {other}"),
    }
}

/// The sum of counts; at most the largest number, whatever a stream claims.
pub fn sum(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

/// The text of a value, or a dash where it is unknown.
pub fn maybe<T>(value: Option<T>, text: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), text)
}

/// Up to three digits, no trailing zeros.
fn decimals(value: f64) -> String {
    let digits = match value {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn sizes() {
        let all = [
            0,
            1,
            1023,
            1024,
            1536,
            20 * GIB,
            20 * GIB + GIB / 2,
            1 << 44,
            u64::MAX,
        ];
        let text: Vec<_> = all.into_iter().map(bytes).collect();
        assert_eq!(
            text,
            [
                "0 B", "1 B", "1023 B", "1 KiB", "1.5 KiB", "20 GiB", "20.5 GiB", "16 TiB",
                "16 EiB"
            ]
        );
    }

    #[test]
    fn changes() {
        assert_eq!(bytes_change(Some(20 * GIB), Some(40 * GIB)), "20 → 40 GiB");
        assert_eq!(bytes_change(Some(512 << 20), Some(GIB)), "512 MiB → 1 GiB");
        assert_eq!(bytes_change(None, Some(GIB)), "– → 1 GiB");
        assert_eq!(
            bytes_change(Some(GIB), Some(GIB + 4096)),
            "1073741824 → 1073745920 B"
        );
        assert_eq!(bytes_change(Some(GIB), Some(GIB)), "1 GiB → 1 GiB");
    }

    #[test]
    fn durations() {
        let all = [
            0,
            999,
            1_500,
            17_000_000,
            3_200_000_000,
            958_000_000_000,
            7_380_000_000_000,
        ];
        let text: Vec<_> = all.into_iter().map(duration).collect();
        assert_eq!(
            text,
            [
                "0 ns",
                "999 ns",
                "1.5 µs",
                "17 ms",
                "3.2 s",
                "15 min 58 s",
                "2 h 3 min"
            ]
        );
        assert_eq!(gap(3_200_000_000), "3.200 s");
    }

    #[test]
    fn rates() {
        assert_eq!(rate(1200, 1_000_000_000), "1200/s");
        assert_eq!(rate(120_000, 1_000_000_000), "120 k/s");
        assert_eq!(throughput(81 << 20, 1_000_000_000), "81 MiB/s");
        assert_eq!(rate(5, 0), "–");
    }

    proptest! {
        #[test]
        fn nothing_is_too_large(value: u64, ns: u64) {
            prop_assert!(bytes(value).chars().count() <= 9);
            prop_assert!(duration(value).chars().count() <= 12);
            let _ = (rate(value, ns), throughput(value, ns), bytes_change(Some(value), Some(ns)));
        }
    }
}
