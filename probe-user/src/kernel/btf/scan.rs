//! Finding types by name, without reading what the others are.
//!
//! The layout is that of the kernel's `include/uapi/linux/btf.h`.

use crate::kernel::names::Names;
use bytes::Buf;
use std::ffi::CStr;

const MAGIC: u16 = 0xeb9f;
const HEADER_LEN: usize = 24;

/// The bytes are not laid out as BTF.
#[derive(Debug, thiserror::Error)]
pub(super) enum ScanError {
    #[error("its header is not one of BTF")]
    Header,
    #[error("type {0} is of kind {1}, which is unknown")]
    Kind(u32, u32),
    #[error("it ends within type {0}")]
    End(u32),
}

/// The numbers of all structures, functions, typedefs and enumerations that have
/// one of these names, with the name.
pub(super) fn scan(btf: &[u8], wanted: &Names) -> Result<Vec<(u32, String)>, ScanError> {
    let (mut types, names) = sections(btf).ok_or(ScanError::Header)?;
    let mut found = Vec::new();
    let mut id = 0;
    while types.has_remaining() {
        id += 1;
        let (Ok(name), Ok(info), Ok(_)) = (
            types.try_get_u32_ne(),
            types.try_get_u32_ne(),
            types.try_get_u32_ne(),
        ) else {
            return Err(ScanError::End(id));
        };
        let kind = Kind::of(info).ok_or(ScanError::Kind(id, number(info)))?;
        let tail = kind.each * if kind.many { info as usize & 0xffff } else { 1 };
        types = types.get(tail..).ok_or(ScanError::End(id))?;
        if kind.wanted
            && let Some(name) = name_at(names, name)
            && let Some(name) = wanted.candidate(name)
            && wanted.contains(name)
        {
            found.push((id, name.to_owned()));
        }
    }
    Ok(found)
}

/// The types and the names.
fn sections(btf: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut header = btf.get(..HEADER_LEN)?;
    if header.get_u16_ne() != MAGIC {
        return None;
    }
    // Version and flags.
    header.advance(2);
    let body = btf.get(header.get_u32_ne() as usize..)?;
    let mut section = || {
        let (offset, len) = (header.get_u32_ne() as usize, header.get_u32_ne() as usize);
        body.get(offset..)?.get(..len)
    };
    Some((section()?, section()?))
}

fn name_at(names: &[u8], offset: u32) -> Option<&[u8]> {
    let name = CStr::from_bytes_until_nul(names.get(offset as usize..)?).ok()?;
    Some(name.to_bytes())
}

fn number(info: u32) -> u32 {
    info >> 24 & 0x1f
}

/// What follows the three words of each type, and whether it can be wanted.
struct Kind {
    wanted: bool,
    /// Bytes of each entry.
    each: usize,
    /// As many entries as the type says, else one.
    many: bool,
}

impl Kind {
    fn of(info: u32) -> Option<Self> {
        let (wanted, each, many) = match number(info) {
            // Pointer, forward, volatile, const, restrict, float, type tag.
            2 | 7 | 9 | 10 | 11 | 16 | 18 => (false, 0, false),
            // Typedef, function.
            8 | 12 => (true, 0, false),
            // Integer, variable, declaration tag.
            1 | 14 | 17 => (false, 4, false),
            // Array.
            3 => (false, 12, false),
            // Structure.
            4 => (true, 12, true),
            // Union, section, enumeration of 64 bits.
            5 | 15 | 19 => (false, 12, true),
            // Enumeration.
            6 => (true, 8, true),
            // Prototype.
            13 => (false, 8, true),
            _ => return None,
        };
        Some(Self { wanted, each, many })
    }
}
