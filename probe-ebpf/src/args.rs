//! Arguments of fentry and fexit programs.

use aya_ebpf::EbpfContext;

/// Argument `n`; after the last one, a fexit's return value (the helper for it
/// needs 5.17).
///
/// Each call of this reads anew: of a pointer that was found equal to a number,
/// the compiler would use the number, through which the verifier allows no read.
#[inline(always)]
pub fn arg(ctx: &impl EbpfContext, n: usize) -> u64 {
    let args = ctx.as_ptr().cast::<u64>();
    // SAFETY: the verifier knows how many there are.
    unsafe { args.add(n).read_volatile() }
}
