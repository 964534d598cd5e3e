//! Counting instructions by the processor's time stamp, which in these machines
//! is the number of instructions executed so far, by all processors.

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
