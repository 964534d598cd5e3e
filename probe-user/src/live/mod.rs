//! Live views: sinks that show each window as it comes.

use crate::analysis::{Tick, tick};
use crate::model::Recording;
use crate::render::{Style, tick_json, tick_lines};
use crate::sample::Window;
use crate::sink::Sink;
use std::io::Write;

/// Prints lines: rates and latencies of each interval, events as they come.
pub struct PlainLive<W> {
    recording: Recording,
    out: W,
    style: Style,
}

impl<W: Write> PlainLive<W> {
    /// Prints to `out`.
    pub fn new(out: W, style: Style) -> Self {
        Self {
            recording: Recording::default(),
            out,
            style,
        }
    }
}

impl<W: Write> Sink for PlainLive<W> {
    fn window(&mut self, window: &Window) -> anyhow::Result<()> {
        let tick = next(&mut self.recording, window);
        self.out
            .write_all(tick_lines(&tick, self.style).as_bytes())?;
        Ok(self.out.flush()?)
    }
}

/// Prints one JSON object a window: `volprobe.tick/1`.
pub struct JsonLive<W> {
    recording: Recording,
    out: W,
}

impl<W: Write> JsonLive<W> {
    /// Prints to `out`.
    pub fn new(out: W) -> Self {
        Self {
            recording: Recording::default(),
            out,
        }
    }
}

impl<W: Write> Sink for JsonLive<W> {
    fn window(&mut self, window: &Window) -> anyhow::Result<()> {
        let tick = next(&mut self.recording, window);
        tick_json(&tick, &mut self.out)?;
        Ok(self.out.flush()?)
    }
}

fn next(recording: &mut Recording, window: &Window) -> Tick {
    recording.apply(window);
    tick(recording, window)
}
