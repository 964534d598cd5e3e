//! Finding frames: one after the other, the next one behind damage, the last
//! one of a file.

use std::io::{self, Read, Seek};

use memchr::memmem;
use prost::Message;

use super::bytes::Bytes;
use super::frame::{self, HEADER_LEN, Header, MAGIC, PayloadError, Unpacker};

/// Fetched behind a header: a small frame, or the next headers.
const AHEAD: usize = 4 << 10;

/// Bytes looked through at once in a search.
const CHUNK: usize = 64 << 10;

/// A header at its place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) offset: u64,
    pub(super) header: Header,
}

impl Placed {
    /// The place behind the frame.
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(self.header.frame_len())
    }
}

/// The frames of one recording in a file.
pub(super) struct Frames<R> {
    bytes: Bytes<R>,
    unpacker: Unpacker,
    recording: Option<u64>,
}

impl<R: Read + Seek> Frames<R> {
    pub(super) fn new(source: R) -> io::Result<Self> {
        Ok(Self {
            bytes: Bytes::new(source)?,
            unpacker: Unpacker::new()?,
            recording: None,
        })
    }

    /// Takes only frames of this recording from now on.
    pub(super) fn only(&mut self, recording: u64) {
        self.recording = Some(recording);
    }

    pub(super) fn recording(&self) -> Option<u64> {
        self.recording
    }

    pub(super) fn len(&self) -> u64 {
        self.bytes.len()
    }

    pub(super) fn fetched(&self) -> u64 {
        self.bytes.fetched()
    }

    /// The header at `offset`, if there is one of this recording. Its payload
    /// may be cut off.
    pub(super) fn header(&mut self, offset: u64) -> io::Result<Option<Placed>> {
        let header = Header::decode(self.bytes.at(offset, HEADER_LEN, AHEAD)?).ok();
        Ok(header
            .filter(|header| self.recording.is_none_or(|id| id == header.recording))
            .map(|header| Placed { offset, header }))
    }

    /// The first header at `from` or behind it, and before `to`, with at least
    /// this sequence number.
    pub(super) fn next(&mut self, from: u64, to: u64, sequence: u64) -> io::Result<Option<Placed>> {
        let to = to.min(self.len());
        let mut at = from;
        while at < to {
            let found = self.magics(at, at.saturating_add(CHUNK as u64).min(to))?;
            for found in found {
                if let Some(placed) = self.header(found)?
                    && placed.header.sequence >= sequence
                {
                    return Ok(Some(placed));
                }
            }
            at = at.saturating_add(CHUNK as u64);
        }
        Ok(None)
    }

    /// The places in `from..to` where a frame may begin.
    fn magics(&mut self, from: u64, to: u64) -> io::Result<Vec<u64>> {
        // The last one that begins here may end behind `to`.
        let len = (to - from) as usize + MAGIC.len() - 1;
        let chunk = self.bytes.at(from, len, 0)?;
        Ok(memmem::find_iter(chunk, &MAGIC)
            .map(|found| from + found as u64)
            .collect())
    }

    /// The last header before `to`.
    pub(super) fn last(&mut self, to: u64) -> io::Result<Option<Placed>> {
        let mut to = to.min(self.len());
        while to > 0 {
            let from = to.saturating_sub(CHUNK as u64);
            for found in self.magics(from, to)?.into_iter().rev() {
                if let Some(placed) = self.header(found)? {
                    return Ok(Some(placed));
                }
            }
            to = from;
        }
        Ok(None)
    }

    /// The message of a frame.
    pub(super) fn message<M: Message + Default>(
        &mut self,
        placed: &Placed,
    ) -> io::Result<Result<M, PayloadError>> {
        let at = placed.offset + HEADER_LEN as u64;
        let payload = self.bytes.at(at, placed.header.length as usize, AHEAD)?;
        Ok(self.unpacker.unpack(&placed.header, payload))
    }

    /// Compares the payload of a frame with its checksum.
    pub(super) fn check(&mut self, placed: &Placed) -> io::Result<Result<(), PayloadError>> {
        let at = placed.offset + HEADER_LEN as u64;
        let payload = self.bytes.at(at, placed.header.length as usize, AHEAD)?;
        Ok(frame::check(&placed.header, payload))
    }
}

/// A place in a file from which frames follow in order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    pub(super) offset: u64,
    /// Sequence number of the frame that should be there.
    pub(super) sequence: u64,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A frame.
    Frame(Placed),
    /// So many frames are missing or unreadable here; others follow.
    Lost { frames: u64, at: u64 },
    /// No frame follows. The rest is of this many bytes; `damaged` if it is
    /// more than the beginning of a frame that was never finished.
    Over { rest: u64, damaged: bool },
}

impl Cursor {
    pub(super) fn step<R: Read + Seek>(&mut self, frames: &mut Frames<R>) -> io::Result<Step> {
        let at = self.offset;
        let rest = frames.len().saturating_sub(at);
        if rest == 0 {
            return Ok(Step::Over {
                rest,
                damaged: false,
            });
        }
        let here = frames
            .header(at)?
            .filter(|placed| placed.header.sequence >= self.sequence);
        let Some(placed) = here else {
            let next = frames.next(at + 1, u64::MAX, self.sequence)?;
            return Ok(match next {
                Some(next) => self.jump(next, at),
                None => Step::Over {
                    rest,
                    damaged: rest >= HEADER_LEN as u64,
                },
            });
        };
        if placed.header.sequence > self.sequence {
            return Ok(self.jump(placed, at));
        }
        if placed.end() > frames.len() {
            return Ok(Step::Over {
                rest,
                damaged: false,
            });
        }
        self.offset = placed.end();
        self.sequence = self.sequence.saturating_add(1);
        Ok(Step::Frame(placed))
    }

    /// Goes on at `next`; damage began at `at`.
    fn jump(&mut self, next: Placed, at: u64) -> Step {
        let missing = next.header.sequence - self.sequence;
        self.offset = next.offset;
        self.sequence = next.header.sequence;
        Step::Lost {
            frames: missing.max(1),
            at,
        }
    }
}
