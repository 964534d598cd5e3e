//! Is it different? The method is told in `docs/diff.md`.
//!
//! Calls within one flush interval are not independent, and neighbouring
//! intervals are alike. So the unit of resampling is the interval, and it is
//! drawn in blocks of neighbours. Each side is resampled for itself, from the
//! same numbers: exchanging the sides turns the ratio and its bounds over, and
//! nothing else.

use crate::model::Unit;
use crate::random::Random;
use serde::Serialize;

/// Fewer units than this on a side are too few to resample.
pub(super) const FEW: usize = 8;

/// Of so few units, this ratio at least is believed, if the ranges are disjoint.
const FEW_RATIO: f64 = 1.5;

/// Resamples of a side.
const RESAMPLES: usize = 999;

/// 97.5 % point of the normal distribution.
const Z: f64 = 1.959_964;

/// What came of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// No slower and no faster than the threshold.
    Same,
    /// Cannot be told from these recordings.
    Unclear,
    /// B is faster.
    Improved,
    /// B is slower.
    Regressed,
}

/// How much slower B is than A.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Compared {
    /// Pace of A and B: ns for one byte (or other amount).
    pub(super) pace: (Option<f64>, Option<f64>),
    /// Of B over A, with the bounds of its interval.
    pub(super) ratio: Option<Ratio>,
    pub(super) verdict: Verdict,
}

/// A ratio and where it lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ratio {
    /// The most likely value.
    pub(super) value: f64,
    /// 95 % interval; of few units, what their ranges allow.
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Units of one side, measured once for all comparisons.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    units: usize,
    pace: Option<f64>,
    range: (f64, f64),
    spread: Spread,
}

/// How uncertain the logarithm of a pace is.
#[derive(Clone, Copy, Debug)]
struct Spread {
    variance: f64,
    /// Degrees of freedom of that variance.
    freedom: f64,
}

impl Sample {
    pub(super) fn of(units: &[Unit]) -> Self {
        let paces = units.iter().map(|unit| ratio(*unit));
        Self {
            units: units.len(),
            pace: pace(units.iter().copied()),
            range: (
                paces.clone().fold(f64::INFINITY, f64::min),
                paces.fold(0.0, f64::max),
            ),
            spread: spread(units),
        }
    }
}

/// Compares two sides; a pace that differs by less than `threshold` is the same.
pub(super) fn compare(a: &Sample, b: &Sample, threshold: f64) -> Compared {
    let ratio = a.pace.zip(b.pace).map(|(slow, fast)| {
        let value = fast / slow;
        if a.units.min(b.units) < FEW {
            return Ratio {
                value,
                low: b.range.0 / a.range.1,
                high: b.range.1 / a.range.0,
            };
        }
        let factor = margin(a.spread, b.spread).exp();
        Ratio {
            value,
            low: value / factor,
            high: value * factor,
        }
    });
    let enough = a.units.min(b.units) >= FEW;
    let verdict = match ratio {
        Some(ratio) if enough => judge(ratio, threshold),
        Some(ratio) => judge_few(ratio, threshold),
        None => Verdict::Unclear,
    };
    Compared {
        pace: (a.pace, b.pace),
        ratio,
        verdict,
    }
}

fn judge(ratio: Ratio, threshold: f64) -> Verdict {
    if ratio.low > threshold {
        Verdict::Regressed
    } else if ratio.high < 1.0 / threshold {
        Verdict::Improved
    } else if ratio.low >= 1.0 / threshold && ratio.high <= threshold {
        Verdict::Same
    } else {
        Verdict::Unclear
    }
}

fn judge_few(ratio: Ratio, threshold: f64) -> Verdict {
    let least = FEW_RATIO.max(threshold);
    if ratio.low > 1.0 && ratio.value >= least {
        Verdict::Regressed
    } else if ratio.high < 1.0 && ratio.value <= 1.0 / least {
        Verdict::Improved
    } else {
        Verdict::Unclear
    }
}

fn ratio(unit: Unit) -> f64 {
    unit.time_ns as f64 / unit.amount as f64
}

/// Time of all over the amount of all: large units weigh more.
fn pace(units: impl Iterator<Item = Unit>) -> Option<f64> {
    let (time, amount) = units.fold((0.0, 0.0), |(time, amount), unit| {
        (time + unit.time_ns as f64, amount + unit.amount as f64)
    });
    (amount > 0.0 && time > 0.0).then(|| time / amount)
}

/// Half the width of the interval of the logarithm of the ratio.
fn margin(a: Spread, b: Spread) -> f64 {
    let variance = a.variance + b.variance;
    if variance <= 0.0 {
        return 0.0;
    }
    // Welch and Satterthwaite.
    let freedom = variance * variance
        / (a.variance * a.variance / a.freedom + b.variance * b.variance / b.freedom);
    student(freedom) * variance.sqrt()
}

/// 97.5 % point of Student's distribution: the expansion of Cornish and Fisher,
/// good to 1 % from 3 degrees of freedom on.
fn student(freedom: f64) -> f64 {
    let z2 = Z * Z;
    let terms = [
        (z2 + 1.0) / 4.0,
        ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0,
        (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0,
    ];
    let mut power = 1.0;
    let sum: f64 = terms
        .into_iter()
        .map(|term| {
            power /= freedom;
            term * power
        })
        .sum();
    Z * (1.0 + sum)
}

/// Variance of the logarithm of the pace, by resampling blocks of units that
/// follow each other in a circle.
fn spread(units: &[Unit]) -> Spread {
    let n = units.len();
    if n < FEW {
        return Spread {
            variance: 0.0,
            freedom: 1.0,
        };
    }
    let block = block(units);
    let blocks = n.div_ceil(block);
    let mut random = Random::new(n as u64);
    let logs: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            let starts: Vec<usize> = (0..blocks)
                .map(|_| random.below(n as u64) as usize)
                .collect();
            let drawn = starts
                .iter()
                .flat_map(|&start| (start..start + block).map(|at| units[at % n]))
                .take(n);
            pace(drawn).map(f64::ln)
        })
        .collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    let squares = logs.iter().map(|log| (log - mean) * (log - mean));
    let variance = squares.sum::<f64>() / (logs.len() - 1) as f64;
    // A resample varies less than the units do, by the blocks that it has.
    let blocks = n as f64 / block as f64;
    Spread {
        variance: variance * blocks / (blocks - 1.0),
        freedom: blocks - 1.0,
    }
}

/// Units in a block: the cube root of their number, and more where what made a
/// unit slow lasts into the next ones. At least three blocks are left.
fn block(units: &[Unit]) -> usize {
    let n = units.len() as f64;
    let lasting = lasting(units);
    let alike = (1.0 + lasting) / (1.0 - lasting);
    n.cbrt().max(alike).min(n / 3.0).round() as usize
}

/// How far a unit's pace is that of the one before: correlation of the
/// logarithms, corrected for the downward bias of short series; 0 to 0.95.
fn lasting(units: &[Unit]) -> f64 {
    let n = units.len() as f64;
    let logs: Vec<f64> = units.iter().map(|unit| ratio(*unit).ln()).collect();
    let mean = logs.iter().sum::<f64>() / n;
    let product = |(a, b): (&f64, &f64)| (a - mean) * (b - mean);
    let all: f64 = logs.iter().zip(&logs).map(product).sum();
    let next: f64 = logs.iter().zip(&logs[1..]).map(product).sum();
    if all <= 0.0 {
        return 0.0;
    }
    let measured = next / all;
    (measured + (1.0 + 4.0 * measured) / n).clamp(0.0, 0.95)
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
