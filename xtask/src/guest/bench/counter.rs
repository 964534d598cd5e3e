//! Counting instructions by the processor's time stamp, which in these machines
//! is the number of instructions executed so far, by all processors.

use std::thread;

use anyhow::{Result, anyhow};

/// Rounds of which the median counts, where threads work together.
const ROUNDS: usize = 5;

/// Instructions executed so far.
pub(super) fn now() -> u64 {
    // SAFETY: every x86-64 processor has it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// The median: timer ticks and other work of the machine fall into few of
/// many measurements.
pub(super) fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Instructions of all threads, one a part, that do `work` at the same time.
/// Those of all processors are counted together, so only their sum can be told;
/// repeated, as timer ticks fall into each.
pub(super) fn together<P: Sync>(
    parts: &[P],
    work: impl Fn(&P) -> Result<()> + Sync,
) -> Result<u64> {
    let rounds = (0..ROUNDS).map(|_| at_once(parts, &work));
    Ok(median(rounds.collect::<Result<_>>()?))
}

/// One round of [`together`].
pub(super) fn at_once<P: Sync>(parts: &[P], work: impl Fn(&P) -> Result<()> + Sync) -> Result<u64> {
    let start = now();
    thread::scope(|scope| {
        let workers: Vec<_> = parts
            .iter()
            .map(|part| scope.spawn(|| work(part)))
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| anyhow!("a thread panicked"))?)
    })?;
    Ok(now() - start)
}
