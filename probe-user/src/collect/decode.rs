//! Bytes of the ring buffer → typed records.

use probe_common::event::{
    Capacity, Exec, Exit, FsResize, FsResizeBegin, Header, Kind, Mount, Partition, ReadAheadSet,
    Record,
};
use zerocopy::FromBytes;

/// One record of the ring buffer.
#[derive(Clone, Debug)]
pub enum Raw {
    /// A resize ioctl was entered.
    FsResizeBegin(FsResizeBegin),
    /// A resize ioctl returned.
    FsResize(FsResize),
    /// A block device changed its size.
    Capacity(Capacity),
    /// The partition table changed.
    Partition(Partition),
    /// A watched tool was started.
    Exec(Box<Exec>),
    /// A watched tool ended.
    Exit(Exit),
    /// A read-ahead value was written.
    ReadAheadSet(ReadAheadSet),
    /// A file system was mounted or unmounted.
    Mount(Mount),
}

/// The bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not even a header.
    #[error("{0} bytes are shorter than a record's header")]
    Short(usize),
    /// The header's kind is none that this version knows.
    #[error("record of unknown kind {0}")]
    Kind(u32),
    /// The length is not that of the kind's record.
    #[error("record '{}' has {found} bytes instead of {expected}", kind.name())]
    Length {
        /// What the header says the record is.
        kind: Kind,
        /// Its length, bytes.
        expected: usize,
        /// The length found, bytes.
        found: usize,
    },
}

/// Reads one record. Numbers inside it are not judged here.
pub fn decode(bytes: &[u8]) -> Result<Raw, DecodeError> {
    let (header, _) =
        Header::read_from_prefix(bytes).map_err(|_| DecodeError::Short(bytes.len()))?;
    let kind = Kind::try_from(header.kind).map_err(DecodeError::Kind)?;
    Ok(match kind {
        Kind::FsResizeBegin => Raw::FsResizeBegin(record(bytes)?),
        Kind::FsResize => Raw::FsResize(record(bytes)?),
        Kind::Capacity => Raw::Capacity(record(bytes)?),
        Kind::Partition => Raw::Partition(record(bytes)?),
        Kind::Exec => Raw::Exec(Box::new(record(bytes)?)),
        Kind::Exit => Raw::Exit(record(bytes)?),
        Kind::ReadAheadSet => Raw::ReadAheadSet(record(bytes)?),
        Kind::Mount => Raw::Mount(record(bytes)?),
    })
}

fn record<T: Record>(bytes: &[u8]) -> Result<T, DecodeError> {
    T::read_from_bytes(bytes).map_err(|_| DecodeError::Length {
        kind: T::KIND,
        expected: size_of::<T>(),
        found: bytes.len(),
    })
}

impl Raw {
    /// What every record begins with.
    pub fn header(&self) -> &Header {
        match self {
            Self::FsResizeBegin(record) => &record.header,
            Self::FsResize(record) => &record.header,
            Self::Capacity(record) => &record.header,
            Self::Partition(record) => &record.header,
            Self::Exec(record) => &record.header,
            Self::Exit(record) => &record.header,
            Self::ReadAheadSet(record) => &record.header,
            Self::Mount(record) => &record.header,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use zerocopy::{FromZeros, IntoBytes};

    fn capacity() -> Vec<u8> {
        let mut record = Capacity::new_zeroed();
        record.header.kind = Kind::Capacity as u32;
        record.to_sectors = 40 << 21;
        record.as_bytes().to_vec()
    }

    #[test]
    fn a_whole_record_is_read() {
        let Ok(Raw::Capacity(record)) = decode(&capacity()) else {
            panic!("not a capacity record");
        };
        assert_eq!(record.to_sectors, 40 << 21);
    }

    #[test]
    fn nothing_and_half_a_header_are_too_short() {
        assert_eq!(decode(&[]).unwrap_err(), DecodeError::Short(0));
        assert_eq!(
            decode(&capacity()[..47]).unwrap_err(),
            DecodeError::Short(47)
        );
    }

    #[test]
    fn a_truncated_and_an_oversized_record_are_refused() {
        let whole = capacity();
        let longer = [&whole[..], &[0; 8]].concat();
        for bytes in [&whole[..whole.len() - 1], &whole[..48], &longer] {
            assert_eq!(
                decode(bytes).unwrap_err(),
                DecodeError::Length {
                    kind: Kind::Capacity,
                    expected: whole.len(),
                    found: bytes.len(),
                }
            );
        }
    }

    #[test]
    fn an_unknown_kind_is_named() {
        let mut bytes = capacity();
        bytes[16..20].copy_from_slice(&77u32.to_ne_bytes());
        assert_eq!(decode(&bytes).unwrap_err(), DecodeError::Kind(77));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1500), kind in 0u32..12) {
            let mut bytes = bytes;
            let _ = decode(&bytes);
            if bytes.len() >= 20 {
                bytes[16..20].copy_from_slice(&kind.to_ne_bytes());
                let _ = decode(&bytes);
            }
        }
    }
}
