//! Files as a user gives them: parts of one recording put together, a span of
//! it cut out.

use std::io::{Read, Seek};
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
    let files = paths
        .iter()
        .map(|path| Ok((path.as_path(), named(path, Recording::open(path))?)))
        .collect::<Result<Vec<_>, LoadError>>()?;
    let mut recordings = Vec::new();
    for mut parts in group(files) {
        recordings.push(fold(&mut parts, span)?);
    }
    Ok(recordings)
}

fn named<T>(path: &Path, result: Result<T, ReadError>) -> Result<T, LoadError> {
    let path = path.to_owned();
    result.map_err(|source| LoadError { path, source })
}

/// A file, with its name for messages.
type Part<'a, R> = (&'a Path, Recording<R>);

/// Parts of one recording together and in order; a file given twice counts once.
fn group<R: Read + Seek>(files: Vec<Part<'_, R>>) -> Vec<Vec<Part<'_, R>>> {
    let mut groups: Vec<Vec<Part<'_, R>>> = Vec::new();
    for (path, file) in files {
        let known = groups
            .iter_mut()
            .find(|group| group.iter().any(|(_, other)| same_stream(other, &file)));
        match known {
            Some(group) if group.iter().any(|(_, other)| other.id() == file.id()) => {}
            Some(group) => group.push((path, file)),
            None => groups.push(vec![(path, file)]),
        }
    }
    for group in &mut groups {
        group.sort_by_key(|(_, file)| (file.session().part, file.session().start_boot_ns));
    }
    groups
}

fn same_stream<R: Read + Seek>(a: &Recording<R>, b: &Recording<R>) -> bool {
    let (x, y) = (a.session(), b.session());
    a.id() == b.id() || x.stream != 0 && x.stream == y.stream && x.boot_id == y.boot_id
}

fn fold<R: Read + Seek>(
    parts: &mut [Part<'_, R>],
    span: &Span,
) -> Result<model::Recording, LoadError> {
    let mut whole = model::Recording::default();
    let mut reading = Reading::default();
    let mut before: Option<&Session> = None;
    for (path, file) in parts.iter_mut() {
        named(path, file.fold_into(&mut whole))?;
        let completeness = named(path, file.completeness())?.reading();
        reading.follow(completeness);
        let session = file.session();
        reading
            .gaps
            .extend(before.and_then(|b| missing(b, session, &whole)));
        before = Some(session);
    }
    whole.set_reading(reading.clone());
    if span.is_whole() {
        return Ok(whole);
    }
    let (from, to) = span.boot_times(&whole);
    let mut clip = Clip::new(from, to);
    'parts: for (path, file) in parts.iter_mut() {
        let mut windows = file.windows();
        while let Some(window) = named(path, windows.next_window())? {
            if !clip.take(window) {
                break 'parts;
            }
        }
    }
    Ok(clip.finish(reading))
}

/// The time between two parts of which one is not there.
fn missing(before: &Session, after: &Session, whole: &model::Recording) -> Option<Gap> {
    let parts = after.part.saturating_sub(before.part).saturating_sub(1);
    (parts > 0).then(|| Gap {
        probe: String::new(),
        from_boot_ns: whole.part_end_ns(),
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
    start: Option<u64>,
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
                let start = session.start_boot_ns.max(from);
                session.start_boot_ns = *self.start.get_or_insert(start);
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
