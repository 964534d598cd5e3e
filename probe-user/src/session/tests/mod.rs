//! Recordings as a whole: written, read, damaged.

mod damage;
mod disk;
mod hostile;
mod parts;
mod replay;
mod round_trip;
mod scale;
mod second_reader;
mod stream;

use std::io::{Cursor, Read, Seek};
use std::path::Path;

use super::{Completeness, Recording, Writer, WriterOptions};
use crate::model::Totals;
use crate::sample::Window;

/// A recording in memory.
type InMemory = Recording<Cursor<Vec<u8>>>;

fn open(bytes: Vec<u8>) -> InMemory {
    InMemory::new(Cursor::new(bytes)).unwrap()
}

fn writer(options: &WriterOptions) -> Writer<Vec<u8>> {
    Writer::new(Path::new("test.vprec"), Vec::new(), options).unwrap()
}

/// Writes these windows; ended properly.
fn record(windows: &[Window], options: &WriterOptions) -> Vec<u8> {
    let mut writer = writer(options);
    for window in windows {
        writer.write(window).unwrap();
    }
    writer.end().unwrap();
    writer.store().clone()
}

/// Everything that a reader gets by one way or the other.
struct Reading {
    /// By the last key frame and what follows.
    totals: Totals,
    /// By folding all windows.
    folded: Totals,
    windows: Vec<Window>,
    timeline: Vec<Window>,
    /// After reading all windows, and after reading the timeline.
    completeness: [Completeness; 2],
}

fn read<R: Read + Seek>(mut recording: Recording<R>) -> Reading {
    let windows: Vec<Window> = recording.windows().map(Result::unwrap).collect();
    let by_windows = recording.completeness().unwrap().clone();
    let timeline: Vec<Window> = recording.timeline().map(Result::unwrap).collect();
    let by_timeline = recording.completeness().unwrap().clone();
    let mut folded = Totals::default();
    for window in &windows {
        folded.fold(window);
    }
    Reading {
        totals: recording.totals().clone(),
        folded,
        windows,
        timeline,
        completeness: [by_windows, by_timeline],
    }
}

/// The parts of totals that are counts.
fn counts(totals: &Totals) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        totals.counts.clone(),
        totals.processes.clone(),
        totals
            .losses
            .iter()
            .map(|(kind, loss)| (kind.clone(), loss.count))
            .collect::<Vec<_>>(),
        totals.missed.clone(),
        totals.gaps.clone(),
    )
}
