//! How a window is laid out in frames: timeline records first, in frames of
//! their own, then measurements; none too long for a frame.

use prost::Message;

use super::frame::Kind;
use crate::model::totals::{split_inventory, stepped};
use crate::sample::{ClockAnchor, Event, Loss, Record, Sample, Window, event::Detail};

/// A part is about this long at most before compression, bytes. Half of what a
/// reader accepts.
pub(super) const PART: usize = super::frame::MAX_MESSAGE / 2;

/// Kind of the loss that stands for records too long to be written.
pub const TOO_LONG: &str = "recording/too-long";

/// The parts of one window, in the order of their frames.
#[derive(Debug)]
pub(super) struct Parts {
    /// Timeline parts, then at least one of measurements.
    pub(super) all: Vec<(Kind, Window)>,
    /// The anchor before the window.
    pub(super) before: Option<ClockAnchor>,
}

impl Parts {
    pub(super) fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.all.iter().flat_map(|(_, part)| &part.samples)
    }

    /// The most that any of its records needs.
    pub(super) fn need(&self) -> Need {
        let needs = self.samples().map(|sample| match &sample.record {
            Some(Record::Event(event)) if event_is_urgent(event) => Need::AtOnce,
            Some(Record::End(_)) => Need::AtOnce,
            Some(Record::Anchor(_)) | None => Need::Late,
            Some(_) => Need::Soon,
        });
        needs.max().unwrap_or(Need::Late)
    }
}

/// How soon a window must be on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// Nothing happened in it: what would be lost is that much time.
    Late,
    /// It counts something.
    Soon,
    /// It must survive what happens next.
    AtOnce,
}

fn event_is_urgent(event: &Event) -> bool {
    if event.self_test {
        return false;
    }
    match &event.detail {
        Some(
            Detail::FsResize(_)
            | Detail::DeviceCapacity(_)
            | Detail::PartitionChange(_)
            | Detail::ReadAhead(_),
        ) => true,
        Some(Detail::ExecExit(exit)) => exit.resize_calls > 0 || !exit.devices.is_empty(),
        Some(Detail::Mount(mount)) => !mount.error.is_empty(),
        _ => false,
    }
}

/// Lays out a window; `before` is the last anchor before it.
pub(super) fn split(window: &Window, before: Option<&ClockAnchor>) -> Parts {
    let mut timeline = Builder::new(Kind::Timeline, window);
    let mut measures = Builder::new(Kind::Window, window);
    let anchors_apart = anchors_are_timeline(window, before);
    let mut too_long = 0;
    for sample in &window.samples {
        let Some(record) = &sample.record else {
            continue;
        };
        let builder = match record {
            Record::Anchor(_) if anchors_apart => &mut timeline,
            record if record.is_timeline() => &mut timeline,
            _ => &mut measures,
        };
        if sample.encoded_len() <= PART {
            builder.push(sample.clone());
        } else if let Record::Inventory(inventory) = record {
            for piece in split_inventory(inventory.clone(), PART - 16) {
                builder.push(Record::Inventory(piece).into());
            }
        } else {
            too_long += 1;
        }
    }
    if too_long > 0 {
        let loss = Loss {
            kind: TOO_LONG.to_owned(),
            count: too_long,
        };
        timeline.push(Record::Loss(loss).into());
    }
    let mut all = timeline.finish();
    let measures = measures.finish();
    if measures.is_empty() {
        all.push((Kind::Window, empty(window)));
    }
    all.extend(measures);
    Parts {
        all,
        before: before.copied(),
    }
}

/// Do the window's anchors stand in the timeline? Where it has records that
/// need them, and where the clock stepped.
fn anchors_are_timeline(window: &Window, before: Option<&ClockAnchor>) -> bool {
    let mut last = before;
    for sample in &window.samples {
        match &sample.record {
            Some(Record::Anchor(anchor)) => {
                if last.is_none_or(|last| stepped(last, anchor)) {
                    return true;
                }
                last = Some(anchor);
            }
            Some(record) if record.is_timeline() => return true,
            _ => {}
        }
    }
    false
}

fn empty(window: &Window) -> Window {
    Window {
        samples: Vec::new(),
        ..*window
    }
}

struct Builder<'a> {
    kind: Kind,
    window: &'a Window,
    size: usize,
    parts: Vec<(Kind, Window)>,
}

impl<'a> Builder<'a> {
    fn new(kind: Kind, window: &'a Window) -> Self {
        Self {
            kind,
            window,
            size: 0,
            parts: Vec::new(),
        }
    }

    fn push(&mut self, sample: Sample) {
        // A tag of one byte and a length of at most five.
        let size = sample.encoded_len() + 6;
        if self.parts.is_empty() || self.size + size > PART {
            self.parts.push((self.kind, empty(self.window)));
            self.size = 0;
        }
        self.size += size;
        if let Some((_, part)) = self.parts.last_mut() {
            part.samples.push(sample);
        }
    }

    fn finish(self) -> Vec<(Kind, Window)> {
        self.parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Inventory, Session, inventory::Mount};

    fn window(records: Vec<Record>) -> Window {
        Window {
            seq: 1,
            from_boot_ns: 10,
            to_boot_ns: 20,
            samples: records.into_iter().map(Sample::from).collect(),
        }
    }

    fn anchor(boot_ns: u64, real_ns: i64) -> ClockAnchor {
        ClockAnchor {
            boot_ns,
            real_ns,
            ..ClockAnchor::default()
        }
    }

    fn kinds(parts: &Parts) -> Vec<Kind> {
        parts.all.iter().map(|(kind, _)| *kind).collect()
    }

    #[test]
    fn a_quiet_window_is_one_frame() {
        let quiet = window(vec![Record::Anchor(anchor(20, 1020))]);
        let parts = split(&quiet, Some(&anchor(10, 1010)));
        assert_eq!(kinds(&parts), [Kind::Window]);
        assert_eq!(parts.all[0].1, quiet);
    }

    #[test]
    fn a_step_of_the_clock_is_in_the_timeline_from_both_sides() {
        let before = anchor(10, 1010);
        let stepped = window(vec![Record::Anchor(anchor(20, 5_000_000_000))]);
        let parts = split(&stepped, Some(&before));
        assert_eq!(kinds(&parts), [Kind::Timeline, Kind::Window]);
        assert_eq!(parts.before, Some(before));
        assert_eq!(parts.all[0].1.samples, stepped.samples);
    }

    #[test]
    fn events_take_the_anchor_with_them() {
        let eventful = window(vec![
            Event::default().into(),
            Record::Anchor(anchor(20, 1020)),
        ]);
        let parts = split(&eventful, Some(&anchor(10, 1010)));
        assert_eq!(parts.all[0].1.samples, eventful.samples);
    }

    #[test]
    fn no_part_is_too_long_for_a_frame() {
        let mount = |i: usize| Mount {
            dev: i as u32,
            options: "x".repeat(4000),
            ..Mount::default()
        };
        let inventory = Inventory {
            whole: true,
            mounts: (0..1000).map(mount).collect(),
            ..Inventory::default()
        };
        let parts = split(&window(vec![Record::Inventory(inventory.clone())]), None);
        assert!(parts.all.len() > 4);
        let mut mounts = Vec::new();
        for (number, (_, part)) in parts.all.iter().enumerate() {
            assert!(part.encoded_len() <= super::super::frame::MAX_MESSAGE);
            for sample in &part.samples {
                let Some(Record::Inventory(piece)) = &sample.record else {
                    panic!("{sample:?}")
                };
                assert_eq!(piece.whole, number == 0);
                mounts.extend(piece.mounts.clone());
            }
        }
        assert_eq!(mounts, inventory.mounts);
    }

    #[test]
    fn what_no_frame_can_hold_is_a_loss() {
        let session = Session {
            command_line: vec!["x".repeat(PART)],
            ..Session::default()
        };
        let parts = split(&window(vec![session.into()]), None);
        let records: Vec<_> = parts.samples().collect();
        let [
            Sample {
                record: Some(Record::Loss(loss)),
            },
        ] = records[..]
        else {
            panic!("{records:?}")
        };
        assert_eq!((loss.kind.as_str(), loss.count), (TOO_LONG, 1));
    }
}
