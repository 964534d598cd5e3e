//! External inputs: what is read, in which format, and what could not be.

use super::{Intake, JSON_SOURCES, format_names, generic, json, log};
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

/// Format of JSON that holds no record, such as a list of events when there were
/// none: of which source it is cannot be told.
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
    for path in paths {
        if path.as_os_str() == "-" {
            reports.push(named("-", options, intake, || {
                Ok((Box::new(io::stdin()) as _, None))
            })?);
        } else if path.is_dir() {
            let mut files = Vec::new();
            walk(path, &mut files).map_err(|source| unreadable(path, source))?;
            for file in files {
                reports.push(one(&display(&file), options, intake, || open(&file))?);
            }
        } else {
            reports.push(named(&display(path), options, intake, || open(path))?);
        }
    }
    intake.settle();
    Ok(reports)
}

type Opened = (Box<dyn Read>, Option<i16>);

fn display(path: &Path) -> String {
    path.display().to_string()
}

fn unreadable(path: &Path, source: io::Error) -> InputError {
    InputError::Unreadable {
        path: display(path),
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

/// All files beneath a folder, in order; links are not followed.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn named(
    path: &str,
    options: &Options,
    intake: &mut Intake,
    open: impl FnOnce() -> io::Result<Opened>,
) -> Result<InputReport, InputError> {
    let report = one(path, options, intake, open)?;
    if report.format.as_deref() == Some(RECORDING) {
        return Err(InputError::Recording {
            path: path.to_owned(),
        });
    }
    if report.format.is_none() {
        return Err(InputError::UnknownFormat {
            path: path.to_owned(),
            known: format_names(),
        });
    }
    Ok(report)
}

fn one(
    path: &str,
    options: &Options,
    intake: &mut Intake,
    open: impl FnOnce() -> io::Result<Opened>,
) -> Result<InputReport, InputError> {
    let mut report = InputReport {
        path: path.to_owned(),
        ..InputReport::default()
    };
    intake.begin(path);
    let read = || {
        let (file, year) = open()?;
        let year = year.unwrap_or_else(|| jiff::Timestamp::now().to_zoned(TimeZone::UTC).year());
        content(
            BufReader::with_capacity(HEAD, file),
            options,
            year,
            intake,
            &mut report,
        )
    };
    read().map_err(|source| InputError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    report.duplicates = intake.duplicates();
    Ok(report)
}

fn content(
    mut reader: impl BufRead,
    options: &Options,
    year: i16,
    intake: &mut Intake,
    report: &mut InputReport,
) -> io::Result<()> {
    if reader.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        let unpacked = BufReader::with_capacity(HEAD, MultiGzDecoder::new(reader));
        return plain(unpacked, options, year, intake, report);
    }
    plain(reader, options, year, intake, report)
}

fn plain(
    reader: impl Read,
    options: &Options,
    year: i16,
    intake: &mut Intake,
    report: &mut InputReport,
) -> io::Result<()> {
    const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
    let mut reader = reader;
    let mut head = Vec::new();
    (&mut reader).take(HEAD as u64).read_to_end(&mut head)?;
    if head.starts_with(BYTE_ORDER_MARK) {
        head.drain(..BYTE_ORDER_MARK.len());
    }
    if head.starts_with(&session::frame::MAGIC) {
        report.format = Some(RECORDING.to_owned());
        return Ok(());
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let whole = BufReader::new(io::Cursor::new(head).chain(reader));
    match text.trim_start().chars().next() {
        Some('{' | '[') if !text.starts_with("[pod/") && !log::is_log(&text) => {
            json_records(whole, &text, intake, report)
        }
        _ if generic::is_csv(&text) => {
            report.format = Some(generic::CSV.to_owned());
            generic::each_csv(whole, intake, |line, result| report.take(line, result));
            Ok(())
        }
        _ if log::is_log(&text) => {
            let outcome = log::read(whole, options, year, intake)?;
            report.format = outcome.format.map(str::to_owned);
            report.records = outcome.records;
            report.assumed = outcome.assumed;
            for (line, reason) in outcome.rejected {
                report.take(line, Err(reason));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn json_records(
    reader: impl BufRead,
    head: &str,
    intake: &mut Intake,
    report: &mut InputReport,
) -> io::Result<()> {
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let is_lines =
        lines.next().is_some() && serde_json::from_str::<serde::de::IgnoredAny>(first).is_ok();
    json::each(reader, is_lines, |line, record| {
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
                let mut times = source.times.iter();
                if let Some(at) = times.find_map(|pointer| json::time(&record, pointer).ok()) {
                    intake.saw(source.name, at);
                }
                report.take(line, (source.parse)(&record, intake));
            }
            None => report.take(line, Err("a record of no known format".to_owned())),
        }
    })?;
    if report.format.is_none() && report.rejected_total == 0 {
        report.format = Some(EMPTY.to_owned());
    }
    if report.format.is_none() {
        report.rejected.clear();
        report.rejected_total = 0;
    }
    Ok(())
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
