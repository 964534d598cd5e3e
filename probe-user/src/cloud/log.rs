//! Text logs: klog (kubelet, sidecars, CSI plugins), logrus, syslog and journal,
//! kernel messages; each also behind a container runtime's or `kubectl logs
//! --prefix`'s prefix. Several sidecars may be mixed in one file.
//!
//! Only lines about a volume's size or place are kept ([`TOPICS`]).

use super::external::{Detail, Interval};
use super::log_time::{Assumed, Stamp, time_of_day};
use super::time;
use super::{Intake, Options};
use jiff::tz::TimeZone;
use std::io::{BufRead, Read};

/// Names of the formats of lines.
pub(super) const FORMATS: &[&str] = &["klog", "logrus", "dmesg", "journal", "syslog"];

/// What a line must speak of to be kept; compared without case.
const TOPICS: &[&str] = &[
    "resiz",
    "expand",
    "expansion",
    "capacity of pv",
    "growpart",
    "growfs",
    "grown",
    "capacity change",
    "capacity data has changed",
    "new size:",
    "nothing to do",
    "no retries permitted",
    "partx",
    "sfdisk",
    "logical blocks",
    "skipping fs expand",
];

/// Longer lines are cut: no message of interest is as long.
const MAX_LINE: usize = 64 << 10;

/// A line that was understood.
#[derive(Debug, PartialEq)]
struct Line<'a> {
    format: &'static str,
    stamp: Stamp,
    component: Option<&'a str>,
    message: &'a str,
}

/// A text log, read. Its lines wait for their times until all inputs are known.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Format of the first line that was understood.
    pub(super) format: Option<&'static str>,
    /// Lines that were understood.
    pub(super) records: u64,
    kept: Vec<Kept>,
    /// Years that began between the first line and the last.
    years_passed: i16,
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

/// Whether text that begins so is a log: one of its first lines is understood.
pub(super) fn is_log(head: &str) -> bool {
    head.lines().take(50).any(|line| understand(line).is_some())
}

/// Reads a log to its end.
pub(super) fn read(mut reader: impl BufRead) -> std::io::Result<Log> {
    let mut log = Log::default();
    let mut last_day = None;
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        if !next_line(&mut reader, &mut bytes)? {
            break;
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some(line) = understand(text.trim_end()) else {
            continue;
        };
        log.records += 1;
        log.format.get_or_insert(line.format);
        if let Some(day) = line.stamp.month_and_day() {
            // From December to January; a clock that steps back a day is no year.
            if last_day.is_some_and(|(month, _)| month == 12 && day.0 == 1) {
                log.years_passed += 1;
            }
            last_day = Some(day);
        }
        let lower = line.message.to_lowercase();
        if TOPICS.iter().any(|topic| lower.contains(topic)) {
            log.kept.push(Kept {
                line: number,
                format: line.format,
                stamp: line.stamp,
                years_passed: log.years_passed,
                component: line.component.unwrap_or(line.format).to_owned(),
                message: line.message.to_owned(),
            });
        }
    }
    Ok(log)
}

impl Log {
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
        let zone = zone.unwrap_or(TimeZone::UTC);
        let nearest = || self.nearest_year(around?, &zone);
        let year = options.log_year.or_else(nearest).unwrap_or(written);
        let assumed = Assumed { year, zone };
        let mut settled = Settled {
            assumed: say_assumed(&self.kept, options, &assumed),
            rejected: Vec::new(),
        };
        for line in self.kept {
            intake.at_line(line.line);
            let years_before = self.years_passed - line.years_passed;
            match line.stamp.resolve(&assumed, years_before) {
                Some(at) => {
                    let detail = Detail::LogLine {
                        component: line.component,
                        message: line.message,
                    };
                    intake.event(line.format, at, None, detail);
                }
                None => settled
                    .rejected
                    .push((line.line, "its date does not exist".to_owned())),
            }
        }
        settled
    }

    fn nearest_year(&self, around: i64, zone: &TimeZone) -> Option<i16> {
        let last = self
            .kept
            .iter()
            .rev()
            .find(|line| line.stamp.month_and_day().is_some())?;
        let at = jiff::Timestamp::from_nanosecond(around.into()).ok()?;
        let year = at.to_zoned(TimeZone::UTC).year();
        let distance = |year: i16| {
            let zone = zone.clone();
            let years_before = self.years_passed - last.years_passed;
            let at = last.stamp.resolve(&Assumed { year, zone }, years_before)?;
            Some(at.start_ns.abs_diff(around))
        };
        let years = [year - 1, year, year + 1].into_iter();
        let known = years.filter_map(|year| Some((distance(year)?, year)));
        known.min().map(|(_, year)| year)
    }
}

/// Reads a line into `bytes`, cut to [`MAX_LINE`]; whether there was one.
fn next_line(reader: &mut impl BufRead, bytes: &mut Vec<u8>) -> std::io::Result<bool> {
    if reader.take(MAX_LINE as u64).read_until(b'\n', bytes)? == 0 {
        return Ok(false);
    }
    while bytes.last() != Some(&b'\n') {
        let mut rest = Vec::new();
        if reader.take(MAX_LINE as u64).read_until(b'\n', &mut rest)? == 0 {
            break;
        }
        if rest.last() == Some(&b'\n') {
            bytes.push(b'\n');
        }
    }
    Ok(true)
}

fn say_assumed(kept: &[Kept], options: &Options, assumed: &Assumed) -> Option<String> {
    let bare = |wanted: fn(&Stamp) -> bool| kept.iter().any(|line| wanted(&line.stamp));
    let mut said = Vec::new();
    if options.log_tz.is_none() && bare(|stamp| matches!(stamp, Stamp::Bare { .. })) {
        let of_node = if options.node_tz.is_some() {
            "the node's time zone"
        } else {
            "time zone"
        };
        said.push(format!("{of_node} {} (--log-tz)", name_of(&assumed.zone)));
    }
    if options.log_year.is_none() && bare(|stamp| matches!(stamp, Stamp::Bare { year: None, .. })) {
        said.push(format!("year {} (--log-year)", assumed.year));
    }
    (!said.is_empty()).then(|| said.join(", "))
}

fn name_of(zone: &TimeZone) -> String {
    match zone.iana_name() {
        Some(name) => name.to_owned(),
        None => zone.to_offset(jiff::Timestamp::UNIX_EPOCH).to_string(),
    }
}

fn understand(text: &str) -> Option<Line<'_>> {
    let (container, text) = kubectl_prefix(text);
    let (outer, text) = runtime_prefix(text);
    let mut line = klog(text)
        .or_else(|| logrus(text))
        .or_else(|| dmesg(text))
        .or_else(|| journal(text))
        .or_else(|| syslog(text))?;
    if let Some(outer) = outer {
        line.stamp = line.stamp.placed_by(outer);
    }
    line.component = container.or(line.component);
    Some(line)
}

/// `[pod/csi-0/csi-resizer] …`, of `kubectl logs --prefix`.
fn kubectl_prefix(text: &str) -> (Option<&str>, &str) {
    let parts = text
        .strip_prefix("[pod/")
        .and_then(|rest| rest.split_once("] "));
    match parts {
        Some((name, rest)) => (name.rsplit('/').next(), rest),
        None => (None, text),
    }
}

/// `2026-03-11T07:14:57.911Z stderr F …`, of a container runtime's log file.
fn runtime_prefix(text: &str) -> (Option<Interval>, &str) {
    let mut words = text.splitn(4, ' ');
    let parts = (words.next(), words.next(), words.next(), words.next());
    if let (Some(at), Some("stdout" | "stderr"), Some("F" | "P"), Some(rest)) = parts
        && let Some(at) = time::rfc3339(at)
    {
        return (Some(at), rest);
    }
    (None, text)
}

/// `I0311 07:14:57.602114    1427 reconciler.go:271] …` (k8s.io/klog).
fn klog(text: &str) -> Option<Line<'_>> {
    let (header, message) = text.split_once("] ")?;
    let mut words = header.split_whitespace();
    let date = words.next()?;
    let digits = date
        .strip_prefix(['I', 'W', 'E', 'F'])
        .filter(|rest| rest.len() == 4)?;
    let (month, day) = (
        digits.get(..2)?.parse().ok()?,
        digits.get(2..)?.parse().ok()?,
    );
    let (time, precision) = time_of_day(words.next()?)?;
    words.next()?.parse::<u64>().ok()?;
    let file = words.next()?.split(':').next()?;
    Some(Line {
        format: "klog",
        stamp: Stamp::Bare {
            year: None,
            month,
            day,
            time,
            precision,
        },
        component: Some(klog_component(file)),
        message,
    })
}

/// Who has this source file.
fn klog_component(file: &str) -> &str {
    match file {
        "reconciler_common.go"
        | "reconciler.go"
        | "expander.go"
        | "node_expander.go"
        | "operation_generator.go"
        | "operation_executor.go"
        | "nestedpendingoperations.go" => "kubelet",
        "expand_and_recover.go" | "resize_status.go" | "controller.go" => "external-resizer",
        "resizefs_linux.go" | "mount_linux.go" => "mount-utils",
        other => other,
    }
}

/// `time="2026-03-11T07:14:57Z" level=info msg="…"` (logrus text formatter).
fn logrus(text: &str) -> Option<Line<'_>> {
    let (at, rest) = text.strip_prefix("time=\"")?.split_once('"')?;
    let message = rest.split_once("msg=")?.1;
    let stamp = Stamp::Full(time::rfc3339(at)?);
    Some(Line {
        format: "logrus",
        stamp,
        component: None,
        message: message.trim_matches('"'),
    })
}

/// `2026-03-11T07:15:01,141208+00:00 vdb: …` (`dmesg --time-format iso`).
fn dmesg(text: &str) -> Option<Line<'_>> {
    let (at, message) = text.split_once(' ')?;
    let (whole, fraction) = at.split_once(',')?;
    let at = time::rfc3339(&format!("{whole}.{fraction}"))?;
    Some(Line {
        format: "dmesg",
        stamp: Stamp::Full(at),
        component: Some("kernel"),
        message,
    })
}

/// `2026-03-11T07:14:57.963+0000 node kubelet[1427]: …` (`journalctl -o
/// short-iso`, rsyslog's default since Debian 12).
fn journal(text: &str) -> Option<Line<'_>> {
    let (at, rest) = text.split_once(' ')?;
    if !at.contains('T') {
        return None;
    }
    // `+0000` is how systemd writes what RFC 3339 calls `+00:00`.
    let at = match at.rsplit_once(['+', '-']) {
        Some((before, zone)) if zone.len() == 4 && before.contains(':') => {
            let sign = &at[before.len()..=before.len()];
            time::rfc3339(&format!(
                "{before}{sign}{}:{}",
                zone.get(..2)?,
                zone.get(2..)?
            ))
        }
        _ => time::rfc3339(at),
    }?;
    let (_host, rest) = rest.split_once(' ')?;
    behind_tag("journal", Stamp::Full(at), rest)
}

/// `Mar 11 07:14:57 node kubelet[1427]: …` (RFC 3164).
fn syslog(text: &str) -> Option<Line<'_>> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = MONTHS.iter().position(|month| text.starts_with(month))?;
    let month = i8::try_from(month).ok()? + 1;
    let rest = text.get(3..)?.strip_prefix(' ')?.trim_start();
    let (day, rest) = rest.split_once(' ')?;
    let (at, rest) = rest.split_once(' ')?;
    let (time, precision) = time_of_day(at)?;
    let (_host, rest) = rest.split_once(' ')?;
    let stamp = Stamp::Bare {
        year: None,
        month,
        day: day.parse().ok()?,
        time,
        precision,
    };
    behind_tag("syslog", stamp, rest)
}

/// `kubelet[1427]: …`, perhaps with a klog line as the message.
fn behind_tag<'a>(format: &'static str, stamp: Stamp, text: &'a str) -> Option<Line<'a>> {
    let (tag, message) = text.split_once(": ")?;
    let component = tag.split('[').next().filter(|name| !name.contains(' '))?;
    let message = message.trim_start();
    if let Some(inner) = klog(message) {
        let stamp = match stamp {
            Stamp::Full(outer) => inner.stamp.placed_by(outer),
            Stamp::Bare { .. } => inner.stamp,
        };
        return Some(Line {
            stamp,
            component: Some(component),
            ..inner
        });
    }
    // A kernel line in the journal may carry its uptime: `[ 12.3] vdb: …`.
    let message = match message
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "))
    {
        Some((uptime, rest)) if uptime.trim().parse::<f64>().is_ok() => rest,
        _ => message,
    };
    Some(Line {
        format,
        stamp,
        component: Some(component),
        message,
    })
}
