//! Live views: sinks that show each window as it comes.

use crate::analysis::{Announcer, Tick, tick};
use crate::model::Recording;
use crate::render::{Style, tick_json, tick_lines};
use crate::sample::Window;
use crate::sink::Sink;
use std::io::Write;

/// So many events of a running stream are remembered for what is yet to come: a
/// day of a busy node, in a few megabytes.
pub(crate) const KEPT_EVENTS: usize = 10_000;

/// Prints lines: rates and latencies of each interval, events as they come.
pub struct PlainLive<W> {
    running: Running,
    out: W,
    style: Style,
}

impl<W: Write> PlainLive<W> {
    /// Prints to `out`.
    pub fn new(out: W, style: Style) -> Self {
        Self {
            running: Running::default(),
            out,
            style,
        }
    }
}

impl<W: Write> Sink for PlainLive<W> {
    fn window(&mut self, window: &Window) -> anyhow::Result<()> {
        let tick = self.running.next(window);
        self.out
            .write_all(tick_lines(&tick, self.style).as_bytes())?;
        Ok(self.out.flush()?)
    }
}

/// Prints one JSON object a window: `volprobe.tick/1`.
pub struct JsonLive<W> {
    running: Running,
    out: W,
}

impl<W: Write> JsonLive<W> {
    /// Prints to `out`.
    pub fn new(out: W) -> Self {
        Self {
            running: Running::default(),
            out,
        }
    }
}

impl<W: Write> Sink for JsonLive<W> {
    fn window(&mut self, window: &Window) -> anyhow::Result<()> {
        let tick = self.running.next(window);
        tick_json(&tick, &mut self.out)?;
        Ok(self.out.flush()?)
    }
}

/// The stream so far.
#[derive(Default)]
struct Running {
    recording: Recording,
    announcer: Announcer,
}

impl Running {
    fn next(&mut self, window: &Window) -> Tick {
        self.recording.apply(window);
        self.recording.keep_newest_events(KEPT_EVENTS);
        let findings = self.announcer.news(&self.recording, window);
        tick(&self.recording, window, findings)
    }
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
        let rules = ticks.iter().filter_map(|tick| tick["findings"].as_array());
        let rules: Vec<_> = rules.flatten().map(|finding| &finding["rule"]).collect();
        assert_eq!(rules, ["resize/no-op-before-capacity"]);
    }

    #[test]
    fn lines_come_as_things_happen() {
        let mut out = Vec::new();
        show(&story(), &mut PlainLive::new(&mut out, Style::plain()));
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
