//! A recording over several files, none larger than a limit.
//!
//! FILE is the one being written. When it is full it ends, properly, and becomes
//! FILE.1; what was FILE.1 becomes FILE.2, and so on; the oldest is removed. Each
//! file can be read alone, and all of them together are one recording again.

use std::path::{Path, PathBuf};
use std::{fs, io};

use prost::Message;

use super::writer::{SyncHandle, WriteError, Writer, WriterOptions};
use crate::model::Totals;
use crate::sample::{Record, Sample, Window};
use crate::sink::Sink;

/// The reason in the end statement of a file that another one follows.
const CONTINUED: &str = "continued in the next file";

/// How large, and how many.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a file.
    pub max_size: u64,
    /// Files that are kept, the one being written included; at least 1. With 1
    /// the recording ends when it is full.
    pub files: u32,
}

/// Writes a recording within limits.
pub struct Rotating {
    path: PathBuf,
    options: WriterOptions,
    limits: Limits,
    writer: Writer,
    stream: u64,
    part: u32,
    on_full: Option<Box<dyn FnOnce()>>,
}

impl Rotating {
    /// Creates the first file. `on_full` is called once, when the recording has
    /// to end for want of room in its only file.
    pub fn create(
        path: &Path,
        options: &WriterOptions,
        limits: Limits,
        on_full: impl FnOnce() + 'static,
    ) -> Result<Self, WriteError> {
        for number in 1..limits.files {
            clear(&numbered(path, number), options.force)?;
        }
        let mut random = [0; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty()).map_err(
            |errno| WriteError::Create {
                path: path.to_owned(),
                source: errno.into(),
            },
        )?;
        Ok(Self {
            writer: Writer::create(path, options)?,
            path: path.to_owned(),
            options: options.clone(),
            limits,
            stream: u64::from_le_bytes(random).max(1),
            part: 0,
            on_full: Some(Box::new(on_full)),
        })
    }

    /// A handle by which others ask for a sync, whichever file is being written.
    pub fn sync_handle(&self) -> SyncHandle {
        self.writer.sync_handle()
    }

    /// Writes a window, into the next file if this one is full.
    pub fn write(&mut self, window: &Window) -> Result<(), WriteError> {
        let begun = self.writer.totals().windows > 0;
        let full = begun && !self.has_room(window);
        if full && self.limits.files > 1 {
            let known = self.turn()?;
            return self.writer.write(&self.first_window(known, window));
        }
        if full && let Some(on_full) = self.on_full.take() {
            on_full();
        }
        if begun {
            self.writer.write(window)
        } else {
            self.writer.write(&self.first_window(Vec::new(), window))
        }
    }

    /// Room for the window, whatever it compresses to, and for what ends a file:
    /// key frames that may have grown, the last look at the node.
    fn has_room(&self, window: &Window) -> bool {
        let spare = 3 * self.writer.key_frame_len() + self.limits.max_size / 16;
        let wanted = self.writer.length() + window.encoded_len() as u64 + spare;
        wanted <= self.limits.max_size
    }

    /// Ends the file and begins the next one; returns what that must say first.
    fn turn(&mut self) -> Result<Vec<Sample>, WriteError> {
        self.writer.end_because(CONTINUED)?;
        let known = state(self.writer.totals());
        self.shift().map_err(|source| WriteError::Create {
            path: numbered(&self.path, 1),
            source,
        })?;
        let asked = self.writer.sync_handle();
        self.writer = Writer::create(&self.path, &self.options)?;
        self.writer.set_sync_handle(asked);
        self.part += 1;
        Ok(known)
    }

    /// Each file takes the next number; the last one is removed.
    fn shift(&self) -> io::Result<()> {
        let name = |number: u32| match number {
            0 => self.path.clone(),
            number => numbered(&self.path, number),
        };
        for number in (0..self.limits.files - 1).rev() {
            match fs::rename(name(number), name(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// The first window of a file: what is known comes first, and the session
    /// says which part this is.
    fn first_window(&self, known: Vec<Sample>, window: &Window) -> Window {
        let mut samples = known;
        samples.extend(window.samples.iter().cloned());
        for sample in &mut samples {
            if let Some(Record::Session(session)) = &mut sample.record {
                session.stream = self.stream;
                session.part = self.part;
                if self.part > 0 {
                    session.start_boot_ns = window.from_boot_ns;
                }
            }
        }
        Window { samples, ..*window }
    }
}

impl Sink for Rotating {
    fn window(&mut self, window: &Window) -> anyhow::Result<()> {
        Ok(self.write(window)?)
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        Ok(self.writer.end()?)
    }
}

/// FILE.number
fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// A name that will be needed must be free, or be allowed to be replaced.
fn clear(path: &Path, force: bool) -> Result<(), WriteError> {
    match path.symlink_metadata() {
        Err(_) => Ok(()),
        Ok(_) if !force => Err(WriteError::Exists(path.to_owned())),
        Ok(file) if !file.is_file() => Err(WriteError::NotAFile(path.to_owned())),
        Ok(_) => fs::remove_file(path).map_err(|source| WriteError::Create {
            path: path.to_owned(),
            source,
        }),
    }
}

/// What holds when a file ends: everything but counts and events.
fn state(totals: &Totals) -> Vec<Sample> {
    let mut samples = totals.since(&Totals::default()).samples;
    samples.retain(|sample| match &sample.record {
        Some(Record::Gap(gap)) => gap.to_boot_ns == 0,
        Some(
            Record::Session(_)
            | Record::Schema(_)
            | Record::Probe(_)
            | Record::Inventory(_)
            | Record::Series(_),
        ) => true,
        _ => false,
    });
    samples
}
