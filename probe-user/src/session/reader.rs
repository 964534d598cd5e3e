//! Opens a recording.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use super::completeness::Completeness;
use super::frame::{CONTINUES, Kind, MORE, VERSION};
use super::pass::{Mode, Pass};
use super::walk::{Cursor, Frames};
use crate::model::{self, Totals};
use crate::sample::{FileHeader, KeyFrame, Session, Window};

/// The first frame is looked for in so many bytes, if it is not where it
/// should be: not all of a large file that is no recording.
const SEARCH: u64 = 16 << 20;

/// A file up to this size is compared with its checksums throughout; of a
/// larger one, only what is used.
const CHECK_ALL_UP_TO: u64 = 256 << 20;

/// So many key frames are tried before all windows are read instead.
const MAX_TRIES: usize = 16;

/// Why a recording cannot be read at all. Damage is no error; it is told by
/// [`Completeness`].
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It has no bytes.
    #[error("the file is empty: the recording was cut off before anything was written")]
    Empty,
    /// It has no frames.
    #[error("this is no recording of volprobe, or its beginning is destroyed")]
    NotARecording,
    /// Its format is newer than this program.
    #[error(
        "written by a newer version of volprobe: format {found}, and this one reads up to {known}"
    )]
    Newer {
        /// Version of the recording's format.
        found: u8,
        /// Newest version that can be read.
        known: u8,
    },
    /// Neither the first window nor a key frame is there.
    #[error("the recording holds no readable window: it was cut off before its first one")]
    NoSession,
}

/// Which frames are compared with their checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// All of them.
    All,
    /// Those whose contents are used.
    Used,
}

/// A recording, open for reading.
pub struct Recording<R = File> {
    frames: Frames<R>,
    start: Cursor,
    header: FileHeader,
    key_frame: Option<u64>,
    totals: Totals,
    session: Session,
    check: Check,
    completeness: Option<Completeness>,
}

impl Recording {
    /// Opens a file.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Self::new(File::open(path)?)
    }
}

impl<R: Read + Seek> Recording<R> {
    /// Reads the last key frame and what follows it, not the whole recording.
    pub fn new(source: R) -> Result<Self, ReadError> {
        let mut frames = Frames::new(source)?;
        if frames.len() == 0 {
            return Err(ReadError::Empty);
        }
        let first = frames.next(0, SEARCH, 0)?.ok_or(ReadError::NotARecording)?;
        if first.header.version > VERSION {
            return Err(ReadError::Newer {
                found: first.header.version,
                known: VERSION,
            });
        }
        frames.only(first.header.recording);
        let is_header = first.header.kind == Kind::Header as u8;
        let header = match is_header.then(|| frames.message::<FileHeader>(&first)) {
            Some(message) => message?.unwrap_or_default(),
            None => FileHeader::default(),
        };
        let start = Cursor {
            offset: 0,
            sequence: 0,
        };
        let (key_frame, totals) = totals(&mut frames, start, &header)?;
        let session = totals.session.clone().ok_or(ReadError::NoSession)?;
        let check = if frames.len() <= CHECK_ALL_UP_TO {
            Check::All
        } else {
            Check::Used
        };
        Ok(Self {
            frames,
            start,
            header,
            key_frame,
            totals,
            session,
            check,
            completeness: None,
        })
    }

    /// Where, when and with what it was recorded.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// What the writer said of the file.
    pub fn header(&self) -> &FileHeader {
        &self.header
    }

    /// Totals at the end of the recording.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Place of the key frame that the totals are from; none if there is none.
    pub fn key_frame(&self) -> Option<u64> {
        self.key_frame
    }

    /// Length of the file, bytes.
    pub fn len(&self) -> u64 {
        self.frames.len()
    }

    /// Is the file empty? Never: such a file does not open.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes fetched from the file so far.
    pub fn fetched(&self) -> u64 {
        self.frames.fetched()
    }

    /// Chooses which frames are compared with their checksums. By default all
    /// are, except in large files.
    pub fn set_check(&mut self, check: Check) {
        self.check = check;
        self.completeness = None;
    }

    /// All windows, with everything in them. Where some are damaged, the next
    /// key frame gives one window with what they held, events excepted; so the
    /// windows always add up to [`Recording::totals`].
    pub fn windows(&mut self) -> Windows<'_, R> {
        self.pass(Mode::Windows)
    }

    /// The timeline records of all windows, and the clock anchors around them:
    /// what the totals do not hold. The rest of the file is passed over.
    pub fn timeline(&mut self) -> Windows<'_, R> {
        let unchecked_before = match self.check {
            Check::All => 0,
            Check::Used => self.key_frame.unwrap_or(0),
        };
        self.pass(Mode::Timeline { unchecked_before })
    }

    /// How much of the recording is there. Free if all windows, or all of the
    /// timeline, have been read before.
    pub fn completeness(&mut self) -> Result<&Completeness, ReadError> {
        if self.completeness.is_none() {
            let mut timeline = self.timeline();
            while timeline.next_window()?.is_some() {}
        }
        Ok(self.completeness.get_or_insert_default())
    }

    /// The number that all frames of this file have, and no other file's.
    pub fn id(&self) -> Option<u64> {
        self.frames.recording()
    }

    /// What a report is made of: the whole timeline, and the totals of the end.
    pub fn fold(&mut self) -> Result<model::Recording, ReadError> {
        let mut recording = model::Recording::default();
        self.fold_into(&mut recording)?;
        recording.set_reading(self.completeness()?.reading());
        Ok(recording)
    }

    /// Adds this file, the first or the next part of a recording.
    pub(super) fn fold_into(&mut self, recording: &mut model::Recording) -> Result<(), ReadError> {
        recording.begin_part();
        for window in self.timeline() {
            recording.apply_history(window?);
        }
        recording.add_totals(&self.totals);
        Ok(())
    }

    fn pass(&mut self, mode: Mode) -> Windows<'_, R> {
        let totals = Totals::default();
        let mut pass = Pass::new(mode, self.start, totals, &self.header);
        pass.begins_at(self.session.start_boot_ns);
        Windows {
            frames: &mut self.frames,
            completeness: &mut self.completeness,
            pass: Some(pass),
        }
    }
}

/// Windows of a recording, one at a time.
pub struct Windows<'a, R> {
    frames: &'a mut Frames<R>,
    completeness: &'a mut Option<Completeness>,
    pass: Option<Pass>,
}

impl<R: Read + Seek> Windows<'_, R> {
    /// The next window; none at the end.
    pub fn next_window(&mut self) -> Result<Option<Window>, ReadError> {
        let Some(pass) = &mut self.pass else {
            return Ok(None);
        };
        let window = pass.next(self.frames)?;
        if window.is_none() {
            *self.completeness = self.pass.take().map(Pass::facts);
        }
        Ok(window)
    }
}

impl<R: Read + Seek> Iterator for Windows<'_, R> {
    type Item = Result<Window, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_window() {
            Ok(window) => window.map(Ok),
            Err(error) => {
                self.pass = None;
                Some(Err(error))
            }
        }
    }
}

/// The last key frame that can be read, and the totals with all that follows.
fn totals<R: Read + Seek>(
    frames: &mut Frames<R>,
    start: Cursor,
    header: &FileHeader,
) -> io::Result<(Option<u64>, Totals)> {
    let mut offset = frames.len();
    let mut found = None;
    // Each frame knows the key frame before it. Where that one is damaged, so
    // does the frame before that.
    let mut tries = 0..MAX_TRIES;
    while found.is_none()
        && tries.next().is_some()
        && let Some(last) = frames.last(offset)?
        && last.header.key_frame != 0
        && last.header.key_frame < last.offset
    {
        offset = last.header.key_frame;
        found = key_frame(frames, offset)?;
    }
    let (offset, cursor, totals) = match found {
        Some((cursor, totals)) => (Some(offset), cursor, totals),
        None => (None, start, Totals::default()),
    };
    let mut tail = Pass::new(Mode::Windows, cursor, totals, header);
    while tail.next(frames)?.is_some() {}
    Ok((offset, tail.into_totals()))
}

/// The totals of the key frame at `offset`, and the place behind it.
fn key_frame<R: Read + Seek>(
    frames: &mut Frames<R>,
    offset: u64,
) -> io::Result<Option<(Cursor, Totals)>> {
    let mut parts = Vec::new();
    let mut at = offset;
    loop {
        let Some(placed) = frames.header(at)? else {
            return Ok(None);
        };
        let expected = placed.header.kind == Kind::KeyFrame as u8
            && placed.header.version <= VERSION
            && placed.header.has(CONTINUES) != parts.is_empty();
        if !expected || placed.end() > frames.len() {
            return Ok(None);
        }
        let Ok(part) = frames.message::<KeyFrame>(&placed)? else {
            return Ok(None);
        };
        parts.push(part);
        at = placed.end();
        if !placed.header.has(MORE) {
            let cursor = Cursor {
                offset: at,
                sequence: placed.header.sequence.saturating_add(1),
            };
            return Ok(Some((cursor, Totals::from_key_frames(parts))));
        }
    }
}
