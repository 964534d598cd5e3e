//! Reading at any place of a recording, with a small buffer.

use std::io::{self, Read, Seek, SeekFrom};

/// A source with a length, fixed when it was opened: what a recorder appends
/// meanwhile is not seen.
pub(super) struct Bytes<R> {
    source: R,
    len: u64,
    buffer: Vec<u8>,
    buffer_at: u64,
    fetched: u64,
}

impl<R: Read + Seek> Bytes<R> {
    pub(super) fn new(mut source: R) -> io::Result<Self> {
        let len = source.seek(SeekFrom::End(0))?;
        Ok(Self {
            source,
            len,
            buffer: Vec::new(),
            buffer_at: 0,
            fetched: 0,
        })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Bytes read from the source so far.
    pub(super) fn fetched(&self) -> u64 {
        self.fetched
    }

    /// `len` bytes at `offset`, fewer at the end. Where they must be fetched,
    /// `ahead` more are, for what is asked for next.
    pub(super) fn at(&mut self, offset: u64, len: usize, ahead: usize) -> io::Result<&[u8]> {
        let len = len.min(usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX));
        let start = offset.wrapping_sub(self.buffer_at);
        let held = self.buffer.len() as u64;
        if start > held || held - start < len as u64 {
            self.fetch(offset, len.saturating_add(ahead))?;
        }
        let start = (offset - self.buffer_at) as usize;
        let end = (start + len).min(self.buffer.len());
        Ok(&self.buffer[start..end])
    }

    fn fetch(&mut self, offset: u64, len: usize) -> io::Result<()> {
        self.buffer.clear();
        self.buffer_at = offset;
        self.source.seek(SeekFrom::Start(offset))?;
        let mut limited = self.source.by_ref().take(len as u64);
        limited.read_to_end(&mut self.buffer)?;
        self.fetched += self.buffer.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    proptest! {
        #[test]
        fn any_place_reads_what_is_there(
            data in prop::collection::vec(any::<u8>(), 0..200),
            places in prop::collection::vec((0u64..250, 0usize..250, 0usize..50), 1..20),
        ) {
            let mut bytes = Bytes::new(Cursor::new(data.clone())).unwrap();
            for (offset, len, ahead) in places {
                let from = (offset as usize).min(data.len());
                let to = (from + len).min(data.len());
                prop_assert_eq!(bytes.at(offset, len, ahead).unwrap(), &data[from..to]);
            }
        }
    }
}
