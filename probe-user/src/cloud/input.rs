//! External inputs: what is read, in which format, and what could not be.

use super::log::{self, Log};
use super::{Intake, Interval, JSON_SOURCES, format_names, generic, json};
use crate::session;
use flate2::bufread::MultiGzDecoder;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// How inputs are read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Zone of log lines that have none.
    pub log_tz: Option<TimeZone>,
    /// Year of the last line of logs that have none.
    pub log_year: Option<i16>,
    /// Zone of the node that was recorded, for logs that have none.
    pub node_tz: Option<TimeZone>,
    /// When the recording ended, ns since the Unix epoch: logs without a year are of
    /// the nearest one.
    pub around_ns: Option<i64>,
    /// When the node that was recorded booted, for logs that count from there;
    /// `None` also where more than one boot was recorded.
    pub booted: Option<Interval>,
}

/// A log whose lines wait for their times.
struct Waiting {
    /// Index of its report.
    report: usize,
    log: Log,
    /// Year in which the file was last written.
    written: i16,
}

/// What one input gave: an element of `inputs` of the JSON report.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct InputReport {
    /// Path, or `-`.
    pub path: String,
    /// Format; `None` for a file of a folder that is of no known one.
    pub format: Option<String>,
    /// Records understood.
    pub records: u64,
    /// Records that were known already.
    pub duplicates: u64,
    /// What had to be assumed to read it.
    pub assumed: Option<String>,
    /// What could not be understood; the first [`MAX_REJECTED`].
    pub rejected: Vec<Rejected>,
    /// How many were rejected in all.
    pub rejected_total: u64,
}

/// A record that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Line, from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// More rejected records of one input than this are only counted.
pub const MAX_REJECTED: usize = 100;

/// An input that cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// Path as given.
        path: String,
        /// Cause.
        source: io::Error,
    },
    /// It was named, and is of no known format.
    #[error("{path} is of no known format; known are: {}", known.join(", "))]
    UnknownFormat {
        /// Path as given.
        path: String,
        /// Names of the formats.
        known: Vec<&'static str>,
    },
    /// It was named, and is a recording.
    #[error("{path} is a recording: name it as FILE, before --events")]
    Recording {
        /// Path as given.
        path: String,
    },
}

/// Format of a recording, which is nothing that others tell.
const RECORDING: &str = "recording";

/// Format of what holds no record, such as a list of events when there were none,
/// or the log of a container that wrote nothing: of which source it is cannot be
/// told.
const EMPTY: &str = "empty";

/// Text that is looked at to tell the format.
const HEAD: usize = 64 << 10;

/// Reads all inputs: files, folders, and `-` for stdin. A named file of an
/// unknown format is an error; in a folder it is listed and passed over.
pub fn read(
    paths: &[PathBuf],
    options: &Options,
    intake: &mut Intake,
) -> Result<Vec<InputReport>, InputError> {
    let mut reports = Vec::new();
    let mut waiting = Vec::new();
    let mut take = |one: One, reports: &mut Vec<InputReport>| {
        waiting.extend(one.log.map(|(log, written)| Waiting {
            report: reports.len(),
            log,
            written,
        }));
        reports.push(one.report);
    };
    for path in paths {
        if path.as_os_str() == "-" {
            let stdin = || Ok((Box::new(io::stdin()) as _, None));
            take(named("-", intake, stdin)?, &mut reports);
        } else if path.is_dir() {
            let files = walk(path).map_err(|source| unreadable(&display(path), source))?;
            for (file, listed) in files {
                let opened = || listed.and_then(|()| open(&file));
                take(one(&display(&file), intake, opened), &mut reports);
            }
        } else {
            take(named(&display(path), intake, || open(path))?, &mut reports);
        }
    }
    let told = intake.events.iter().map(|event| event.at.end_ns).max();
    for Waiting {
        report,
        log,
        written,
    } in waiting
    {
        let report = &mut reports[report];
        intake.begin(&report.path);
        let settled = log.settle(options, options.around_ns.or(told), written, intake);
        report.assumed = settled.assumed;
        report.duplicates = intake.duplicates();
        for (line, reason) in settled.rejected {
            report.take(line, Err(reason));
        }
    }
    intake.settle();
    Ok(reports)
}

type Opened = (Box<dyn Read>, Option<i16>);

fn display(path: &Path) -> String {
    path.display().to_string()
}

fn unreadable(path: &str, source: io::Error) -> InputError {
    InputError::Unreadable {
        path: path.to_owned(),
        source,
    }
}

/// The file, and the year it was last written in.
fn open(path: &Path) -> io::Result<Opened> {
    let file = File::open(path)?;
    let written = file.metadata()?.modified().ok();
    let year = written
        .and_then(|at| jiff::Timestamp::try_from(at).ok())
        .map(|at| at.to_zoned(TimeZone::UTC).year());
    Ok((Box::new(file), year))
}

/// All files beneath a folder, in order, and folders that cannot be listed, with
/// the reason. Links to files are followed (the runtime's logs are such), those to
/// folders are not.
fn walk(folder: &Path) -> io::Result<Vec<(PathBuf, io::Result<()>)>> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut files = Vec::new();
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        let is_link_to_file = || kind.is_symlink() && path.is_file();
        if kind.is_dir() {
            match walk(&path) {
                Ok(beneath) => files.extend(beneath),
                Err(error) => files.push((path, Err(error))),
            }
        } else if kind.is_file() || is_link_to_file() {
            files.push((path, Ok(())));
        }
    }
    Ok(files)
}

/// One input, read.
struct One {
    report: InputReport,
    /// If it is a log: that, and the year in which the file was last written.
    log: Option<(Log, i16)>,
    /// Why it could not be opened, or not even its beginning be read.
    error: Option<io::Error>,
}

fn named(
    path: &str,
    intake: &mut Intake,
    open: impl FnOnce() -> io::Result<Opened>,
) -> Result<One, InputError> {
    let mut one = one(path, intake, open);
    if let Some(error) = one.error.take() {
        return Err(unreadable(path, error));
    }
    let path = path.to_owned();
    match one.report.format.as_deref() {
        Some(RECORDING) => Err(InputError::Recording { path }),
        Some(_) => Ok(one),
        None => Err(InputError::UnknownFormat {
            path,
            known: format_names(),
        }),
    }
}

fn one(path: &str, intake: &mut Intake, open: impl FnOnce() -> io::Result<Opened>) -> One {
    let mut report = InputReport {
        path: path.to_owned(),
        ..InputReport::default()
    };
    intake.begin(path);
    let read = || {
        let (file, year) = open()?;
        let year = year.unwrap_or_else(|| jiff::Timestamp::now().to_zoned(TimeZone::UTC).year());
        let log = content(BufReader::with_capacity(HEAD, file), intake, &mut report)?;
        Ok(log.map(|log| (log, year)))
    };
    let (log, error) = match read() {
        Ok(log) => (log, None),
        Err(error) => (None, Some(error)),
    };
    if let Some(error) = &error {
        report.take(1, Err(format!("cannot be read: {error}")));
    }
    report.duplicates = intake.duplicates();
    One { report, log, error }
}

fn content(
    mut reader: impl BufRead,
    intake: &mut Intake,
    report: &mut InputReport,
) -> io::Result<Option<Log>> {
    if reader.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        let unpacked = BufReader::with_capacity(HEAD, MultiGzDecoder::new(reader));
        return plain(unpacked, intake, report);
    }
    plain(reader, intake, report)
}

/// What is left of a reader that failed: its error.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Reads an input by its format. The error is that nothing can be read of it; one
/// that comes later is a rejection.
fn plain(
    mut reader: impl Read,
    intake: &mut Intake,
    report: &mut InputReport,
) -> io::Result<Option<Log>> {
    const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
    let mut head = Vec::new();
    let error = (&mut reader).take(HEAD as u64).read_to_end(&mut head).err();
    if head.starts_with(BYTE_ORDER_MARK) {
        head.drain(..BYTE_ORDER_MARK.len());
    }
    if head.starts_with(&session::frame::MAGIC) {
        report.format = Some(RECORDING.to_owned());
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let Some(first) = text.trim_start().chars().next() else {
        if let Some(error) = error {
            return Err(error);
        }
        report.format = Some(EMPTY.to_owned());
        return Ok(None);
    };
    let head = io::Cursor::new(head);
    let whole: Box<dyn BufRead + '_> = match error {
        Some(error) => Box::new(BufReader::new(head.chain(Broken(Some(error))))),
        None => Box::new(BufReader::with_capacity(HEAD, head.chain(reader))),
    };
    if generic::is_csv(&text) {
        report.format = Some(generic::CSV.to_owned());
        generic::each_csv(whole, intake, |line, result| report.take(line, result));
    } else if log::is_log(&text) {
        let log = log::read(whole, intake, |line, reason| report.take(line, Err(reason)));
        report.format = log.format.map(str::to_owned);
        report.records = log.records;
        return Ok(Some(log));
    } else if matches!(first, '{' | '[') {
        json_records(whole, &text, intake, report);
    }
    Ok(None)
}

/// Whether JSON that begins so is one record a line. The first line may be cut
/// off, as of a file that was rotated.
fn is_lines(head: &str) -> bool {
    let is_record = |line: &str| {
        line.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok()
    };
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default().trim_end();
    let is_more = head.len() > first.len() + 2;
    is_more && first.starts_with('{') && (is_record(first) || first != "{" && lines.any(is_record))
}

fn json_records(reader: impl BufRead, head: &str, intake: &mut Intake, report: &mut InputReport) {
    json::each(reader, is_lines(head), |line, record| {
        intake.at_line(line);
        let record = match record {
            Ok(record) => record,
            Err(reason) => return report.take(line, Err(reason)),
        };
        match JSON_SOURCES
            .iter()
            .find(|source| (source.recognises)(&record))
        {
            Some(source) => {
                report.format.get_or_insert_with(|| source.name.to_owned());
                if let Some(at) = (source.time)(&record) {
                    intake.saw(source.name, at);
                }
                report.take(line, (source.parse)(&record, intake));
            }
            None => report.take(line, Err("a record of no known format".to_owned())),
        }
    });
    if report.format.is_none() && report.rejected_total == 0 {
        report.format = Some(EMPTY.to_owned());
    }
    if report.format.is_none() {
        report.rejected.clear();
        report.rejected_total = 0;
    }
}

impl InputReport {
    fn take(&mut self, line: u64, result: Result<(), String>) {
        match result {
            Ok(()) => self.records += 1,
            Err(reason) => {
                self.rejected_total += 1;
                if self.rejected.len() < MAX_REJECTED {
                    self.rejected.push(Rejected { line, reason });
                }
            }
        }
    }
}
