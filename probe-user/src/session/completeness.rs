//! What a reading of a recording found out about the recording itself.

use std::collections::BTreeMap;

use crate::model::Reading;
use crate::sample::{End, Gap};

/// How much of a recording is there. Losses that the recorder itself noted are
/// in the totals, not here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Completeness {
    /// The end statement. None: the recorder was killed, or is still running,
    /// or the file was cut.
    pub ended: Option<End>,
    /// End of the last window that was read, boottime in ns.
    pub last_boot_ns: u64,
    /// Frames that are missing or cannot be read.
    pub damaged_frames: u64,
    /// Times whose windows are damaged. An end of 0 means up to the end of the
    /// recording, whenever that was.
    pub gaps: Vec<Gap>,
    /// Frames of kinds that this version does not know, by name.
    pub unknown_kinds: BTreeMap<String, u64>,
    /// Records that this version does not know, in windows that it does.
    pub unknown_records: u64,
    /// Bytes behind the end statement.
    pub trailing_bytes: u64,
    /// Without an end statement: bytes of a frame that was never finished.
    pub cut_bytes: u64,
    /// Frames passed over without comparing their checksums, because nothing
    /// of them was needed.
    pub unchecked_frames: u64,
}

impl Completeness {
    /// Is the end statement missing?
    pub fn truncated(&self) -> bool {
        self.ended.is_none()
    }

    /// As a report tells it.
    pub fn reading(&self) -> Reading {
        let mut unknown = self.unknown_kinds.clone();
        if self.unknown_records > 0 {
            *unknown.entry("record".to_owned()).or_default() += self.unknown_records;
        }
        Reading {
            truncated: self.truncated(),
            damaged_frames: self.damaged_frames,
            trailing_bytes: self.trailing_bytes,
            gaps: self.gaps.clone(),
            unchecked_frames: self.unchecked_frames,
            unknown,
        }
    }

    /// Is everything there that was written?
    pub fn is_complete(&self) -> bool {
        !self.truncated()
            && self.damaged_frames == 0
            && self.trailing_bytes == 0
            && self.gaps.is_empty()
    }
}
