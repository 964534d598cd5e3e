//! Feeds the readers with inputs that are almost right: `fuzz SECONDS [SEED]`.
//! `cargo xtask fuzz` runs it.
//!
//! What it starts from are the recordings in `tests/corpus` and the samples of
//! `tests/samples`. Coverage-guided fuzzing needs a nightly compiler, which this
//! project does without; so the mutations know the formats instead: frames of a
//! recording are taken apart, changed in their compressed contents, and put
//! together with right checksums, so that what is behind the checksums is
//! reached. An input that makes a reader panic, take too long or too much memory is
//! saved beside the corpus and named.

#[path = "../tests/counting/mod.rs"]
mod counting;

use anyhow::{Context, Result};
use std::io::{Cursor, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, process};
use volprobe::random::Random;
use volprobe::session::frame::{HEADER_LEN, Header, MAX_MESSAGE};
use volprobe::session::{Recording, Span};
use volprobe::{analysis, cloud, render};

/// No input of this corpus' size may take longer.
const SLOW: Duration = Duration::from_secs(20);

/// Nor hold more bytes at once.
const LARGE: usize = 512 << 20;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let seconds: u64 = args.next().context("fuzz SECONDS [SEED]")?.parse()?;
    let seed = match args.next() {
        Some(seed) => seed.parse()?,
        None => u64::from(process::id()),
    };
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let recordings = files(&tests.join("corpus/format-1"))?;
    let samples = files(&tests.join("samples"))?;
    let mut chance = Random::new(seed);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut tried = 0_u64;
    std::panic::set_hook(Box::new(|_| {}));
    while Instant::now() < until {
        let (name, input, run): (_, _, fn(&[u8])) = if chance.below(3) > 0 {
            let (name, bytes) = chance.pick(&recordings);
            (name, recording(&mut chance, bytes), read_recording)
        } else {
            let (name, bytes) = chance.pick(&samples);
            (name, told(&mut chance, bytes, &samples), read_input)
        };
        let begun = Instant::now();
        let (ran, held) = counting::most_held(|| catch_unwind(AssertUnwindSafe(|| run(&input))));
        let wrong = match ran {
            Err(_) => Some("panic"),
            Ok(()) if begun.elapsed() > SLOW => Some("slow"),
            Ok(()) if held > LARGE => Some("large"),
            Ok(()) => None,
        };
        if let Some(what) = wrong {
            let saved = std::env::temp_dir().join(format!("volprobe-fuzz-{what}-{seed}-{tried}"));
            fs::write(&saved, &input)?;
            anyhow::bail!(
                "{what}: an input made of {name}, kept as {}",
                saved.display()
            );
        }
        tried += 1;
    }
    println!("{tried} inputs in {seconds} s, seed {seed}: no panic, none slow, none large");
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    paths.sort();
    paths
        .into_iter()
        .map(|path| Ok((path.display().to_string(), fs::read(&path)?)))
        .collect()
}

/// All that a report does with a file.
fn read_recording(bytes: &[u8]) {
    let Ok(mut recording) = Recording::new(Cursor::new(bytes)) else {
        return;
    };
    let Ok(folded) = recording.fold() else { return };
    let report = analysis::report(&folded);
    let mut out = Vec::new();
    let _ = render::report_json(&report, &mut out);
    let _ = render::report_text(&report, render::Style::plain(), &mut out);
    assert!(
        !out.contains(&0x1b),
        "an escape sequence reached the terminal"
    );
    for window in recording.windows() {
        if window.is_err() {
            return;
        }
    }
}

/// All that `correlate` does with a file of somebody else's.
fn read_input(bytes: &[u8]) {
    let Ok(file) = tempfile::NamedTempFile::new() else {
        return;
    };
    if fs::write(file.path(), bytes).is_ok() {
        let mut intake = cloud::Intake::default();
        let options = cloud::Options {
            booted: bytes
                .first()
                .filter(|&&byte| byte > 64)
                .map(|&byte| cloud::Interval {
                    start_ns: i64::from(byte) << 53,
                    end_ns: i64::MAX,
                }),
            ..cloud::Options::default()
        };
        if let Ok(inputs) = cloud::read(&[file.path().to_owned()], &options, &mut intake) {
            let correlated = analysis::correlate(&[], &intake, inputs, &[]);
            let mut out = Vec::new();
            let _ = render::correlate_json(&correlated, &mut out);
            let _ = render::correlate_text(&correlated, render::Style::plain(), &mut out);
            assert!(
                !out.contains(&0x1b),
                "an escape sequence reached the terminal"
            );
        }
        let _ = volprobe::session::load(&[file.path().to_owned()], &Span::default());
    }
}

/// What others tell, changed where it hurts: its numbers and times, its nesting, the
/// order and the number of its lines, the file that it is part of, its compression.
fn told(chance: &mut Random, bytes: &[u8], samples: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=chance.below(4) {
        bytes = match chance.below(7) {
            0 => mangle(chance, &bytes),
            1 => with_token(chance, &bytes),
            2 => with_lines_moved(chance, &bytes),
            3 => [&bytes[..], &chance.pick(samples).1[..]].concat(),
            4 => [&chance.pick(samples).1[..], &bytes[..]].concat(),
            5 => bytes.repeat(1 + chance.below(3) as usize),
            _ => bytes,
        };
    }
    if chance.below(16) == 0 {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let _ = gz.write_all(&bytes);
        bytes = gz.finish().unwrap_or_default();
        if chance.below(2) == 0 {
            bytes = mangle(chance, &bytes);
        }
    }
    bytes
}

/// A number, a time, a text or a bracket is put in place of some letters that begin
/// with a digit, a quote or a bracket.
fn with_token(chance: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let starts: Vec<usize> = (0..bytes.len())
        .filter(|&at| bytes[at].is_ascii_digit() || b"\"{[:,".contains(&bytes[at]))
        .collect();
    if starts.is_empty() {
        return bytes.to_vec();
    }
    let at = *chance.pick(&starts);
    let end = at
        + bytes[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
            .count();
    let token = match chance.below(12) {
        0 => "99999999999999999999999999".to_owned(),
        1 => "-9223372036854775808".to_owned(),
        2 => "1e308".to_owned(),
        3 => "9007199254740993.999999999".to_owned(),
        4 => "null".to_owned(),
        5 => "\"9999-12-31T23:59:60.999999999-23:59\"".to_owned(),
        6 => "\"-009999-01-01T00:00:00Z\"".to_owned(),
        7 => "[".repeat(chance.below(3000) as usize),
        8 => "{\"a\":".repeat(chance.below(300) as usize),
        9 => "\\ud800\u{1b}[31m".to_owned(),
        10 => "0".repeat(chance.below(3000) as usize),
        _ => format!("{}", chance.number() >> chance.below(64)),
    };
    [&bytes[..at], token.as_bytes(), &bytes[end..]].concat()
}

fn with_lines_moved(chance: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
    for _ in 0..chance.below(8) {
        let (from, to) = (
            chance.below(lines.len() as u64),
            chance.below(lines.len() as u64),
        );
        if from < lines.len() as u64 {
            let line = lines[from as usize];
            lines.insert(to as usize, line);
        }
    }
    lines.concat()
}

/// A recording of which some frames are changed, behind right checksums or not.
fn recording(chance: &mut Random, bytes: &[u8]) -> Vec<u8> {
    if chance.below(4) == 0 {
        return mangle(chance, bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let rate = 1 + chance.below(12);
    while let Some(Ok(header)) = bytes.get(at..).map(Header::decode) {
        let end = (at + header.frame_len() as usize).min(bytes.len());
        let frame = &bytes[at..end];
        at = end;
        match chance.below(rate) {
            0 => out.extend(changed(chance, header, &frame[HEADER_LEN..])),
            1 if chance.below(4) == 0 => {}
            _ => out.extend_from_slice(frame),
        }
    }
    out
}

/// A frame with other contents, and a header that fits.
fn changed(chance: &mut Random, mut header: Header, payload: &[u8]) -> Vec<u8> {
    let Ok(message) = zstd::bulk::decompress(payload, MAX_MESSAGE) else {
        return Vec::new();
    };
    let message = match chance.below(12) {
        // Decompresses to far more than it has room for.
        0 => vec![0; MAX_MESSAGE + chance.below(1 << 20) as usize],
        // Nested without end.
        1 => nested(chance.below(5000) as usize),
        _ => mangle(chance, &message),
    };
    match chance.below(16) {
        0 => header.kind = chance.below(256) as u8,
        1 => header.flags = chance.below(8) as u16,
        2 => header.sequence = chance.number(),
        3 => header.key_frame = chance.number() >> chance.below(64),
        4 => header.version = chance.below(4) as u8,
        _ => {}
    }
    let payload = zstd::bulk::compress(&message, 1).unwrap_or_default();
    header.length = payload.len() as u32;
    header.payload_crc = crc32c::crc32c(&payload);
    [&header.encode()[..], &payload].concat()
}

/// Messages in messages: each a field 1 of the one around it.
fn nested(depth: usize) -> Vec<u8> {
    let mut message = Vec::new();
    for _ in 0..depth {
        let mut outer = vec![0x0a];
        let mut length = message.len();
        while length >= 0x80 {
            outer.push(length as u8 | 0x80);
            length >>= 7;
        }
        outer.push(length as u8);
        outer.extend_from_slice(&message);
        message = outer;
    }
    message
}

/// Bytes that are flipped, overwritten, removed, repeated or put in.
fn mangle(chance: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=chance.below(8) {
        if bytes.is_empty() {
            break;
        }
        let at = chance.below(bytes.len() as u64) as usize;
        let end = (at + 1 + chance.below(64) as usize).min(bytes.len());
        match chance.below(7) {
            0 => bytes[at] ^= 1 << chance.below(8),
            1 => bytes[at] = *chance.pick(&[0, 1, 0x7f, 0x80, 0xff, b'"', 0x1b, b'{']),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].repeat(1 + chance.below(20) as usize);
                drop(bytes.splice(at..at, piece));
            }
            4 => drop(bytes.splice(at..end, chance.number().to_le_bytes())),
            // A varint as large as there is.
            5 => drop(bytes.splice(at..at, [0xff; 9].into_iter().chain([1]))),
            _ => bytes.truncate(at),
        }
    }
    bytes
}
