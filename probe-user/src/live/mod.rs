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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::{GIB, MS, Story, VDB};

    fn story() -> Story {
        let mut story = Story::new();
        story.at(1000).copies(VDB, VDB, "splice", "syscall", &[MS]);
        story
            .at(2000)
            .tool(&["resize2fs", "/dev/vdb"], 0, 0, &[(VDB, 20 * GIB)]);
        story
            .at(3000)
            .capacity(VDB, "vdb", 20, 40)
            .lose("ring/exec", 2);
        story.at(4000).end(4000);
        story
    }

    fn show(story: &Story, sink: &mut dyn Sink) {
        for window in &story.windows {
            sink.window(window).unwrap();
        }
        sink.finish().unwrap();
    }

    #[test]
    fn json_is_one_object_a_window() {
        let mut out = Vec::new();
        show(&story(), &mut JsonLive::new(&mut out));
        let text = String::from_utf8(out).unwrap();
        let ticks: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(ticks.len(), story().windows.len());
        assert!(ticks.iter().all(|tick| tick["schema"] == "volprobe.tick/1"));
        assert_eq!(ticks[1]["copy"][0]["calls"], 1);
        assert_eq!(ticks[2]["copy"], serde_json::json!([]));
        assert_eq!(ticks[2]["timeline"][0]["kind"], "exec.exit");
        assert_eq!(ticks[3]["lost"][0]["count"], 2);
    }

    #[test]
    fn lines_come_as_things_happen() {
        let mut out = Vec::new();
        show(&story(), &mut PlainLive::new(&mut out, Style::plain()));
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
