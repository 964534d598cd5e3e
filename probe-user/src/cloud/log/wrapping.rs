//! What stands around a line, put there by whoever carried it: the container's
//! name by `kubectl logs --prefix` or stern, the time by a container runtime.

use super::line;
use crate::cloud::Interval;
use crate::cloud::time::rfc3339;
use serde_json::Value;
use std::borrow::Cow;

/// A line out of its wrapping.
#[derive(Debug, PartialEq)]
pub(super) struct Wrapped<'a> {
    /// `pod/container` that wrote it.
    pub(super) from: Option<String>,
    /// When the runtime read it.
    pub(super) at: Option<Interval>,
    /// Whether it goes on in the next line of the same stream.
    pub(super) is_partial: bool,
    /// Whether it was written to stderr; `None` where nobody tells.
    pub(super) is_stderr: Option<bool>,
    /// The line itself.
    pub(super) text: Cow<'a, str>,
}

/// Takes the wrapping off.
pub(super) fn unwrap(text: &str) -> Wrapped<'_> {
    let (from, text) = source(text);
    let wrapped = json_file(text)
        .or_else(|| runtime(text))
        .or_else(|| timestamp(text));
    Wrapped {
        from,
        ..wrapped.unwrap_or(Wrapped {
            from: None,
            at: None,
            is_partial: false,
            is_stderr: None,
            text: text.into(),
        })
    }
}

/// The container's name: `[pod/NAME/CONTAINER] ` (`kubectl logs --prefix`),
/// `[NAME CONTAINER] ` (kubetail), `NAME CONTAINER ` or `NAMESPACE NAME
/// CONTAINER ` (stern).
fn source(text: &str) -> (Option<String>, &str) {
    bracketed(text)
        .or_else(|| words(text))
        .map_or((None, text), |(from, rest)| (Some(from), rest))
}

fn bracketed(text: &str) -> Option<(String, &str)> {
    let (name, rest) = text.strip_prefix('[')?.split_once("] ")?;
    let name = name.strip_prefix("pod/").unwrap_or(name);
    let parts: Vec<&str> = name.split([' ', '/']).collect();
    let is_name = parts.len() <= 3 && parts.iter().all(|part| is_label(part));
    is_name.then(|| (parts.join("/"), rest))
}

fn words(text: &str) -> Option<(String, &str)> {
    let mut rest = text;
    let mut names: Vec<&str> = Vec::new();
    while names.len() < 3 {
        let (name, after) = rest.split_once(' ')?;
        if !is_label(name) {
            return None;
        }
        names.push(name);
        rest = after;
        // Only what surely is the line itself shows where the names end.
        let is_timed = || runtime(rest).or_else(|| timestamp(rest)).is_some();
        if names.len() >= 2 && (line::is_plain(rest) || is_timed()) {
            return Some((names.join("/"), rest));
        }
    }
    None
}

/// A name as Kubernetes has it (RFC 1123), not a number.
fn is_label(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
}

/// `2026-03-11T07:14:57.911Z stderr F …`, of a container runtime's file (CRI).
fn runtime(text: &str) -> Option<Wrapped<'_>> {
    let mut words = text.splitn(4, ' ');
    let (at, stream, tag) = (words.next()?, words.next()?, words.next()?);
    let is_stderr = match stream {
        "stderr" => true,
        "stdout" => false,
        _ => return None,
    };
    // Tags are separated by colons; the first is whether the line is whole.
    let is_partial = match tag.split(':').next()? {
        "P" => true,
        "F" => false,
        _ => return None,
    };
    Some(Wrapped {
        from: None,
        at: Some(rfc3339(at)?),
        is_partial,
        is_stderr: Some(is_stderr),
        text: words.next().unwrap_or_default().into(),
    })
}

/// `{"log":"…\n","stream":"stderr","time":"2026-03-11T07:14:57.911Z"}`, of
/// Docker's `json-file`.
fn json_file(text: &str) -> Option<Wrapped<'_>> {
    if !text.starts_with("{\"log\":") {
        return None;
    }
    let record: Value = serde_json::from_str(text).ok()?;
    let log = record.get("log")?.as_str()?;
    Some(Wrapped {
        from: None,
        at: Some(rfc3339(record.get("time")?.as_str()?)?),
        is_partial: !log.ends_with('\n'),
        is_stderr: Some(record.get("stream")?.as_str()? == "stderr"),
        text: log.trim_end_matches('\n').to_owned().into(),
    })
}

/// `2026-03-11T07:14:57.911234567Z …` (`kubectl logs --timestamps`). The journal
/// and syslog write times of this form too, but then host and tag, and neither
/// `Z` nor nanoseconds.
fn timestamp(text: &str) -> Option<Wrapped<'_>> {
    let (at, rest) = text.split_once(' ')?;
    let digits = at.split_once('.').map_or(0, |(_, fraction)| {
        fraction.bytes().take_while(u8::is_ascii_digit).count()
    });
    let is_runtimes = at.ends_with('Z') || digits > 6 || line::is_plain(rest);
    if !is_runtimes || line::is_tagged(rest) {
        return None;
    }
    Some(Wrapped {
        from: None,
        at: Some(rfc3339(at)?),
        is_partial: false,
        is_stderr: None,
        text: rest.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KLOG: &str = "I0311 07:14:57.911000       1 x.go:1] m";

    #[test]
    fn sources_are_told_in_many_ways() {
        for (prefix, from) in [
            ("", None),
            ("[pod/csi-0/csi-resizer] ", Some("csi-0/csi-resizer")),
            ("[csi-0 csi-resizer] ", Some("csi-0/csi-resizer")),
            ("csi-0 csi-resizer ", Some("csi-0/csi-resizer")),
            (
                "kube-system csi-0 csi-resizer ",
                Some("kube-system/csi-0/csi-resizer"),
            ),
        ] {
            let text = format!("{prefix}{KLOG}");
            let wrapped = unwrap(&text);
            assert_eq!(wrapped.from.as_deref(), from, "{prefix}");
            assert_eq!(wrapped.text, KLOG, "{prefix}");
        }
    }

    #[test]
    fn times_of_runtimes_come_off() {
        for prefix in [
            "2026-03-11T07:14:57.911234567Z ",
            "2026-03-11T15:14:57.911+08:00 ",
            "2026-03-11T07:14:57.911Z stderr F ",
            "[pod/a/b] 2026-03-11T07:14:57.911Z ",
            "a b 2026-03-11T07:14:57.911Z ",
        ] {
            let text = format!("{prefix}{KLOG}");
            let wrapped = unwrap(&text);
            let at = wrapped.at.map(|at| at.start_ns / 1_000_000);
            assert_eq!(at, Some(1_773_213_297_911), "{prefix}");
            assert_eq!(wrapped.text, KLOG, "{prefix}");
        }
    }

    #[test]
    fn other_lines_have_none() {
        for text in [
            "Mar 11 07:14:57 node kubelet[1427]: m",
            "2026-03-11T07:14:57.963218+00:00 node kubelet[1427]: m",
            "2026-03-11T07:14:57+0000 node kernel: m",
            "[Wed Mar 11 07:15:01 2026] vdb: m",
            "[   12.345678] vdb: m",
            "no retries permitted until then",
        ] {
            assert_eq!(unwrap(text).text, text);
            assert_eq!(unwrap(text).at, None, "{text}");
        }
    }
}
