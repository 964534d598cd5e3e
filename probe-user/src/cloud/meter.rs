//! Keeps an eye on what is read: which line it is, and that no record is so
//! long that it cannot be held.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// A record longer than this is refused, not held. An object of Kubernetes has
/// at most 1.5 MiB, a record of an audit trail 256 KiB.
pub(super) const MAX_RECORD: usize = 4 << 20;

/// Where a reader is.
#[derive(Debug, Default)]
pub(super) struct Meter {
    newlines: Cell<u64>,
    since: Cell<usize>,
    is_over: Cell<bool>,
}

impl Meter {
    /// Line of what was read last, from 1.
    pub(super) fn line(&self) -> u64 {
        self.newlines.get() + 1
    }

    /// A record begins here.
    pub(super) fn begin(&self) {
        self.since.set(0);
    }

    /// Whether reading stopped because a record was longer than [`MAX_RECORD`].
    pub(super) fn is_over(&self) -> bool {
        self.is_over.get()
    }
}

/// A reader that is watched.
pub(super) struct Metered<R> {
    reader: R,
    meter: Rc<Meter>,
}

impl<R: BufRead> Metered<R> {
    /// Watches this reader.
    pub(super) fn new(reader: R) -> (Self, Rc<Meter>) {
        let meter = Rc::new(Meter::default());
        let metered = Self {
            reader,
            meter: Rc::clone(&meter),
        };
        (metered, meter)
    }
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let meter = &self.meter;
        if meter.since.get() > MAX_RECORD {
            meter.is_over.set(true);
            let reason = format!("a record is longer than {MAX_RECORD} bytes");
            return Err(io::Error::other(reason));
        }
        let length = self.reader.read(buffer)?;
        let newlines = memchr::memchr_iter(b'\n', &buffer[..length]).count();
        meter.newlines.set(meter.newlines.get() + newlines as u64);
        meter.since.set(meter.since.get() + length);
        Ok(length)
    }
}

/// Reads a line into `bytes`, cut to `most`; whether there was one.
pub(super) fn line(
    reader: &mut impl BufRead,
    most: usize,
    bytes: &mut Vec<u8>,
) -> io::Result<bool> {
    bytes.clear();
    let mut was_one = false;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(was_one);
        }
        was_one = true;
        let end = memchr::memchr(b'\n', buffer);
        let length = end.unwrap_or(buffer.len());
        let room = most - bytes.len();
        bytes.extend_from_slice(&buffer[..length.min(room)]);
        let consumed = end.map_or(length, |end| end + 1);
        reader.consume(consumed);
        if end.is_some() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_and_the_next_is_whole() {
        let mut reader = io::BufReader::with_capacity(3, &b"abcdefgh\nij\n\nk"[..]);
        let mut lines = Vec::new();
        let mut bytes = Vec::new();
        while line(&mut reader, 5, &mut bytes).unwrap() {
            lines.push(String::from_utf8(bytes.clone()).unwrap());
        }
        assert_eq!(lines, ["abcde", "ij", "", "k"]);
    }

    #[test]
    fn a_record_without_end_is_not_read_to_its_end() {
        let endless = io::BufReader::new(io::repeat(b'x'));
        let (mut metered, meter) = Metered::new(endless);
        let read = io::copy(&mut metered, &mut io::sink());
        assert!(read.is_err() && meter.is_over());
    }
}
