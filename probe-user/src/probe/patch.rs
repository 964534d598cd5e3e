//! Writing numbers into the instructions of the object, before it is loaded; see
//! `probe_common::patch`.

use object::elf::FileHeader64;
use object::read::elf::ElfFile;
use object::{Endianness, Object, ObjectSection, SectionKind};
use probe_common::fields::FIELDS;
use probe_common::patch::{LOAD, MOVE, NUMBERS, SETTINGS, Setting};
use std::ops::Range;

/// Bytes of an instruction.
const INSTRUCTION: usize = 8;
/// Loads of 4 and 8 bytes from memory.
const LOADS: [u8; 2] = [0x61, 0x79];
/// Move of a 32-bit number into a register.
const MOVES: [u8; 2] = [0xb7, 0xb4];
/// Offset of a load for which the kernel has no field: beyond any structure, so
/// that the verifier refuses a program that gets there.
const BEYOND: i16 = i16::MAX;

/// The numbers to write.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    /// By the number of the field.
    fields: Vec<u32>,
    /// By the number of the setting, less that of the first.
    settings: Vec<u32>,
}

impl Numbers {
    /// Offsets of the fields, in the order of `probe_common::fields`.
    pub(super) fn new(fields: Vec<u32>) -> Self {
        debug_assert_eq!(fields.len(), FIELDS.len());
        Self {
            fields,
            settings: Vec::new(),
        }
    }

    /// Sets the value of a setting, at most `i32::MAX`.
    pub(super) fn set(&mut self, setting: Setting, value: u32) {
        let at = (setting as i32 - SETTINGS) as usize;
        if self.settings.len() <= at {
            self.settings.resize(at + 1, 0);
        }
        self.settings[at] = value;
    }

    fn get(&self, number: i32) -> Option<u32> {
        let number = usize::try_from(number).ok()?;
        let first = SETTINGS as usize;
        if number < first {
            self.fields.get(number).copied()
        } else {
            self.settings.get(number - first).copied()
        }
    }
}

/// Why an object cannot be patched.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PatchError {
    /// The object is not what the build makes.
    #[error("the object is unreadable: {0}")]
    Unreadable(String),
    /// An instruction asks for a number that nobody set.
    #[error("the object asks for number {0}, which is not known")]
    Unknown(i32),
    /// An offset that a load cannot hold.
    #[error("the field {0} is at {1}, farther than a load reaches")]
    Far(&'static str, u32),
}

/// Writes the numbers into the instructions of `object`.
pub(super) fn patch(object: &mut [u8], numbers: &Numbers) -> Result<(), PatchError> {
    for range in code(object)? {
        for instruction in object[range].chunks_exact_mut(INSTRUCTION) {
            patch_one(instruction, numbers)?;
        }
    }
    Ok(())
}

/// Where the programs are.
fn code(object: &[u8]) -> Result<Vec<Range<usize>>, PatchError> {
    let unreadable = |error: object::Error| PatchError::Unreadable(error.to_string());
    let file = ElfFile::<FileHeader64<Endianness>>::parse(object).map_err(unreadable)?;
    let ranges = file
        .sections()
        .filter(|section| section.kind() == SectionKind::Text)
        .filter_map(|section| section.file_range())
        .map(|(start, len)| start as usize..(start + len) as usize)
        .collect();
    Ok(ranges)
}

fn patch_one(instruction: &mut [u8], numbers: &Numbers) -> Result<(), PatchError> {
    let offset = i16::from_le_bytes([instruction[2], instruction[3]]);
    let value = i32::from_le_bytes([
        instruction[4],
        instruction[5],
        instruction[6],
        instruction[7],
    ]);
    let known = |number| numbers.get(number).ok_or(PatchError::Unknown(number));
    if LOADS.contains(&instruction[0]) && i32::from(offset) >= LOAD {
        let number = i32::from(offset) - LOAD;
        let offset = reach(number, known(number)?)?;
        instruction[2..4].copy_from_slice(&offset.to_le_bytes());
    } else if MOVES.contains(&instruction[0]) && (MOVE..MOVE + NUMBERS).contains(&value) {
        let value = known(value - MOVE)?;
        instruction[4..8].copy_from_slice(&value.to_le_bytes());
    }
    Ok(())
}

/// The offset of a field as a load holds it.
fn reach(number: i32, offset: u32) -> Result<i16, PatchError> {
    if offset == probe_common::fields::ABSENT {
        return Ok(BEYOND);
    }
    i16::try_from(offset).map_err(|_| {
        let name = FIELDS.get(number as usize).map_or("?", |f| f.symbol);
        PatchError::Far(name, offset)
    })
}

#[cfg(test)]
mod tests {
    use super::super::load::OBJECT;
    use super::*;
    use probe_common::fields::ABSENT;

    fn numbers() -> Numbers {
        let mut numbers = Numbers::new((0..FIELDS.len() as u32).map(|n| 8 * n).collect());
        numbers.set(Setting::OwnTgid, 4711);
        numbers.set(Setting::WithReadahead, 1);
        numbers
    }

    fn patched(code: u8, offset: i16, value: i32) -> Result<(i16, i32), PatchError> {
        let mut instruction = [code, 0, 0, 0, 0, 0, 0, 0];
        instruction[2..4].copy_from_slice(&offset.to_le_bytes());
        instruction[4..8].copy_from_slice(&value.to_le_bytes());
        patch_one(&mut instruction, &numbers())?;
        let [_, _, a, b, value @ ..] = instruction;
        Ok((i16::from_le_bytes([a, b]), i32::from_le_bytes(value)))
    }

    #[test]
    fn loads_and_moves_get_their_numbers() {
        let load = (LOAD + 3) as i16;
        assert_eq!(patched(0x79, load, 0), Ok((24, 0)));
        assert_eq!(patched(0x61, load, 0), Ok((24, 0)));
        assert_eq!(patched(0xb7, 0, MOVE + 2), Ok((0, 16)));
        assert_eq!(
            patched(0xb7, 0, Setting::OwnTgid as i32 + MOVE),
            Ok((0, 4711))
        );
    }

    #[test]
    fn other_instructions_stay_as_they_are() {
        // A jump as far as a field's number, a load near by, other moves.
        for (code, offset, value) in [
            (0x05, (LOAD + 3) as i16, 0),
            (0x79, -24, 0),
            (0x79, 176, 0),
            (0xb7, 0, 0),
            (0xb7, 0, MOVE - 1),
            (0xb7, 0, MOVE + NUMBERS),
        ] {
            assert_eq!(
                patched(code, offset, value),
                Ok((offset, value)),
                "{code:#x}"
            );
        }
    }

    #[test]
    fn what_nobody_set_is_an_error() {
        let number = FIELDS.len() as i32;
        assert_eq!(
            patched(0xb7, 0, MOVE + number),
            Err(PatchError::Unknown(number))
        );
    }

    #[test]
    fn an_absent_field_is_out_of_reach_and_a_far_one_an_error() {
        assert_eq!(reach(0, ABSENT), Ok(BEYOND));
        assert_eq!(
            reach(0, 40_000),
            Err(PatchError::Far(FIELDS[0].symbol, 40_000))
        );
    }

    #[test]
    fn the_object_asks_for_every_field_and_setting_and_for_no_other() {
        let mut asked = std::collections::BTreeSet::new();
        for range in code(OBJECT).unwrap() {
            for instruction in OBJECT[range].chunks_exact(INSTRUCTION) {
                let offset = i16::from_le_bytes([instruction[2], instruction[3]]);
                let value = i32::from_le_bytes(instruction[4..8].try_into().unwrap());
                if LOADS.contains(&instruction[0]) && i32::from(offset) >= LOAD {
                    asked.insert(i32::from(offset) - LOAD);
                }
                if MOVES.contains(&instruction[0]) && (MOVE..MOVE + NUMBERS).contains(&value) {
                    asked.insert(value - MOVE);
                }
            }
        }
        let fields = 0..FIELDS.len() as i32;
        let settings = SETTINGS..=Setting::WithReadahead as i32;
        assert_eq!(asked, fields.chain(settings).collect());
    }
}
