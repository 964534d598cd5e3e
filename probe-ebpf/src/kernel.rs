//! Reading the kernel's structures, at offsets that the loader has set.

use crate::patched::{self, Word};
use aya_ebpf::helpers;
use probe_common::fields::ABSENT;

macro_rules! offsets {
    ($($symbol:ident: $structure:literal [$($member:literal),+];)+) => {
        /// Numbers of the fields.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Number {
            $($symbol),+
        }

        $(
            #[doc = concat!("A field of `struct ", $structure, "`.")]
            pub const $symbol: Field<{ Number::$symbol as i32 }> = Field;
        )+
    };
}
probe_common::for_each_field!(offsets);

/// A field of a structure, by its number in `probe_common::fields`.
#[derive(Clone, Copy)]
pub struct Field<const NUMBER: i32>;

impl<const NUMBER: i32> Field<NUMBER> {
    /// Offset in its structure, bytes.
    #[inline(always)]
    pub fn offset(self) -> usize {
        patched::number::<NUMBER>() as usize
    }

    /// Whether the running kernel has the field.
    #[inline(always)]
    pub fn exists(self) -> bool {
        patched::number::<NUMBER>() != ABSENT
    }
}

/// An address in the kernel.
pub type Address = *const u8;

/// A way to read kernel memory: each hook kind has its own, and the bodies of
/// twins are generic over it.
pub trait Memory {
    /// Reads a field of the structure at `base`; zero where it cannot be read.
    fn read<T: Word, const NUMBER: i32>(base: Address, field: &Field<NUMBER>) -> T;

    /// Reads a field of 32 bits, as it is compared at least cost.
    #[inline(always)]
    fn wide<const NUMBER: i32>(base: Address, field: &Field<NUMBER>) -> u64 {
        u64::from(Self::read::<u32, NUMBER>(base, field))
    }

    /// Reads a pointer.
    #[inline(always)]
    fn pointer<const NUMBER: i32>(base: Address, field: &Field<NUMBER>) -> Address {
        Self::read::<u64, NUMBER>(base, field) as Address
    }
}

/// Plain loads through pointers whose type the verifier knows: arguments of
/// fentry and fexit programs and of BTF tracepoints, and what they lead to, up
/// to the first `void *`. A bad address reads as zero.
pub struct Typed;

impl Memory for Typed {
    #[inline(always)]
    fn read<T: Word, const NUMBER: i32>(base: Address, _: &Field<NUMBER>) -> T {
        // SAFETY: the verifier accepts only fields of the pointer's type, and
        // the kernel answers a fault with zero.
        unsafe { T::load::<NUMBER>(base) }
    }

    #[inline(always)]
    fn wide<const NUMBER: i32>(base: Address, _: &Field<NUMBER>) -> u64 {
        // SAFETY: as above.
        unsafe { patched::load_u32::<NUMBER>(base) }
    }
}

/// `bpf_probe_read_kernel`: for kprobes, and behind a `void *`.
pub struct Probed;

impl Memory for Probed {
    #[inline(always)]
    fn read<T: Word, const NUMBER: i32>(base: Address, field: &Field<NUMBER>) -> T {
        let field = base.wrapping_add(field.offset());
        // SAFETY: the helper checks the address.
        unsafe { helpers::bpf_probe_read_kernel(field.cast::<T>()) }.unwrap_or_default()
    }
}

/// Reads a field of the structure at `base`; `None` where the
/// kernel has no such field, or it cannot be read. For programs that run
/// rarely: it works in every kind of program, and never takes what is unknown
/// for a zero.
#[inline(always)]
pub fn probe<T, const NUMBER: i32>(base: Address, field: &Field<NUMBER>) -> Option<T> {
    if !field.exists() {
        return None;
    }
    peek(base.wrapping_add(field.offset()))
}

/// Reads a pointer as [`probe`] does; `None` for a null pointer too.
#[inline(always)]
pub fn follow<const NUMBER: i32>(base: Address, field: &Field<NUMBER>) -> Option<Address> {
    let address = probe::<u64, NUMBER>(base, field)?;
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

/// Reads a text that is a field of the structure at `base`, as [`text`] does.
#[inline(always)]
pub fn text_of<const N: usize, const NUMBER: i32>(base: Address, field: &Field<NUMBER>) -> [u8; N] {
    if !field.exists() {
        return [0; N];
    }
    text(base.wrapping_add(field.offset()))
}
