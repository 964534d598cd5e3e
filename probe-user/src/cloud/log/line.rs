//! Lines as components, syslog, the journal and `dmesg` write them.

use super::record;
use super::stamp::{Stamp, time_of_day};
use crate::cloud::time;
use std::borrow::Cow;

/// Names of the formats of lines.
pub(in crate::cloud) const FORMATS: &[&str] = &[
    "klog",
    "json-log",
    "logrus",
    "dmesg",
    "journal",
    "syslog",
    "container",
];

/// The kernel's own log, as `dmesg` prints it.
pub(super) const DMESG: &str = "dmesg";

/// A line that was understood.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cloud) struct Line<'a> {
    pub(in crate::cloud) format: &'static str,
    pub(super) stamp: Stamp,
    pub(super) component: Option<Cow<'a, str>>,
    pub(super) message: Cow<'a, str>,
}

impl Line<'_> {
    /// The same, of its own.
    pub(super) fn into_owned(self) -> Line<'static> {
        Line {
            format: self.format,
            stamp: self.stamp,
            component: self.component.map(|name| Cow::Owned(name.into_owned())),
            message: Cow::Owned(self.message.into_owned()),
        }
    }
}

/// A line without any wrapping.
pub(super) fn parse(text: &str) -> Option<Line<'_>> {
    klog(text)
        .or_else(|| logrus(text))
        .or_else(|| record::parse(text))
        .or_else(|| dmesg(text))
        .or_else(|| journal(text))
        .or_else(|| syslog(text))
}

/// Whether a component wrote this itself: nothing stands before it.
pub(super) fn is_plain(text: &str) -> bool {
    text.starts_with("time=\"") || text.starts_with("{\"") || klog(text).is_some()
}

/// `node kubelet[1427]: …`, `node kernel: …`: what follows the time in syslog
/// and the journal.
pub(super) fn is_tagged(text: &str) -> bool {
    let tag = text
        .split_once(' ')
        .and_then(|(_, rest)| rest.split_once(": "));
    tag.is_some_and(|(tag, _)| {
        let number = tag.strip_suffix(']').and_then(|tag| tag.rsplit_once('['));
        tag == "kernel" || number.is_some_and(|(_, pid)| pid.parse::<u32>().is_ok())
    })
}

/// `I0311 07:14:57.602114    1427 reconciler.go:271] …` (k8s.io/klog).
fn klog(text: &str) -> Option<Line<'_>> {
    let (header, message) = text.split_once("] ")?;
    let mut words = header.split_whitespace();
    let digits = words
        .next()?
        .strip_prefix(['I', 'W', 'E', 'F'])
        .filter(|rest| rest.len() == 4 && rest.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (time, precision) = time_of_day(words.next()?)?;
    words.next()?.parse::<u64>().ok()?;
    let place = words.next()?;
    Some(Line {
        format: "klog",
        stamp: Stamp::Bare {
            year: None,
            month: digits[..2].parse().ok()?,
            day: digits[2..].parse().ok()?,
            time,
            precision,
        },
        component: Some(component_of(place, message).into()),
        message: message.into(),
    })
}

/// Who has this source file (`controller.go:338`, perhaps with its folder).
pub(super) fn component_of<'a>(place: &'a str, message: &str) -> &'a str {
    let file = place.rsplit('/').next().unwrap_or(place);
    let file = file.split(':').next().unwrap_or(file);
    match file {
        "reconciler_common.go"
        | "reconciler.go"
        | "expander.go"
        | "node_expander.go"
        | "operation_generator.go"
        | "operation_executor.go"
        | "nestedpendingoperations.go" => "kubelet",
        "expand_and_recover.go" | "resize_status.go" | "resizer.go" => "external-resizer",
        // Many have one.
        "controller.go" if message.to_ascii_lowercase().contains("resiz") => "external-resizer",
        "resizefs_linux.go" | "mount_linux.go" | "mount_helper_common.go" => "mount-utils",
        other => other,
    }
}

/// Components whose source files are known; one process may be several of them.
const ROLES: &[&str] = &["kubelet", "external-resizer", "mount-utils"];

/// The source of a line: who carried it (a container, a syslog tag), and its own
/// role where that is another: one process may be several components.
pub(super) fn who(outer: Option<&str>, own: Option<&str>) -> Option<String> {
    let role = own.filter(|own| ROLES.contains(own));
    match (outer, role) {
        (Some(outer), Some(role)) => {
            let word = role.rsplit('-').next().unwrap_or(role);
            Some(if outer.contains(word) {
                outer.to_owned()
            } else {
                format!("{outer} ({role})")
            })
        }
        (outer, _) => outer.or(own).map(str::to_owned),
    }
}

/// `time="2026-03-11T07:14:57Z" level=info msg="…"` (logrus text formatter).
fn logrus(text: &str) -> Option<Line<'_>> {
    let (at, rest) = text.strip_prefix("time=\"")?.split_once('"')?;
    let message = rest.split_once("msg=")?.1;
    Some(Line {
        format: "logrus",
        stamp: Stamp::Full(time::rfc3339(at)?),
        component: None,
        message: message.trim_matches('"').into(),
    })
}

/// Of `dmesg`: `[   12.345678] vdb: …` since boot, `[Wed Mar 11 07:15:01 2026] …`
/// (`-T`), `2026-03-11T07:15:01,141208+00:00 …` (`--time-format iso`); each also
/// behind `<6>` (`-r`) or `kern  :info  : ` (`-x`). Also the journal's
/// `short-monotonic`.
fn dmesg(text: &str) -> Option<Line<'_>> {
    let text = without_level(text);
    let (stamp, message) = if let Some(rest) = text.strip_prefix('[') {
        let (at, message) = rest.split_once("] ")?;
        let stamp = since_boot(at).or_else(|| ctime(at))?;
        // `short-monotonic` has the host, too.
        let behind_host = message.split_once(" kernel: ");
        (stamp, behind_host.map_or(message, |(_, message)| message))
    } else {
        let (at, message) = text.split_once(' ').filter(|(at, _)| at.contains(','))?;
        (Stamp::Full(time::iso(at)?), message)
    };
    Some(Line {
        format: DMESG,
        stamp,
        component: Some("kernel".into()),
        message: message.into(),
    })
}

fn without_level(text: &str) -> &str {
    let raw = text.strip_prefix('<').and_then(|rest| {
        let (level, rest) = rest.split_once('>')?;
        level.parse::<u8>().ok().map(|_| rest)
    });
    let decoded = || {
        let mut parts = text.splitn(3, ':');
        let (facility, level, rest) = (parts.next()?, parts.next()?, parts.next()?);
        let is_word = |word: &str| {
            !word.trim().is_empty() && word.trim().bytes().all(|byte| byte.is_ascii_lowercase())
        };
        (is_word(facility) && is_word(level)).then(|| rest.trim_start())
    };
    raw.or_else(decoded).unwrap_or(text)
}

/// `   12.345678`
fn since_boot(text: &str) -> Option<Stamp> {
    let (seconds, fraction) = text.trim_start().split_once('.')?;
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(fraction) || !(1..=9).contains(&fraction.len()) || !is_digits(seconds) {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let fraction_ns: i64 = format!("{fraction:0<9}").parse().ok()?;
    Some(Stamp::SinceBoot {
        ns: seconds
            .checked_mul(1_000_000_000)?
            .checked_add(fraction_ns)?,
        precision: time::precision(fraction.len()),
    })
}

/// `Wed Mar 11 07:15:01 2026`
fn ctime(text: &str) -> Option<Stamp> {
    let mut words = text.split_whitespace();
    let (_weekday, month, day) = (words.next()?, words.next()?, words.next()?);
    let (time, precision) = time_of_day(words.next()?)?;
    Some(Stamp::Bare {
        year: Some(words.next()?.parse().ok()?),
        month: month_of(month)?,
        day: day.parse().ok()?,
        time,
        precision,
    })
}

fn month_of(name: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let index = MONTHS.iter().position(|month| *month == name)?;
    i8::try_from(index + 1).ok()
}

/// `2026-03-11T07:14:57.963+0000 node kubelet[1427]: …` (`journalctl -o
/// short-iso`, `short-iso-precise`; rsyslog's default since Debian 12),
/// `Wed 2026-03-11 07:14:57 UTC node …` (`short-full`, `with-unit`),
/// `1773213297.963218 node …` (`short-unix`).
fn journal(text: &str) -> Option<Line<'_>> {
    let (first, rest) = text.split_once(' ')?;
    let (stamp, rest) = if first.contains('T') {
        (Stamp::Full(time::iso(first)?), rest)
    } else if first.len() == 3 {
        let mut words = rest.splitn(4, ' ');
        let date: jiff::civil::Date = words.next()?.parse().ok()?;
        let (time, precision) = time_of_day(words.next()?)?;
        let bare = Stamp::Bare {
            year: Some(date.year()),
            month: date.month(),
            day: date.day(),
            time,
            precision,
        };
        // Other abbreviations have more than one meaning.
        let is_utc = words.next()? == "UTC";
        let stamp = if is_utc { bare.in_utc()? } else { bare };
        (stamp, words.next()?)
    } else {
        let is_number = first
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number = first.parse().ok().filter(|_| is_number)?;
        (
            Stamp::Full(time::epoch(number, !first.contains('.'))?),
            rest,
        )
    };
    let (_host, rest) = rest.split_once(' ')?;
    behind_tag("journal", stamp, rest)
}

/// `Mar 11 07:14:57 node kubelet[1427]: …` (RFC 3164; `journalctl -o short`,
/// `short-precise`).
fn syslog(text: &str) -> Option<Line<'_>> {
    let (month, rest) = text.split_once(' ')?;
    let (day, rest) = rest.trim_start().split_once(' ')?;
    let (at, rest) = rest.split_once(' ')?;
    let month = month_of(month)?;
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
            _ => inner.stamp,
        };
        return Some(Line {
            stamp,
            component: who(Some(component), inner.component.as_deref()).map(Cow::Owned),
            ..inner
        });
    }
    // A kernel line in syslog may carry its uptime: `[ 12.3] vdb: …`.
    let uptime = message.strip_prefix('[').and_then(|rest| {
        let (uptime, rest) = rest.split_once("] ")?;
        since_boot(uptime).map(|_| rest)
    });
    Some(Line {
        format,
        stamp,
        component: Some(component.into()),
        message: uptime.unwrap_or(message).into(),
    })
}
