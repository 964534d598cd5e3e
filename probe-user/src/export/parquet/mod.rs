//! Tables of columns: `sessions`, `devices`, `copies`, `readahead`, `series`,
//! `processes`, `events`, `findings`, each a file, each row with the node and the
//! session that it is of. Columns are called as in the JSON report.

mod columns;
mod tables;

use super::output::Target;
use super::{Failure, Recordings};
use crate::analysis::report;
use crate::session::Span;
use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow_array::RecordBatch;
use std::fs::File;
use std::io::{self, BufWriter};
use std::sync::Arc;
use tables::{TABLES, Table};

pub(super) fn write(recordings: &Recordings, target: &Target) -> Result<(), Failure> {
    target.folder()?;
    let mut writers = TABLES
        .iter()
        .map(|table| Writer::create(table, target))
        .collect::<Result<Vec<_>, _>>()?;
    // One recording at a time: a fleet's worth of them does not fit in memory.
    for parts in recordings {
        let recording = parts.fold(&Span::default())?;
        let node = tables::Node {
            session: super::session_name(&recording),
            report: report(&recording),
        };
        for writer in &mut writers {
            writer.add(&node)?;
        }
    }
    writers.into_iter().try_for_each(Writer::finish)
}

/// A table being written.
struct Writer {
    table: &'static Table,
    schema: arrow_schema::SchemaRef,
    out: ArrowWriter<BufWriter<File>>,
}

impl Writer {
    fn create(table: &'static Table, target: &Target) -> Result<Self, Failure> {
        let schema = Arc::new((table.schema)());
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("volprobe ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let file = target.file_in(&format!("{}.parquet", table.name))?;
        let out = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))
            .map_err(io::Error::other)?;
        Ok(Self { table, schema, out })
    }

    fn add(&mut self, node: &tables::Node) -> Result<(), Failure> {
        let rows = (self.table.rows)(node).map_err(io::Error::other)?;
        if rows.is_empty() {
            return Ok(());
        }
        let arrays = columns::arrays(self.schema.fields(), &rows);
        let batch =
            RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(io::Error::other)?;
        Ok(self.out.write(&batch).map_err(io::Error::other)?)
    }

    fn finish(self) -> Result<(), Failure> {
        self.out.close().map(drop).map_err(io::Error::other)?;
        Ok(())
    }
}
