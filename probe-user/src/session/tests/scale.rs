//! A long recording is opened by its end.

use std::io::Cursor;
use std::path::Path;

use super::stream::{SECOND, recorder};
use crate::model::Totals;
use crate::session::{Check, Recording, Store, Writer, WriterOptions};

/// A day of windows: the same few, again and again, at ever later times.
struct Day {
    windows: Vec<crate::sample::Window>,
}

impl Day {
    const WINDOWS: u64 = 24 * 60 * 60;

    fn new() -> Self {
        Self {
            windows: recorder(60),
        }
    }

    fn window(&self, number: u64) -> crate::sample::Window {
        let first = &self.windows[0];
        // The last window, with the end, is never taken.
        let like = &self.windows[(number % 59) as usize];
        let mut window = like.clone();
        window.seq = number;
        window.from_boot_ns = first.from_boot_ns + number * SECOND;
        window.to_boot_ns = window.from_boot_ns + SECOND;
        window
    }
}

fn write_day<S: Store>(day: &Day, writer: &mut Writer<S>) -> Totals {
    let mut totals = Totals::default();
    for number in 0..Day::WINDOWS {
        let window = day.window(number);
        totals.fold(&window);
        writer.write(&window).unwrap();
    }
    totals
}

#[test]
fn a_day_is_opened_by_its_last_key_frame() {
    let mut writer = Writer::new(
        Path::new("day.vprec"),
        Vec::new(),
        &WriterOptions::default(),
    )
    .unwrap();
    let expected = write_day(&Day::new(), &mut writer);
    let killed = writer.store().clone();
    writer.end().unwrap();
    let ended = writer.store().clone();

    for bytes in [&killed, &ended] {
        let mut recording = Recording::new(Cursor::new(bytes)).unwrap();
        assert_eq!(*recording.totals(), expected);
        assert!(recording.key_frame().is_some());
        // Two chunks of a search, a minute of windows, a key frame.
        let opened = recording.fetched();
        assert!(opened < 1 << 19, "{opened} of {} bytes", bytes.len());
        assert!(bytes.len() > 20 << 20);

        recording.set_check(Check::Used);
        let events = recording
            .timeline()
            .map(Result::unwrap)
            .flat_map(|window| window.samples)
            .filter(|s| matches!(s.record, Some(crate::sample::Record::Event(_))))
            .count() as u64;
        assert_eq!(events, expected.events);
    }
}
