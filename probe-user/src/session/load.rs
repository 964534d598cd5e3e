//! Files as a user gives them: parts of one recording put together, a span of
//! it cut out.

use std::path::{Path, PathBuf};

use super::reader::{ReadError, Recording};
use super::span::Span;
use crate::model::{self, Reading};
use crate::sample::{End, Gap, Record, Session, Window};

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
pub struct LoadError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: ReadError,
}

/// Reads files, each recording once: parts of one, as `record --rotate` leaves
/// them, are one again, in any order given. Only what lies within `span` counts.
pub fn load(paths: &[PathBuf], span: &Span) -> Result<Vec<model::Recording>, LoadError> {
    let parts = parts(paths)?;
    parts.iter().map(|parts| parts.fold(span)).collect()
}

/// The files of one recording, in order.
#[derive(Clone, Debug)]
pub struct Parts(Vec<PathBuf>);

/// Puts the parts of each recording together; a file given twice counts once.
pub fn parts(paths: &[PathBuf]) -> Result<Vec<Parts>, LoadError> {
    let mut groups: Vec<Vec<(Head, &PathBuf)>> = Vec::new();
    for path in paths {
        let head = Head::of(&open(path)?);
        let group = groups
            .iter_mut()
            .find(|group| group.iter().any(|(other, _)| other.same_recording(&head)));
        match group {
            Some(group) if group.iter().any(|(other, _)| other.id == head.id) => {}
            Some(group) => group.push((head, path)),
            None => groups.push(vec![(head, path)]),
        }
    }
    let in_order = |mut group: Vec<(Head, &PathBuf)>| {
        group.sort_by_key(|(head, _)| (head.part, head.start_boot_ns));
        Parts(group.into_iter().map(|(_, path)| path.clone()).collect())
    };
    Ok(groups.into_iter().map(in_order).collect())
}

/// What tells which recording a file is a part of.
struct Head {
    id: Option<u64>,
    stream: u64,
    boot_id: String,
    part: u32,
    start_boot_ns: u64,
}

impl Head {
    fn of(file: &Recording) -> Self {
        let session = file.session();
        Self {
            id: file.id(),
            stream: session.stream,
            boot_id: session.boot_id.clone(),
            part: session.part,
            start_boot_ns: session.start_boot_ns,
        }
    }

    fn same_recording(&self, other: &Self) -> bool {
        let same_stream = self.stream != 0 && self.stream == other.stream;
        self.id == other.id || same_stream && self.boot_id == other.boot_id
    }
}

impl Parts {
    /// Its files, in order.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(PathBuf::as_path)
    }

    /// The recording, or a span of it.
    pub fn fold(&self, span: &Span) -> Result<model::Recording, LoadError> {
        let mut whole = model::Recording::default();
        let mut reading = Reading::default();
        let mut before: Option<Session> = None;
        for path in &self.0 {
            let mut file = open(path)?;
            named(path, file.fold_into(&mut whole))?;
            reading.follow(named(path, file.completeness())?.reading());
            let session = file.session();
            let gap = before.and_then(|before| missing(&before, session, whole.part_end_ns()));
            reading.gaps.extend(gap);
            before = Some(session.clone());
        }
        whole.set_reading(reading.clone());
        if span.is_whole() {
            return Ok(whole);
        }
        let (from, to) = span.boot_times(&whole);
        let mut clip = Clip::new(from, to);
        self.windows(|window| clip.take(window))?;
        Ok(clip.finish(reading))
    }

    /// Hands out all windows in order, until `take` says false.
    pub fn windows(&self, mut take: impl FnMut(Window) -> bool) -> Result<(), LoadError> {
        self.each_window(|window, _| take(window))
    }

    /// The same; `take` is also told whether the window is of the last file.
    pub(super) fn each_window(
        &self,
        mut take: impl FnMut(Window, bool) -> bool,
    ) -> Result<(), LoadError> {
        for (number, path) in self.0.iter().enumerate() {
            let is_last = number + 1 == self.0.len();
            let mut file = open(path)?;
            let mut windows = file.windows();
            while let Some(window) = named(path, windows.next_window())? {
                if !take(window, is_last) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

fn open(path: &Path) -> Result<Recording, LoadError> {
    named(path, Recording::open(path))
}

fn named<T>(path: &Path, result: Result<T, ReadError>) -> Result<T, LoadError> {
    let path = path.to_owned();
    result.map_err(|source| LoadError { path, source })
}

/// The time between two parts of which one is not there; the first of them ended
/// at `from_boot_ns`.
pub(super) fn missing(before: &Session, after: &Session, from_boot_ns: u64) -> Option<Gap> {
    let parts = after.part.saturating_sub(before.part).saturating_sub(1);
    (parts > 0).then(|| Gap {
        probe: String::new(),
        from_boot_ns,
        to_boot_ns: after.start_boot_ns,
        why: format!("{parts} parts of the recording are not given"),
    })
}

/// Takes the windows of a stream that end within a span, and of those before it
/// what must be known to understand them.
struct Clip {
    from: u64,
    to: u64,
    recording: model::Recording,
    start: Option<(u64, u32)>,
    /// End of the last window that was taken.
    end: u64,
    cut: bool,
}

impl Clip {
    fn new(from: u64, to: u64) -> Self {
        Self {
            from,
            to,
            recording: model::Recording::default(),
            start: None,
            end: from,
            cut: false,
        }
    }

    /// Takes a window; false if none that follows is wanted.
    fn take(&mut self, mut window: Window) -> bool {
        if window.to_boot_ns > self.to {
            self.cut = true;
            return false;
        }
        let within = window.to_boot_ns > self.from;
        let from = self.from;
        window.samples.retain(|sample| {
            let record = sample.record.as_ref();
            record.is_some_and(|record| within || is_state(record, from))
        });
        for sample in &mut window.samples {
            if let Some(Record::Session(session)) = &mut sample.record {
                // Each part has a session; the span began in the first.
                let start = (session.start_boot_ns.max(from), session.part);
                (session.start_boot_ns, session.part) = *self.start.get_or_insert(start);
            }
        }
        if within {
            self.end = window.to_boot_ns;
        }
        self.recording.apply(&window);
        true
    }

    fn finish(mut self, mut reading: Reading) -> model::Recording {
        if self.cut {
            // The recording goes on; it is the span that ends here.
            self.recording.apply_history(Window {
                from_boot_ns: self.end,
                to_boot_ns: self.end,
                samples: vec![
                    Record::End(End {
                        boot_ns: self.end,
                        why: "end of the span shown".to_owned(),
                        ..End::default()
                    })
                    .into(),
                ],
                ..Window::default()
            });
            reading.truncated = false;
        }
        let (from, end) = (self.from, self.end);
        reading
            .gaps
            .retain(|gap| gap.from_boot_ns < end && (gap.to_boot_ns == 0 || gap.to_boot_ns > from));
        self.recording.set_reading(reading);
        self.recording
    }
}

/// Still holds in a span that begins later, at `from`.
fn is_state(record: &Record, from: u64) -> bool {
    match record {
        Record::Session(_)
        | Record::Schema(_)
        | Record::Probe(_)
        | Record::Series(_)
        | Record::Inventory(_)
        | Record::Anchor(_) => true,
        Record::Gap(gap) => gap.to_boot_ns == 0 || gap.to_boot_ns > from,
        Record::Event(_)
        | Record::Delta(_)
        | Record::Process(_)
        | Record::Loss(_)
        | Record::Missed(_)
        | Record::End(_) => false,
    }
}
