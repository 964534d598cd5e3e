//! The files of one recording as one stream, for who takes window after window.

use std::sync::mpsc::sync_channel;
use std::thread;

use super::load::{LoadError, Parts, missing};
use crate::sample::{Record, Session, Window};

/// Windows that are read ahead of who takes them.
const AHEAD: usize = 4;

impl Parts {
    /// All windows, as if no file had ended before the last. They are read by a
    /// thread, which ends when nobody takes them any more.
    pub fn stream(self) -> impl Iterator<Item = Result<Window, LoadError>> {
        let (give, windows) = sync_channel(AHEAD);
        thread::spawn(move || {
            let mut seam = Seam::default();
            let result = self
                .each_window(|window, is_last| give.send(Ok(seam.take(window, is_last))).is_ok());
            if let Err(error) = result {
                // Nobody may be left to hear it.
                let _ = give.send(Err(error));
            }
        });
        windows.into_iter()
    }
}

/// Where one file ends and the next begins.
#[derive(Default)]
struct Seam {
    before: Option<Session>,
    /// Start and part of the first file.
    first: Option<(u64, u32)>,
    to_boot_ns: u64,
}

impl Seam {
    /// A window, of the last file or of one before it.
    fn take(&mut self, mut window: Window, is_last: bool) -> Window {
        let mut gap = None;
        for sample in &mut window.samples {
            let Some(Record::Session(session)) = &mut sample.record else {
                continue;
            };
            let before = self.before.replace((**session).clone());
            gap = before.and_then(|before| missing(&before, session, self.to_boot_ns));
            let own = (session.start_boot_ns, session.part);
            (session.start_boot_ns, session.part) = *self.first.get_or_insert(own);
        }
        window
            .samples
            .retain(|sample| is_last || !matches!(sample.record, Some(Record::End(_))));
        window
            .samples
            .extend(gap.map(|gap| Record::Gap(gap).into()));
        self.to_boot_ns = window.to_boot_ns;
        window
    }
}
