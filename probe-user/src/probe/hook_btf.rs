//! The kernel's types as far as attaching needs them.
//!
//! aya asks a BTF for the number of each function that a program is attached
//! to, and walks all types of the kernel for each answer: some hundred thousand
//! types for each of some eighty programs, half of what a start costs. So it is
//! given one in which only the hooks have names.

use crate::kernel::btf::HookType;
use aya::{Btf, BtfError, Endianness};
use bytes::BufMut;
use std::collections::BTreeMap;

// Kinds of types, of the kernel's include/uapi/linux/btf.h.
const FWD: u32 = 7;
const TYPEDEF: u32 = 8;
const FUNC: u32 = 12;

const MAGIC: u16 = 0xeb9f;
const HEADER_LEN: u32 = 24;
const TYPE_LEN: u32 = 12;

/// A BTF with these hooks at their numbers, and nameless declarations elsewhere.
pub(super) fn hook_btf(hooks: &BTreeMap<u32, HookType>) -> Result<Btf, BtfError> {
    // Type 0 is `void` and not written.
    let count = hooks.last_key_value().map_or(0, |(&last, _)| last);
    let mut names = vec![0];
    let mut types = Vec::with_capacity((count * TYPE_LEN) as usize);
    for id in 1..=count {
        let (name, kind) = match hooks.get(&id) {
            Some(HookType::Function(name)) => (name.as_str(), FUNC),
            Some(HookType::Tracepoint(name)) => (name.as_str(), TYPEDEF),
            None => ("", FWD),
        };
        let name_at = if name.is_empty() { 0 } else { names.len() };
        if !name.is_empty() {
            names.put_slice(name.as_bytes());
            names.put_u8(0);
        }
        types.put_u32_ne(name_at as u32);
        types.put_u32_ne(kind << 24);
        types.put_u32_ne(0);
    }
    let mut btf = Vec::with_capacity(HEADER_LEN as usize + types.len() + names.len());
    btf.put_u16_ne(MAGIC);
    // Version 1, no flags.
    btf.put_slice(&[1, 0]);
    let (types_len, names_len) = (types.len() as u32, names.len() as u32);
    for word in [HEADER_LEN, 0, types_len, types_len, names_len] {
        btf.put_u32_ne(word);
    }
    btf.put_slice(&types);
    btf.put_slice(&names);
    Btf::parse(&btf, Endianness::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aya_obj::btf::BtfKind;

    #[test]
    fn each_hook_has_the_number_that_the_kernel_gave_it() {
        let function = |name: &str| HookType::Function(name.to_owned());
        let tracepoint = HookType::Tracepoint("btf_trace_one".to_owned());
        let hooks = [
            (3, function("one")),
            (4, tracepoint),
            (90_000, function("twice")),
            (130_000, function("twice")),
        ];
        let btf = hook_btf(&hooks.into()).unwrap();
        let id = |name, kind| btf.id_by_type_name_kind(name, kind).ok();
        assert_eq!(id("one", BtfKind::Func), Some(3));
        assert_eq!(id("btf_trace_one", BtfKind::Typedef), Some(4));
        assert_eq!(id("twice", BtfKind::Func), Some(90_000));
        assert_eq!(id("twice", BtfKind::Typedef), None);
        assert_eq!(id("none", BtfKind::Func), None);
    }

    #[test]
    fn a_kernel_without_any_hook_has_none() {
        let btf = hook_btf(&BTreeMap::new()).unwrap();
        assert!(btf.id_by_type_name_kind("one", BtfKind::Func).is_err());
    }
}
