//! Text logs: klog (kubelet, sidecars, CSI plugins), logrus, JSON logs, syslog and
//! journal, kernel messages; each also in the wrapping of a container runtime,
//! of `kubectl logs --prefix --timestamps`, or of stern. Several sidecars may be
//! mixed in one file, and be one process.
//!
//! ```text
//! bytes ─► wrapping (source, runtime's time, parts) ─► line (format, time) ─► topics ─► Log
//!                                                                Log + Assumed ─► Intake
//! ```
//!
//! Only lines about a volume's size or place are kept ([`topics`]).

mod line;
mod record;
mod stamp;
mod topics;
mod wrapping;

pub(super) use line::FORMATS;
pub(super) use record::SOURCE;

use self::line::{DMESG, Line, who};
use self::stamp::{Assumed, Stamp};
use self::topics::Conversations;
use self::wrapping::{Wrapped, unwrap};
use super::external::{Detail, Interval};
use super::{Intake, Options, meter};
use jiff::tz::TimeZone;
use std::borrow::Cow;
use std::io::BufRead;

/// Longer lines are cut: no message of interest is as long.
const MAX_LINE: usize = 64 << 10;

/// How far the times of `dmesg` may be off that are no times since boot. It counts
/// them from what the boot was when it ran, with a clock that nobody corrects
/// (dmesg(1): "could be inaccurate").
const DMESG_ERROR_NS: i64 = 5_000_000_000;

/// A text log, read. Its lines wait for their times until all inputs are known.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Format of the first line that was understood.
    pub(super) format: Option<&'static str>,
    /// Lines that were understood.
    pub(super) records: u64,
    kept: Vec<Kept>,
    /// Where the last of them, or what follows it, is.
    last_kept: u64,
    /// Years that began between the first line and the last.
    years_passed: i16,
    last_day: Option<(i8, i8)>,
    conversations: Conversations,
}

/// What came of the times of a log.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// What had to be assumed about times.
    pub(super) assumed: Option<String>,
    /// Lines of interest that have no usable time: line and reason.
    pub(super) rejected: Vec<(u64, String)>,
}

/// A line of interest whose time is not settled yet.
#[derive(Debug)]
struct Kept {
    line: u64,
    format: &'static str,
    stamp: Stamp,
    years_passed: i16,
    component: String,
    message: String,
}

/// Whether text that begins so is a log: one of its lines is understood.
pub(super) fn is_log(head: &str) -> bool {
    head.lines().any(|line| understand(&unwrap(line)).is_some())
}

/// Reads a log to its end. `reject` is told the lines that are not understood.
pub(super) fn read(
    mut reader: impl BufRead,
    intake: &mut Intake,
    mut reject: impl FnMut(u64, String),
) -> Log {
    let mut log = Log::default();
    let mut parts = Parts::default();
    let mut bytes = Vec::new();
    for number in 1.. {
        match meter::line(&mut reader, MAX_LINE, &mut bytes) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                reject(number, format!("the rest cannot be read: {error}"));
                break;
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((begun, whole)) = parts.join(number, unwrap(text.trim_end_matches('\r'))) else {
            continue;
        };
        if let Err(reason) = log.take(begun, &whole, intake) {
            reject(begun, reason);
        }
    }
    for (begun, whole) in parts.rest() {
        if let Err(reason) = log.take(begun, &whole, intake) {
            reject(begun, reason);
        }
    }
    log
}

/// Lines that a runtime wrote in parts, by stream: the line that it began in,
/// and what there is of it.
#[derive(Default)]
struct Parts([Option<(u64, Wrapped<'static>)>; 2]);

impl Parts {
    /// A whole line, and where it began.
    fn join<'a>(&mut self, number: u64, next: Wrapped<'a>) -> Option<(u64, Wrapped<'a>)> {
        let stream = &mut self.0[usize::from(next.is_stderr.unwrap_or_default())];
        if next.is_stderr.is_none() || (stream.is_none() && !next.is_partial) {
            return Some((number, next));
        }
        let is_partial = next.is_partial;
        if let Some((_, whole)) = stream {
            let text = whole.text.to_mut();
            if text.len() + next.text.len() <= MAX_LINE {
                text.push_str(&next.text);
            }
        } else {
            let text = Cow::Owned(next.text.into_owned());
            *stream = Some((number, Wrapped { text, ..next }));
        }
        if is_partial { None } else { stream.take() }
    }

    /// What has no end.
    fn rest(self) -> impl Iterator<Item = (u64, Wrapped<'static>)> {
        self.0.into_iter().flatten()
    }
}

fn understand<'a>(wrapped: &'a Wrapped<'_>) -> Option<Line<'a>> {
    let mut line = match (wrapped.at, line::parse(wrapped.text.trim_end())) {
        (Some(at), Some(mut line)) => {
            line.stamp = line.stamp.placed_by(at);
            line
        }
        // Anything at all, with a time of the runtime's.
        (Some(at), None) => Line {
            format: "container",
            stamp: Stamp::Full(at),
            component: None,
            message: wrapped.text.trim_end().into(),
        },
        (None, line) => line?,
    };
    if let Some(from) = &wrapped.from {
        line.component = who(Some(from), line.component.as_deref()).map(Cow::Owned);
    }
    Some(line)
}

/// Takes a line that has its time, if it is of interest.
fn take_placed(line: Line, intake: &mut Intake) -> Result<(), String> {
    let component = line.component.unwrap_or(line.format.into()).into_owned();
    let is_kept = Conversations::default().is_of_interest(&component, &line.message);
    let Stamp::Full(at) = line.stamp else {
        return Err("it has no time of its own".to_owned());
    };
    if !is_kept {
        return Ok(());
    }
    let mut message = line.message.into_owned();
    message.truncate(message.floor_char_boundary(MAX_LINE));
    intake.event(
        line.format,
        at,
        None,
        Detail::LogLine { component, message },
    )
}

impl Log {
    fn take(&mut self, number: u64, text: &Wrapped, intake: &mut Intake) -> Result<(), String> {
        let Some(line) = understand(text) else {
            return self.continues(number, &text.text, intake);
        };
        self.records += 1;
        self.format.get_or_insert(line.format);
        if let Some(day) = line.stamp.month_and_day() {
            self.notice(day);
        }
        let component = line.component.as_deref().unwrap_or(line.format);
        if !self.conversations.is_of_interest(component, &line.message) {
            return Ok(());
        }
        let kept = Kept {
            line: number,
            format: line.format,
            stamp: line.stamp,
            years_passed: self.years_passed,
            component: component.to_owned(),
            message: line.message.into_owned(),
        };
        intake.keep(kept.cost())?;
        self.last_kept = number;
        self.kept.push(kept);
        Ok(())
    }

    /// A line without a time: more of a message that is kept, or nothing that is
    /// understood.
    fn continues(&mut self, number: u64, text: &str, intake: &mut Intake) -> Result<(), String> {
        // Of `journalctl` itself: `-- Boot 1f3b… --`.
        if text.trim().is_empty() || text.starts_with("-- ") {
            return Ok(());
        }
        let follows = self.last_kept + 1 == number;
        let kept = self.kept.last_mut().filter(|_| follows);
        let Some(kept) = kept.filter(|kept| kept.message.len() + text.len() < MAX_LINE) else {
            return Err("no line of a known log".to_owned());
        };
        intake.keep(text.len() + 1)?;
        self.last_kept = number;
        kept.message.push('\n');
        kept.message.push_str(text);
        Ok(())
    }

    /// A new year begins from one winter month to another; one line later it may
    /// be the old one again, where several logs are mixed or follow each other.
    fn notice(&mut self, day: (i8, i8)) {
        let is_late = |month| month >= 11;
        let is_early = |month| month <= 2;
        let before = self.last_day.replace(day).map(|(month, _)| month);
        self.years_passed = match before {
            Some(month) if is_late(month) && is_early(day.0) => self.years_passed.saturating_add(1),
            Some(month) if is_early(month) && is_late(day.0) => self.years_passed.saturating_sub(1),
            _ => self.years_passed,
        };
    }

    /// Gives the lines their times. What they lack is from the options; else the
    /// zone of the node, or UTC, and the year in which the last line is nearest to
    /// `around` (ns since the Unix epoch), or `written`, that of the file.
    pub(super) fn settle(
        self,
        options: &Options,
        around: Option<i64>,
        written: i16,
        intake: &mut Intake,
    ) -> Settled {
        let zone = options.log_tz.clone().or_else(|| options.node_tz.clone());
        let mut assumed = Assumed {
            year: written,
            zone: zone.unwrap_or(TimeZone::UTC),
            booted: options.booted,
        };
        let nearest = || self.nearest_year(around?, &assumed);
        assumed.year = options.log_year.or_else(nearest).unwrap_or(written);
        let mut settled = Settled {
            assumed: say_assumed(&self.kept, options, &assumed),
            rejected: Vec::new(),
        };
        for line in self.kept {
            intake.release(line.cost());
            intake.at_line(line.line);
            let years_before = self.years_passed.saturating_sub(line.years_passed);
            let taken = line.stamp.resolve(&assumed, years_before).and_then(|at| {
                let is_of_dmesg = line.format == DMESG && !line.stamp.is_since_boot();
                let error_ns = if is_of_dmesg { DMESG_ERROR_NS } else { 0 };
                let at = Interval {
                    start_ns: at.start_ns.saturating_sub(error_ns),
                    end_ns: at.end_ns.saturating_add(error_ns),
                };
                let detail = Detail::LogLine {
                    component: line.component,
                    message: line.message,
                };
                intake.event(line.format, at, None, detail)
            });
            settled
                .rejected
                .extend(taken.err().map(|why| (line.line, why)));
        }
        settled
    }

    fn nearest_year(&self, around: i64, assumed: &Assumed) -> Option<i16> {
        let mut lines = self.kept.iter().rev();
        let last = lines.find(|line| line.stamp.month_and_day().is_some())?;
        let at = jiff::Timestamp::from_nanosecond(around.into()).ok()?;
        let year = at.to_zoned(TimeZone::UTC).year();
        let years_before = self.years_passed.saturating_sub(last.years_passed);
        let distance = |year: i16| {
            let assumed = Assumed {
                year,
                ..assumed.clone()
            };
            let at = last.stamp.resolve(&assumed, years_before).ok()?;
            Some(at.start_ns.abs_diff(around))
        };
        // Far enough for a 29 February.
        let years = (-4..=4).map(|apart| year + apart);
        let known = years.filter_map(|year| Some((distance(year)?, year)));
        known.min().map(|(_, year)| year)
    }
}

impl Kept {
    fn cost(&self) -> usize {
        size_of::<Self>() + self.component.len() + self.message.len()
    }
}

fn say_assumed(kept: &[Kept], options: &Options, assumed: &Assumed) -> Option<String> {
    let any = |wanted: fn(&Kept) -> bool| kept.iter().any(wanted);
    let mut said = Vec::new();
    if options.log_tz.is_none() && any(|line| matches!(line.stamp, Stamp::Bare { .. })) {
        let of_node = if options.node_tz.is_some() {
            "the node's time zone"
        } else {
            "time zone"
        };
        said.push(format!("{of_node} {} (--log-tz)", name_of(&assumed.zone)));
    }
    let has_no_year = |line: &Kept| matches!(line.stamp, Stamp::Bare { year: None, .. });
    if options.log_year.is_none() && any(has_no_year) {
        said.push(format!("year {} (--log-year)", assumed.year));
    }
    if assumed.booted.is_some() && any(|line| line.stamp.is_since_boot()) {
        said.push("the boot that was recorded".to_owned());
    }
    if any(|line| line.format == DMESG && !line.stamp.is_since_boot()) {
        said.push("dmesg's times are good to 5 s".to_owned());
    }
    (!said.is_empty()).then(|| said.join(", "))
}

fn name_of(zone: &TimeZone) -> String {
    match zone.iana_name() {
        Some(name) => name.to_owned(),
        None => zone.to_offset(jiff::Timestamp::UNIX_EPOCH).to_string(),
    }
}
