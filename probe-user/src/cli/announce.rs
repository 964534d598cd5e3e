//! `volprobe record` says what it finds while it records.

use crate::analysis::Announcer;
use crate::live::KEPT_EVENTS;
use crate::model::Recording;
use crate::render::finding_line;
use crate::sample::Window;
use crate::session::SyncHandle;
use crate::sink::Sink;

/// A line on stderr for each finding, and the recording synced with it.
#[derive(Debug)]
pub struct Announce {
    recording: Recording,
    announcer: Announcer,
    sync: SyncHandle,
}

impl Announce {
    /// `sync` is of the writer that gets the same windows after this.
    pub fn new(sync: SyncHandle) -> Self {
        Self {
            recording: Recording::default(),
            announcer: Announcer::default(),
            sync,
        }
    }
}

impl Sink for Announce {
    fn window(&mut self, window: &Window) -> anyhow::Result<()> {
        self.recording.apply(window);
        self.recording.keep_newest_events(KEPT_EVENTS);
        for finding in self.announcer.news(&self.recording, window) {
            eprintln!("volprobe: finding: {}", finding_line(&finding));
            self.sync.sync_soon();
        }
        Ok(())
    }
}
