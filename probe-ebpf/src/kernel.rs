//! Reading the kernel's structures, at offsets that the loader has set.

use aya_ebpf::{Global, helpers};
use probe_common::fields::ABSENT;

macro_rules! offsets {
    ($($symbol:ident: $structure:literal [$($member:literal),+];)+) => {
        $(
            #[doc = concat!("Offset in `struct ", $structure, "`, bytes.")]
            #[unsafe(no_mangle)]
            pub static $symbol: Global<u32> = Global::new(ABSENT);
        )+
    };
}
probe_common::for_each_field!(offsets);

/// Whether the running kernel has the field.
#[inline(always)]
pub fn has(field: &Global<u32>) -> bool {
    field.load() != ABSENT
}

/// An address in the kernel.
pub type Address = *const u8;

/// A way to read kernel memory: each hook kind has its own, and the bodies of
/// twins are generic over it.
pub trait Memory {
    /// Reads the field at `offset` of the structure at `base`; zero where it
    /// cannot be read.
    fn read<T: Copy + Default>(base: Address, offset: &Global<u32>) -> T;

    /// Reads a pointer.
    #[inline(always)]
    fn pointer(base: Address, offset: &Global<u32>) -> Address {
        Self::read::<u64>(base, offset) as Address
    }
}

/// Plain loads through pointers whose type the verifier knows: arguments of
/// fentry and fexit programs and of BTF tracepoints, and what they lead to, up
/// to the first `void *`. A bad address reads as zero.
pub struct Typed;

impl Memory for Typed {
    #[inline(always)]
    fn read<T: Copy + Default>(base: Address, offset: &Global<u32>) -> T {
        let field = base.wrapping_add(offset.load() as usize);
        // SAFETY: the verifier accepts only fields of the pointer's type, and
        // the kernel answers a fault with zero.
        unsafe { field.cast::<T>().read_volatile() }
    }
}

/// `bpf_probe_read_kernel`: for kprobes, and behind a `void *`.
pub struct Probed;

impl Memory for Probed {
    #[inline(always)]
    fn read<T: Copy + Default>(base: Address, offset: &Global<u32>) -> T {
        let field = base.wrapping_add(offset.load() as usize);
        // SAFETY: the helper checks the address.
        unsafe { helpers::bpf_probe_read_kernel(field.cast::<T>()) }.unwrap_or_default()
    }
}

/// Reads the field at `offset` of the structure at `base`; `None` where the
/// kernel has no such field, or it cannot be read. For programs that run
/// rarely: it works in every kind of program, and never takes what is unknown
/// for a zero.
#[inline(always)]
pub fn probe<T>(base: Address, offset: &Global<u32>) -> Option<T> {
    if !has(offset) {
        return None;
    }
    peek(base.wrapping_add(offset.load() as usize))
}

/// Reads a pointer as [`probe`] does; `None` for a null pointer too.
#[inline(always)]
pub fn follow(base: Address, offset: &Global<u32>) -> Option<Address> {
    let address = probe::<u64>(base, offset)?;
    if address == 0 {
        return None;
    }
    Some(address as Address)
}

/// Reads a value at an address of the kernel.
#[inline(always)]
pub fn peek<T>(address: Address) -> Option<T> {
    // SAFETY: the helper checks the address.
    unsafe { helpers::bpf_probe_read_kernel(address.cast::<T>()) }.ok()
}

/// Reads a value at an address of the current process.
#[inline(always)]
pub fn peek_user<T>(address: u64) -> Option<T> {
    // SAFETY: the helper checks the address.
    unsafe { helpers::bpf_probe_read_user(address as *const T) }.ok()
}

/// Reads a text at an address of the kernel, NUL-padded; empty where it cannot
/// be read.
#[inline(always)]
pub fn text<const N: usize>(address: Address) -> [u8; N] {
    let mut text = [0; N];
    // SAFETY: the helper checks the address, and writes N bytes at most.
    unsafe {
        helpers::generated::bpf_probe_read_kernel_str(
            text.as_mut_ptr().cast(),
            N as u32,
            address.cast(),
        );
    }
    text
}

/// Reads a text that is the field at `offset` of the structure at `base`, as
/// [`text`] does.
#[inline(always)]
pub fn text_of<const N: usize>(base: Address, offset: &Global<u32>) -> [u8; N] {
    if !has(offset) {
        return [0; N];
    }
    text(base.wrapping_add(offset.load() as usize))
}
