//! What the comparison must hold: symmetry, scale, and few false alarms.

use super::*;
use proptest::prelude::*;

const MIB: f64 = (1 << 20) as f64;

/// Units of different sizes around a pace, with noise that lasts: each unit is
/// `keep` of the one before and the rest new.
pub(super) fn units(seed: u64, n: usize, ns_per_mib: f64, noise: f64, keep: f64) -> Vec<Unit> {
    let mut random = Random::new(seed);
    let mut uniform = || random.number() as f64 / u64::MAX as f64;
    let mut gauss = || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
    let fresh = (1.0 - keep * keep).sqrt();
    let mut state = gauss();
    (0..n)
        .map(|_| {
            state = keep * state + fresh * gauss();
            let mib = (gauss() * 0.5).exp() * 40.0;
            Unit {
                time_ns: (mib * ns_per_mib * (noise * state).exp()) as u64,
                amount: (mib * MIB) as u64,
                wall_ns: 1_000_000_000,
            }
        })
        .collect()
}

fn verdict(a: &[Unit], b: &[Unit], threshold: f64) -> Verdict {
    compare(&Sample::of(a), &Sample::of(b), threshold).verdict
}

/// Shares of regressed, improved, same and unclear among pairs.
fn shares(pairs: u64, n: (usize, usize), slower: f64, noise: f64, keep: f64) -> [f64; 4] {
    let mut counts = [0.0; 4];
    for seed in 0..pairs {
        let a = units(seed * 2 + 1, n.0, 1e7, noise, keep);
        let b = units(seed * 2 + 2, n.1, 1e7 * slower, noise, keep);
        let at = match verdict(&a, &b, 1.1) {
            Verdict::Regressed => 0,
            Verdict::Improved => 1,
            Verdict::Same => 2,
            Verdict::Unclear => 3,
        };
        counts[at] += 1.0 / pairs as f64;
    }
    counts
}

/// The table of `docs/diff.md`: how much noise, how long it lasts, intervals a side.
const NOISES: [f64; 3] = [0.05, 0.2, 0.5];
const LASTING: [f64; 3] = [0.0, 0.5, 0.8];
const INTERVALS: [usize; 8] = [1, 2, 3, 5, 8, 12, 30, 120];

/// Of equal pairs, those that were called different.
fn called_different(noise: f64, lasting: f64, n: usize) -> String {
    let pairs = if n < 100 { 1500 } else { 400 };
    let [slower, faster, ..] = shares(pairs, (n, n), 1.0, noise, lasting);
    format!("{:.1} %", 100.0 * (slower + faster))
}

/// Of pairs of which one is slower by half, those that were found.
fn found(noise: f64, lasting: f64, n: usize) -> String {
    let [slower, ..] = shares(500, (n, n), 1.5, noise, lasting);
    format!("{:.0} %", 100.0 * slower)
}

#[test]
#[ignore = "minutes: prints the table of docs/diff.md"]
fn table_of_the_document() {
    for noise in NOISES {
        for lasting in LASTING {
            let row = |cell: fn(f64, f64, usize) -> String| {
                INTERVALS.map(|n| cell(noise, lasting, n)).join(" | ")
            };
            let first = if lasting == 0.0 {
                format!("{:.0} %", 100.0 * noise)
            } else {
                String::new()
            };
            println!(
                "| {first} | {lasting} | false | {} |",
                row(called_different)
            );
            println!("|  |  | found | {} |", row(found));
        }
    }
}

/// The part of the table that takes seconds; the numbers are the same in every run.
#[test]
fn the_document_shows_what_is_computed() {
    let document = include_str!("../../../../docs/diff.md");
    let rows: Vec<Vec<&str>> = document
        .lines()
        .filter(|line| line.contains("| false |") || line.contains("| found |"))
        .map(|line| line.split('|').map(str::trim).skip(4).collect())
        .collect();
    assert_eq!(rows.len(), 2 * NOISES.len() * LASTING.len());
    for (at_noise, noise) in NOISES.into_iter().enumerate() {
        for (at_lasting, lasting) in LASTING.into_iter().enumerate() {
            let row = 2 * (at_noise * LASTING.len() + at_lasting);
            for (column, n) in INTERVALS.into_iter().enumerate() {
                let resampled = n >= FEW;
                if resampled && (n > FEW || lasting > 0.0) {
                    continue;
                }
                let shown = (rows[row][column], rows[row + 1][column]);
                let computed = (
                    called_different(noise, lasting, n),
                    found(noise, lasting, n),
                );
                assert_eq!(
                    shown,
                    (computed.0.as_str(), computed.1.as_str()),
                    "{noise} {lasting} {n}"
                );
            }
        }
    }
}

#[test]
fn equal_pairs_are_hardly_ever_called_different() {
    // Noise of 5 %, and of 50 %; the document has the whole table.
    for (noise, keep, allowed) in [(0.05, 0.5, 0.0), (0.5, 0.0, 0.04), (0.5, 0.5, 0.1)] {
        let [regressed, improved, ..] = shares(200, (12, 12), 1.0, noise, keep);
        assert!(
            regressed + improved <= allowed,
            "{noise} {keep}: {regressed} {improved}"
        );
    }
}

#[test]
fn a_real_difference_is_found_in_either_direction() {
    let [regressed, ..] = shares(50, (30, 30), 1.5, 0.1, 0.5);
    let [_, improved, ..] = shares(50, (30, 30), 1.0 / 1.5, 0.1, 0.5);
    assert!(
        regressed > 0.99 && improved > 0.99,
        "{regressed} {improved}"
    );
    let [_, _, same, _] = shares(50, (60, 60), 1.02, 0.05, 0.5);
    assert!(same > 0.9, "{same}");
}

#[test]
fn few_units_must_be_apart_and_far() {
    let of = |paces: &[u64]| -> Vec<Unit> {
        let unit = |&ms: &u64| Unit {
            time_ns: ms * 1_000_000,
            amount: 1 << 20,
            wall_ns: 1_000_000_000,
        };
        paces.iter().map(unit).collect()
    };
    let verdict = |a: &[u64], b: &[u64]| verdict(&of(a), &of(b), 1.1);
    assert_eq!(verdict(&[10, 11], &[20, 21]), Verdict::Regressed);
    assert_eq!(verdict(&[20, 21], &[10, 11]), Verdict::Improved);
    // Not far enough, not apart, nothing there.
    assert_eq!(verdict(&[10, 11], &[14, 15]), Verdict::Unclear);
    assert_eq!(verdict(&[10, 25], &[24, 60]), Verdict::Unclear);
    assert_eq!(verdict(&[10, 11], &[10, 11]), Verdict::Unclear);
    assert_eq!(verdict(&[], &[10; 20]), Verdict::Unclear);
    // One side with many does not help the other.
    assert_eq!(verdict(&[10; 20], &[11; 7]), Verdict::Unclear);
    assert_eq!(verdict(&[10; 20], &[16; 7]), Verdict::Regressed);
}

#[test]
fn students_points_are_those_of_the_tables() {
    for (freedom, point) in [(3.0, 3.182), (5.0, 2.571), (10.0, 2.228), (100.0, 1.984)] {
        assert!((student(freedom) / point - 1.0).abs() < 0.01, "{freedom}");
    }
}

fn any_units() -> impl Strategy<Value = Vec<Unit>> {
    let unit = (1_000u64..1 << 40, 1u64..1 << 34).prop_map(|(time_ns, amount)| Unit {
        time_ns,
        amount,
        wall_ns: 1_000_000_000,
    });
    prop::collection::vec(unit, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn exchanging_the_sides_exchanges_the_verdict(a in any_units(), b in any_units(), threshold in 1.01..3.0) {
        let (a, b) = (Sample::of(&a), Sample::of(&b));
        let (there, back) = (compare(&a, &b, threshold), compare(&b, &a, threshold));
        let mirrored = match there.verdict {
            Verdict::Regressed => Verdict::Improved,
            Verdict::Improved => Verdict::Regressed,
            other => other,
        };
        prop_assert_eq!(back.verdict, mirrored);
        prop_assert_eq!(there.ratio.is_some(), back.ratio.is_some());
        if let (Some(there), Some(back)) = (there.ratio, back.ratio) {
            for product in [there.value * back.value, there.low * back.high, there.high * back.low] {
                prop_assert!((product - 1.0).abs() < 1e-9, "{there:?} {back:?}");
            }
            prop_assert!(there.low <= there.value && there.value <= there.high);
        }
    }

    #[test]
    fn units_of_measure_do_not_matter(a in any_units(), b in any_units(), shift in 1u32..16) {
        let scaled = |units: &[Unit]| -> Vec<Unit> {
            let scale = |unit: &Unit| Unit {
                time_ns: unit.time_ns << shift,
                ..*unit
            };
            units.iter().map(scale).collect()
        };
        let plain = compare(&Sample::of(&a), &Sample::of(&b), 1.1);
        let other = compare(&Sample::of(&scaled(&a)), &Sample::of(&scaled(&b)), 1.1);
        prop_assert_eq!(plain.verdict, other.verdict);
        prop_assert_eq!(plain.ratio.is_some(), other.ratio.is_some());
    }

    #[test]
    fn a_side_is_never_different_from_itself(a in any_units()) {
        let sample = Sample::of(&a);
        let verdict = compare(&sample, &sample, 1.1).verdict;
        prop_assert!(matches!(verdict, Verdict::Same | Verdict::Unclear), "{verdict:?}");
    }
}
