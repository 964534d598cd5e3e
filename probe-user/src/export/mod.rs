//! Recordings in the forms that other tools read.

mod hlog;
mod jsonl;
mod output;
#[cfg(feature = "parquet")]
mod parquet;
mod perfetto;
#[cfg(test)]
mod tests;

use crate::model::Recording;
use crate::session::{LoadError, Parts, parts};
use std::io;
use std::path::{Path, PathBuf};

/// A form to export to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A folder of tables, for DuckDB, Spark, DataFusion, ClickHouse, pandas
    #[cfg(feature = "parquet")]
    Parquet,
    /// A trace for ui.perfetto.dev: tools, resizes, sizes, copies on one time axis
    Perfetto,
    /// A folder of HdrHistogram interval logs, one for each series and histogram
    Hlog,
    /// Everything, one sample a line, for jq
    Jsonl,
}

/// Why nothing, or not all, was exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A recording cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// What would be written is there.
    #[error("{} exists; choose another name, or overwrite it with --force", .0.display())]
    Exists(PathBuf),
    /// Writing failed.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Exports recordings to `out`: a file, or a folder where the form is one.
pub fn export(
    files: &[PathBuf],
    format: Format,
    out: &Path,
    force: bool,
) -> Result<(), ExportError> {
    let recordings = parts(files)?;
    let target = output::Target {
        path: out.to_owned(),
        force,
    };
    let result = match format {
        #[cfg(feature = "parquet")]
        Format::Parquet => parquet::write(&recordings, &target),
        Format::Perfetto => perfetto::write(&recordings, &target),
        Format::Hlog => hlog::write(&recordings, &target),
        Format::Jsonl => jsonl::write(&recordings, &target),
    };
    result.map_err(|error| match error {
        Failure::Load(error) => error.into(),
        Failure::Exists(path) => ExportError::Exists(path),
        Failure::Io(source) => ExportError::Write {
            path: out.to_owned(),
            source,
        },
    })
}

/// What goes wrong while writing one form.
#[derive(Debug)]
enum Failure {
    Load(LoadError),
    Exists(PathBuf),
    Io(io::Error),
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A form's writer gets the parts of each recording.
type Recordings = [Parts];

/// What tells one recording from all others: the node's boot, and when it began.
fn session_name(recording: &Recording) -> String {
    let boot = recording
        .session()
        .map_or("", |session| session.boot_id.as_str());
    format!("{boot}/{}", recording.start_ns())
}
