//! One way through a recording, from the first frame to the last.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read, Seek};

use super::completeness::Completeness;
use super::frame::{CONTINUES, Kind, MORE, VERSION};
use super::walk::{Cursor, Frames, Placed, Step};
use crate::model::Totals;
use crate::sample::{End, FileHeader, Gap, KeyFrame, Record, Timeline, Window};

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Whole windows.
    Windows,
    /// Timeline records. Before this place, frames without any are not even
    /// compared with their checksums.
    Timeline { unchecked_before: u64 },
}

/// The state of a pass.
pub(super) struct Pass {
    mode: Mode,
    cursor: Cursor,
    ready: VecDeque<Window>,
    over: bool,
    facts: Completeness,
    names: BTreeMap<u32, String>,
    /// Totals of what was handed out, while whole windows are wanted.
    totals: Totals,
    /// Something was lost since the last key frame that was taken.
    behind: bool,
    /// The last frame was intact and said that another one continues it.
    open: bool,
    /// Parts of a window, or of a key frame, that is not yet whole.
    window: Option<Window>,
    key_frame: Vec<KeyFrame>,
    /// The last whole window, or the frame that says it.
    last: Last,
    hole: Option<Hole>,
    /// The end that was among the records.
    end: Option<End>,
}

#[derive(Clone, Copy)]
enum Last {
    Window { seq: u64, to_boot_ns: u64 },
    At(Placed),
}

impl Last {
    fn of(window: &Window) -> Self {
        Self::Window {
            seq: window.seq,
            to_boot_ns: window.to_boot_ns,
        }
    }
}

struct Hole {
    from_boot_ns: u64,
    why: String,
}

impl Pass {
    /// A pass that begins at `cursor` with these totals.
    pub(super) fn new(mode: Mode, cursor: Cursor, totals: Totals, header: &FileHeader) -> Self {
        Self {
            mode,
            cursor,
            ready: VecDeque::new(),
            over: false,
            facts: Completeness::default(),
            names: header.kinds.clone(),
            last: Last::Window {
                seq: totals.window_seq,
                to_boot_ns: totals.to_boot_ns,
            },
            totals,
            behind: false,
            open: false,
            window: None,
            key_frame: Vec::new(),
            hole: None,
            end: None,
        }
    }

    /// The recording began at this time; a gap before its first window too.
    pub(super) fn begins_at(&mut self, boot_ns: u64) {
        self.last = Last::Window {
            seq: 0,
            to_boot_ns: boot_ns,
        };
    }

    /// The next window; none at the end.
    pub(super) fn next<R: Read + Seek>(
        &mut self,
        frames: &mut Frames<R>,
    ) -> io::Result<Option<Window>> {
        loop {
            if let Some(window) = self.ready.pop_front() {
                return Ok(Some(window));
            }
            if self.over {
                return Ok(None);
            }
            match self.cursor.step(frames)? {
                Step::Frame(placed) => self.frame(frames, &placed)?,
                Step::Lost { frames: lost, at } => {
                    self.facts.damaged_frames = self.facts.damaged_frames.saturating_add(lost);
                    self.lose(frames, &format!("damaged from byte {at}"))?;
                }
                Step::Over { rest, damaged } => {
                    if damaged {
                        self.facts.damaged_frames += 1;
                        let at = self.cursor.offset;
                        self.lose(frames, &format!("no readable frame from byte {at} on"))?;
                    }
                    self.facts.cut_bytes = rest;
                    self.finish(frames, 0)?;
                }
            }
        }
    }

    /// What was found out; final once [`Pass::next`] returned none.
    pub(super) fn facts(self) -> Completeness {
        self.facts
    }

    /// Totals of the windows so far.
    pub(super) fn into_totals(self) -> Totals {
        self.totals
    }

    fn frame<R: Read + Seek>(&mut self, frames: &mut Frames<R>, at: &Placed) -> io::Result<()> {
        let orphan = at.header.has(CONTINUES) && !self.open;
        let more = at.header.has(MORE);
        self.open = more;
        let kind = Kind::from_number(at.header.kind).filter(|_| at.header.version <= VERSION);
        match kind {
            Some(Kind::Window) => self.measurements(frames, at, orphan),
            Some(Kind::Timeline) => match frames.message::<Timeline>(at)? {
                Ok(timeline) => {
                    self.timeline(timeline, orphan, more);
                    Ok(())
                }
                Err(error) => self.damaged(frames, at, &error),
            },
            Some(Kind::KeyFrame) => self.key_frame(frames, at, orphan),
            Some(Kind::End) => match frames.message::<End>(at)? {
                Ok(end) => {
                    self.facts.trailing_bytes = frames.len() - at.end();
                    self.end(frames, end)
                }
                Err(error) => self.damaged(frames, at, &error),
            },
            Some(Kind::Header) => self.skip(frames, at),
            None => {
                let number = u32::from(at.header.kind);
                let name = match self.names.get(&number) {
                    Some(name) => format!("{name} ({number})"),
                    None => number.to_string(),
                };
                *self.facts.unknown_kinds.entry(name).or_default() += 1;
                self.skip(frames, at)
            }
        }
    }

    /// The recorder says when and why it ended, by a record in its last window.
    /// A writer that could not go on says so only here; then it becomes one.
    fn end<R: Read + Seek>(&mut self, frames: &mut Frames<R>, end: End) -> io::Result<()> {
        self.finish(frames, end.boot_ns)?;
        if self.end.is_none() {
            let (seq, to_boot_ns) = self.last_window(frames)?;
            self.ready.push_back(Window {
                seq,
                from_boot_ns: to_boot_ns,
                to_boot_ns,
                samples: vec![Record::End(end.clone()).into()],
            });
        }
        self.facts.ended = Some(end);
        Ok(())
    }

    /// A frame of which nothing is needed.
    fn skip<R: Read + Seek>(&mut self, frames: &mut Frames<R>, at: &Placed) -> io::Result<()> {
        let unchecked = match self.mode {
            Mode::Timeline { unchecked_before } => at.offset < unchecked_before,
            Mode::Windows => false,
        };
        if unchecked {
            self.facts.unchecked_frames += 1;
            return Ok(());
        }
        match frames.check(at)? {
            Ok(()) => Ok(()),
            Err(error) => self.damaged(frames, at, &error),
        }
    }

    fn measurements<R: Read + Seek>(
        &mut self,
        frames: &mut Frames<R>,
        at: &Placed,
        orphan: bool,
    ) -> io::Result<()> {
        let more = at.header.has(MORE);
        if self.mode == Mode::Windows || self.hole.is_some() || orphan {
            return match frames.message::<Window>(at)? {
                Ok(window) => {
                    self.close_hole(&window, orphan);
                    if !more {
                        self.last = Last::of(&window);
                    }
                    if self.mode == Mode::Windows {
                        self.part(window, more);
                    }
                    Ok(())
                }
                Err(error) => self.damaged(frames, at, &error),
            };
        }
        let damaged = self.facts.damaged_frames;
        self.skip(frames, at)?;
        if !more && self.facts.damaged_frames == damaged {
            self.last = Last::At(*at);
        }
        Ok(())
    }

    fn timeline(&mut self, timeline: Timeline, orphan: bool, more: bool) {
        let mut window = timeline.window.unwrap_or_default();
        self.close_hole(&window, orphan);
        if self.mode == Mode::Windows {
            self.part(window, more);
            return;
        }
        if let Some(before) = timeline.before {
            window.samples.insert(0, Record::Anchor(before).into());
        }
        self.note(&window);
        self.ready.push_back(window);
    }

    /// Takes one part of a window.
    fn part(&mut self, part: Window, more: bool) {
        self.note(&part);
        match &mut self.window {
            Some(window) if window.seq == part.seq => window.samples.extend(part.samples),
            _ => {
                self.emit();
                self.window = Some(part);
            }
        }
        if !more {
            self.emit();
        }
    }

    /// Hands out the window whose parts have come.
    fn emit(&mut self) {
        if let Some(window) = self.window.take() {
            self.totals.fold(&window);
            self.ready.push_back(window);
        }
    }

    fn note(&mut self, window: &Window) {
        for sample in &window.samples {
            match &sample.record {
                None => self.facts.unknown_records += 1,
                Some(Record::End(end)) => self.end = Some(end.clone()),
                Some(_) => {}
            }
        }
    }

    /// A key frame repeats what was handed out, unless something was lost:
    /// then what is missing is handed out as one window.
    fn key_frame<R: Read + Seek>(
        &mut self,
        frames: &mut Frames<R>,
        at: &Placed,
        orphan: bool,
    ) -> io::Result<()> {
        if self.mode != Mode::Windows || !self.behind {
            return self.skip(frames, at);
        }
        if !at.header.has(CONTINUES) {
            self.key_frame.clear();
        }
        match frames.message::<KeyFrame>(at)? {
            Ok(_) if orphan => {}
            Ok(part) => self.key_frame.push(part),
            Err(error) => {
                self.key_frame.clear();
                return self.damaged(frames, at, &error);
            }
        }
        if !at.header.has(MORE) && !self.key_frame.is_empty() {
            let whole = Totals::from_key_frames(self.key_frame.drain(..));
            let missing = whole.since(&self.totals);
            if !missing.samples.is_empty() {
                self.ready.push_back(missing);
            }
            self.totals = whole;
            self.behind = false;
        }
        Ok(())
    }

    /// The payload of an otherwise good frame cannot be used.
    fn damaged<R: Read + Seek>(
        &mut self,
        frames: &mut Frames<R>,
        at: &Placed,
        error: &super::frame::PayloadError,
    ) -> io::Result<()> {
        self.facts.damaged_frames += 1;
        let kind = Kind::from_number(at.header.kind);
        if matches!(kind, Some(Kind::Window | Kind::Timeline)) {
            return self.lose(frames, &format!("frame at byte {} {error}", at.offset));
        }
        // No window was in it.
        self.open = false;
        Ok(())
    }

    /// Windows may be missing from here on.
    fn lose<R: Read + Seek>(&mut self, frames: &mut Frames<R>, why: &str) -> io::Result<()> {
        self.emit();
        self.key_frame.clear();
        self.open = false;
        self.behind = true;
        if self.hole.is_none() {
            self.hole = Some(Hole {
                from_boot_ns: self.last_window(frames)?.1,
                why: why.to_owned(),
            });
        }
        Ok(())
    }

    /// The hole ends where a window begins again; with that window, if its
    /// first part is missing.
    fn close_hole(&mut self, window: &Window, orphan: bool) {
        let to = if orphan {
            window.to_boot_ns
        } else {
            window.from_boot_ns
        };
        if let Some(hole) = self.hole.take()
            && to > hole.from_boot_ns
        {
            self.gap(hole, to);
        }
    }

    fn gap(&mut self, hole: Hole, to_boot_ns: u64) {
        self.facts.gaps.push(Gap {
            probe: String::new(),
            from_boot_ns: hole.from_boot_ns,
            to_boot_ns,
            why: hole.why,
        });
    }

    /// Nothing follows; the recording ended at `boot_ns`, 0 if that is unknown.
    fn finish<R: Read + Seek>(&mut self, frames: &mut Frames<R>, boot_ns: u64) -> io::Result<()> {
        self.emit();
        self.over = true;
        self.facts.last_boot_ns = self.last_window(frames)?.1;
        if let Some(hole) = self.hole.take()
            && (boot_ns == 0 || boot_ns > hole.from_boot_ns)
        {
            self.gap(hole, boot_ns);
        }
        Ok(())
    }

    /// Number and end of the last whole window.
    fn last_window<R: Read + Seek>(&mut self, frames: &mut Frames<R>) -> io::Result<(u64, u64)> {
        if let Last::At(placed) = self.last {
            let window = frames.message::<Window>(&placed)?.unwrap_or_default();
            self.last = Last::of(&window);
        }
        Ok(match self.last {
            Last::Window { seq, to_boot_ns } => (seq, to_boot_ns),
            Last::At(_) => (0, 0),
        })
    }
}
