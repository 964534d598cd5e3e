//! What the kernel side could not count or send, as differences.

use crate::sample;
use probe_common::loss::Loss;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// The counters as they stood at the last look.
#[derive(Debug, Default)]
pub struct Losses {
    seen: [u64; Loss::ALL.len()],
}

impl Losses {
    /// What was lost since the last look, by kind; only what is not zero.
    /// `counters` are the kernel's, cumulative, in the order of [`Loss::ALL`].
    pub fn delta(&mut self, counters: &[AtomicU64]) -> Vec<sample::Loss> {
        let kinds = Loss::ALL.iter().zip(&mut self.seen).zip(counters);
        kinds
            .filter_map(|((kind, seen), counter)| {
                let now = counter.load(Relaxed);
                let count = now.wrapping_sub(*seen);
                *seen = now;
                (count > 0).then(|| sample::Loss {
                    kind: kind.name().to_owned(),
                    count,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_loss_is_told_once() {
        let counters: Vec<AtomicU64> = Loss::ALL.iter().map(|_| AtomicU64::new(0)).collect();
        let mut losses = Losses::default();
        assert!(losses.delta(&counters).is_empty());
        counters[Loss::InFlight as usize].fetch_add(3, Relaxed);
        let told = losses.delta(&counters);
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].kind.as_str(), told[0].count), ("in-flight", 3));
        assert!(losses.delta(&counters).is_empty());
    }
}
