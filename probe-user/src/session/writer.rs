//! Writes a recording, window by window.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{io, mem};

use super::frame::{CONTINUES, Header, Kind, MORE, Packer, VERSION};
use super::parts::{self, Need, PART, Parts};
use super::store::{FileStore, Store};

use crate::model::Totals;
use crate::sample::{End, FileHeader, Record, Timeline, Window};
use crate::sink::Sink;

/// Room for an end statement is kept aside on the disk, bytes.
const END_ROOM: u64 = 64 << 10;

/// How a recording is written.
#[derive(Clone, Debug)]
pub struct WriterOptions {
    /// Replace a file that exists.
    pub force: bool,
    /// A key frame at least this often, by the stream's time.
    pub key_frame_every: Duration,
    /// And after this many bytes.
    pub key_frame_bytes: u64,
    /// Ask the disk to keep what was written at most this often.
    pub sync_every: Duration,
    /// The same while nothing happens, so that an idle disk may rest.
    pub sync_idle_every: Duration,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            force: false,
            key_frame_every: Duration::from_mins(1),
            key_frame_bytes: 8 << 20,
            sync_every: Duration::from_secs(3),
            sync_idle_every: Duration::from_secs(15),
        }
    }
}

/// Why a recording cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file is there.
    #[error("{} exists; choose another name, or overwrite it with --force", .0.display())]
    Exists(PathBuf),
    /// With force: what is there is no regular file.
    #[error("{} is not a regular file and is left alone", .0.display())]
    NotAFile(PathBuf),
    /// The file cannot be made.
    #[error("cannot create {}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No space is left.
    #[error(
        "the disk is full: {} ends after {written} bytes and can be read up to there",
        path.display()
    )]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// Its length, bytes.
        written: u64,
    },
    /// A write or sync failed.
    #[error(
        "cannot write {}; what was written before, {written} bytes, can be read",
        path.display()
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// Its length, bytes.
        written: u64,
        /// Why.
        source: io::Error,
    },
    /// The recording has ended.
    #[error("{} has ended; nothing can follow", .0.display())]
    Ended(PathBuf),
}

/// Asks a writer to sync with its next window.
#[derive(Clone, Debug, Default)]
pub struct SyncHandle(Arc<AtomicBool>);

impl SyncHandle {
    /// Something was found that must not be lost.
    pub fn sync_soon(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Writes a recording.
pub struct Writer<S: Store = FileStore> {
    path: PathBuf,
    options: WriterOptions,
    store: S,
    packer: Packer,
    batch: Vec<u8>,
    totals: Totals,
    end: Option<End>,
    state: State,
    recording: u64,
    /// Frames made, and those of them that are in the store.
    sequence: u64,
    kept: u64,
    length: u64,
    key_frame: u64,
    key_frame_len: u64,
    key_boot_ns: u64,
    sync_boot_ns: u64,
    /// The most that any window since then needs.
    unsynced: Need,
    sync_asked: SyncHandle,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first window.
    New,
    /// A key frame holds everything up to now.
    Keyed,
    /// Windows came since.
    Open,
    Ended,
}

impl Writer {
    /// Creates the file.
    pub fn create(path: &Path, options: &WriterOptions) -> Result<Self, WriteError> {
        let store = FileStore::create(path, options.force).map_err(|source| {
            if source.kind() != io::ErrorKind::AlreadyExists {
                let path = path.to_owned();
                WriteError::Create { path, source }
            } else if options.force {
                WriteError::NotAFile(path.to_owned())
            } else {
                WriteError::Exists(path.to_owned())
            }
        })?;
        Self::new(path, store, options)
    }
}

impl<S: Store> Writer<S> {
    /// Begins a recording in `store`, which must be empty; `path` is its name
    /// in messages.
    pub fn new(path: &Path, store: S, options: &WriterOptions) -> Result<Self, WriteError> {
        let start = || -> io::Result<(Packer, u64)> {
            let mut random = [0; 8];
            rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
            Ok((Packer::new()?, u64::from_le_bytes(random)))
        };
        let (packer, recording) = start().map_err(|source| WriteError::Create {
            path: path.to_owned(),
            source,
        })?;
        let mut writer = Self {
            path: path.to_owned(),
            options: options.clone(),
            store,
            packer,
            batch: Vec::new(),
            totals: Totals::default(),
            end: None,
            state: State::New,
            recording,
            sequence: 0,
            kept: 0,
            length: 0,
            key_frame: 0,
            key_frame_len: 0,
            key_boot_ns: 0,
            sync_boot_ns: 0,
            unsynced: Need::Late,
            sync_asked: SyncHandle::default(),
        };
        writer.write_header()?;
        Ok(writer)
    }

    /// A handle by which others ask for a sync.
    pub fn sync_handle(&self) -> SyncHandle {
        self.sync_asked.clone()
    }

    /// Listens to this handle from now on, the one of an earlier writer.
    pub(super) fn set_sync_handle(&mut self, handle: SyncHandle) {
        self.sync_asked = handle;
    }

    /// Totals of what was written.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Bytes written.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The store, as it is now.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Writes a window, and a key frame where one is due.
    pub fn write(&mut self, window: &Window) -> Result<(), WriteError> {
        if self.state == State::Ended {
            return Err(WriteError::Ended(self.path.clone()));
        }
        if self.state == State::New {
            self.key_boot_ns = window.from_boot_ns;
            self.sync_boot_ns = window.from_boot_ns;
        }
        let parts = parts::split(window, self.totals.clock.last.as_ref());
        for sample in parts.samples() {
            if let Some(Record::End(end)) = &sample.record {
                self.end = Some(end.clone());
            }
        }
        self.put_parts(&parts).map_err(|error| self.failed(error))?;
        self.commit()?;
        let first = self.state == State::New;
        for (_, part) in &parts.all {
            self.totals.fold(part);
        }
        self.state = State::Open;
        // The first window says what all others need; so it is said twice.
        if first || self.key_frame_due(window.to_boot_ns) {
            self.write_key_frame()?;
        }
        self.sync(window.to_boot_ns, parts.need())
    }

    /// Bytes of the last key frame.
    pub fn key_frame_len(&self) -> u64 {
        self.key_frame_len
    }

    /// Ends the recording for a reason of the writer's own.
    pub fn end_because(&mut self, why: &str) -> Result<(), WriteError> {
        self.end = Some(self.end_statement(why));
        self.end()
    }

    fn end_statement(&self, why: &str) -> End {
        End {
            boot_ns: self.totals.to_boot_ns,
            why: why.to_owned(),
            events: self.totals.events,
            windows: self.totals.windows,
        }
    }

    /// Writes a last key frame and the end statement.
    pub fn end(&mut self) -> Result<(), WriteError> {
        if self.state == State::Ended {
            return Ok(());
        }
        if self.state == State::Open {
            self.write_key_frame()?;
        }
        let end = match self.end.take() {
            Some(end) => end,
            None => self.end_statement("finished"),
        };
        self.write_end(&end)?;
        self.store
            .cut(self.length)
            .and_then(|()| self.store.close())
            .map_err(|source| self.write_error(source))
    }

    fn write_header(&mut self) -> Result<(), WriteError> {
        let created = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos() as i64);
        let header = FileHeader {
            writer: concat!("volprobe ", env!("CARGO_PKG_VERSION")).to_owned(),
            created_real_ns: created,
            kinds: Kind::names(),
        };
        self.put(Kind::Header, 0, &header)
            .map_err(|error| self.failed(error))?;
        self.commit()
    }

    fn put_parts(&mut self, parts: &Parts) -> io::Result<()> {
        let last = parts.all.len().saturating_sub(1);
        for (number, (kind, part)) in parts.all.iter().enumerate() {
            let flags = flags(number, last);
            if *kind == Kind::Timeline {
                let timeline = Timeline {
                    window: Some(part.clone()),
                    before: parts.before,
                };
                self.put(*kind, flags, &timeline)?;
            } else {
                self.put(*kind, flags, part)?;
            }
        }
        Ok(())
    }

    fn write_key_frame(&mut self) -> Result<(), WriteError> {
        let at = self.length;
        let mut parts = self.totals.to_key_frames(PART);
        let last = parts.len().saturating_sub(1);
        for (number, part) in parts.iter_mut().enumerate() {
            part.previous_offset = self.key_frame;
            self.put(Kind::KeyFrame, flags(number, last), part)
                .map_err(|error| self.failed(error))?;
        }
        self.commit()?;
        self.key_frame = at;
        self.key_frame_len = self.length - at;
        self.key_boot_ns = self.totals.to_boot_ns;
        self.state = State::Keyed;
        Ok(())
    }

    fn write_end(&mut self, end: &End) -> Result<(), WriteError> {
        self.state = State::Ended;
        self.put(Kind::End, 0, end)
            .and_then(|()| self.append())
            .map_err(|source| self.write_error(source))
    }

    /// Adds a frame to the batch.
    fn put(&mut self, kind: Kind, flags: u16, message: &impl prost::Message) -> io::Result<()> {
        let header = Header {
            version: VERSION,
            kind: kind as u8,
            flags,
            length: 0,
            sequence: self.sequence,
            key_frame: self.key_frame,
            recording: self.recording,
            payload_crc: 0,
        };
        self.packer.pack(&mut self.batch, header, message)?;
        self.sequence += 1;
        Ok(())
    }

    /// Writes the batch, with room left for the end statement. If that fails,
    /// the recording is ended properly where it was.
    fn commit(&mut self) -> Result<(), WriteError> {
        let wanted = self.length + self.batch.len() as u64 + END_ROOM;
        self.store
            .reserve(wanted)
            .and_then(|()| self.append())
            .map_err(|error| self.failed(error))
    }

    /// Writes the batch in one go.
    fn append(&mut self) -> io::Result<()> {
        let batch = mem::take(&mut self.batch);
        let result = self.store.write_all(&batch);
        if result.is_ok() {
            self.length += batch.len() as u64;
            self.kept = self.sequence;
        }
        self.batch = batch;
        self.batch.clear();
        result
    }

    /// Ends the recording after an error: no half frame stays, and the end
    /// statement says why, if it can still be written.
    fn failed(&mut self, source: io::Error) -> WriteError {
        let error = self.write_error(source);
        let why = match &error {
            WriteError::DiskFull { .. } => "disk full".to_owned(),
            WriteError::Write { source, .. } => format!("write failed: {source}"),
            other => other.to_string(),
        };
        self.sequence = self.kept;
        self.batch.clear();
        let end = self.end_statement(&why);
        // The first error is what counts; these may well fail for its reason.
        if self.store.cut(self.length).is_ok() && self.write_end(&end).is_err() {
            let _ = self.store.cut(self.length);
        }
        self.state = State::Ended;
        let _ = self.store.close();
        error
    }

    fn write_error(&self, source: io::Error) -> WriteError {
        let path = self.path.clone();
        let written = self.length;
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                WriteError::DiskFull { path, written }
            }
            _ => WriteError::Write {
                path,
                written,
                source,
            },
        }
    }

    fn key_frame_due(&self, boot_ns: u64) -> bool {
        let age = boot_ns.saturating_sub(self.key_boot_ns);
        Duration::from_nanos(age) >= self.options.key_frame_every
            || self.length - self.key_frame >= self.options.key_frame_bytes
    }

    fn sync(&mut self, boot_ns: u64, need: Need) -> Result<(), WriteError> {
        self.unsynced = self.unsynced.max(need);
        let age = Duration::from_nanos(boot_ns.saturating_sub(self.sync_boot_ns));
        let due = match self.unsynced {
            Need::Late => age >= self.options.sync_idle_every,
            Need::Soon => age >= self.options.sync_every,
            Need::AtOnce => true,
        };
        let asked = self.sync_asked.0.swap(false, Ordering::Relaxed);
        if !due && !asked {
            return Ok(());
        }
        self.sync_boot_ns = boot_ns;
        self.unsynced = Need::Late;
        self.store.sync().map_err(|error| self.failed(error))
    }
}

impl<S: Store> Sink for Writer<S> {
    fn window(&mut self, window: &Window) -> anyhow::Result<()> {
        Ok(self.write(window)?)
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        Ok(self.end()?)
    }
}

/// Flags of part `number` of `0..=last`.
fn flags(number: usize, last: usize) -> u16 {
    let more = if number < last { MORE } else { 0 };
    let continues = if number > 0 { CONTINUES } else { 0 };
    more | continues
}
