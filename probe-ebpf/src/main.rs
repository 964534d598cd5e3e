//! The programs that volprobe runs in the kernel.
//!
//! One file a probe family in [`probes`]; what they share is here. Nothing
//! knows of user space: counts go to maps, rare events to a ring buffer, and
//! the layouts of both are in `probe-common`.
//!
//! Rules that hold for every program:
//!
//! - No kernel layout is compiled in: [`kernel`] reads fields at offsets that
//!   the loader writes into the instructions, from the running kernel's BTF.
//! - Addresses of kernel memory are computed with `wrapping_add`: `add` on a
//!   null pointer is undefined behaviour, and the compiler then drops the null
//!   check that the verifier insists on.
//! - A program for each place of an argument: `if a { arg(2) } else { arg(1) }`
//!   becomes one load at a computed place, which kernels before 7 refuse.
//! - No logging on a hot path.

#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod admit;
mod args;
mod atomic;
mod calls;
mod cells;
mod emit;
mod files;
mod inflight;
mod kernel;
mod loss;
mod maps;
mod patched;
mod probes;
mod self_test;
mod series;
mod settings;
mod task;
mod top;
mod zero;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // Nothing here can panic: bounds checks that the compiler keeps would be
    // refused by the verifier as an endless loop.
    loop {}
}

/// The kernel offers most helpers to programs under the GPL only; these
/// sources are under MIT, and so may be used under both.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
