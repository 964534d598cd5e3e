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

use anyhow::{Context, Result};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, process};
use volprobe::session::frame::{HEADER_LEN, Header, MAX_MESSAGE};
use volprobe::session::{Recording, Span};
use volprobe::{analysis, cloud, render};

/// No input of this corpus' size may take longer.
const SLOW: Duration = Duration::from_secs(20);

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
    let mut chance = Chance(seed);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut tried = 0_u64;
    std::panic::set_hook(Box::new(|_| {}));
    while Instant::now() < until {
        let (name, input, run): (_, _, fn(&[u8])) = if chance.below(3) > 0 {
            let (name, bytes) = chance.pick(&recordings);
            (name, recording(&mut chance, bytes), read_recording)
        } else {
            let (name, bytes) = chance.pick(&samples);
            (name, mangle(&mut chance, bytes), read_input)
        };
        let begun = Instant::now();
        let fine = catch_unwind(AssertUnwindSafe(|| run(&input))).is_ok();
        if !fine || begun.elapsed() > SLOW {
            let what = if fine { "slow" } else { "panic" };
            let saved = std::env::temp_dir().join(format!("volprobe-fuzz-{what}-{seed}-{tried}"));
            fs::write(&saved, &input)?;
            anyhow::bail!(
                "{what}: an input made of {name}, kept as {}",
                saved.display()
            );
        }
        tried += 1;
    }
    println!("{tried} inputs in {seconds} s, seed {seed}: no panic, none slow");
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
        let options = cloud::Options::default();
        let _ = cloud::read(&[file.path().to_owned()], &options, &mut intake);
        let _ = volprobe::session::load(&[file.path().to_owned()], &Span::default());
    }
}

/// A recording of which some frames are changed, behind right checksums or not.
fn recording(chance: &mut Chance, bytes: &[u8]) -> Vec<u8> {
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
fn changed(chance: &mut Chance, mut header: Header, payload: &[u8]) -> Vec<u8> {
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
        2 => header.sequence = chance.next(),
        3 => header.key_frame = chance.next() >> chance.below(64),
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
fn mangle(chance: &mut Chance, bytes: &[u8]) -> Vec<u8> {
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
            4 => drop(bytes.splice(at..end, chance.next().to_le_bytes())),
            // A varint as large as there is.
            5 => drop(bytes.splice(at..at, [0xff; 9].into_iter().chain([1]))),
            _ => bytes.truncate(at),
        }
    }
    bytes
}

/// What is random, but the same for a seed.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }
}
