//! JSON: one report, or one tick a line.

use super::clean::is_unsafe;
use crate::analysis::{Correlated, Diff, Report, Tick, Volumes};
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};
use std::io::{self, Write};

/// Writes a report.
pub fn report_json(report: &Report, out: &mut impl Write) -> io::Result<()> {
    pretty(report, out)
}

/// Writes what nodes and others tell of each volume.
pub fn correlate_json(correlated: &Correlated, out: &mut impl Write) -> io::Result<()> {
    pretty(correlated, out)
}

/// Writes the volumes of a node.
pub fn volumes_json(volumes: &Volumes, out: &mut impl Write) -> io::Result<()> {
    pretty(volumes, out)
}

/// Writes a diff.
pub fn diff_json(diff: &Diff, out: &mut impl Write) -> io::Result<()> {
    pretty(diff, out)
}

/// Writes a diff as one line.
pub fn diff_json_line(diff: &Diff, out: &mut impl Write) -> io::Result<()> {
    json_line(diff, out)
}

fn pretty(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    let formatter = Safe(PrettyFormatter::new());
    value.serialize(&mut Serializer::with_formatter(&mut *out, formatter))?;
    writeln!(out)
}

/// Writes a tick as one line.
pub fn tick_json(tick: &Tick, out: &mut impl Write) -> io::Result<()> {
    json_line(tick, out)
}

/// Writes anything as one line.
pub fn json_line(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    let formatter = Safe(CompactFormatter);
    value.serialize(&mut Serializer::with_formatter(&mut *out, formatter))?;
    writeln!(out)
}

/// Escapes what JSON allows in strings but a terminal would obey.
struct Safe<F>(F);

macro_rules! pass_on {
    ($($method:ident($($arg:ident: $type:ty),*);)+) => {
        $(fn $method<W: Write + ?Sized>(&mut self, writer: &mut W $(, $arg: $type)*) -> io::Result<()> {
            self.0.$method(writer $(, $arg)*)
        })+
    };
}

impl<F: Formatter> Formatter for Safe<F> {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        w: &mut W,
        text: &str,
    ) -> io::Result<()> {
        let mut rest = text;
        while let Some(at) = rest.find(is_unsafe) {
            w.write_all(&rest.as_bytes()[..at])?;
            let mut chars = rest[at..].chars();
            if let Some(c) = chars.next() {
                // All of them are in the basic plane.
                write!(w, "\\u{:04x}", u32::from(c))?;
            }
            rest = chars.as_str();
        }
        w.write_all(rest.as_bytes())
    }

    pass_on! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        end_object_key();
        begin_object_value();
        end_object_value();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_safe_to_print_and_read_back() {
        let text = "a\u{1b}[2J\u{9b}\u{202e}\"ü";
        let mut out = Vec::new();
        let formatter = Safe(CompactFormatter);
        text.serialize(&mut Serializer::with_formatter(&mut out, formatter))
            .unwrap();
        let json = String::from_utf8(out).unwrap();
        assert!(!json.chars().any(is_unsafe), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
