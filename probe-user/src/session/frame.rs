//! One frame of a recording: a fixed header, then a compressed message.
//!
//! `docs/format.md` is the specification; this is its one implementation for
//! writing and reading.

use std::collections::BTreeMap;

use ::bytes::{Buf, BufMut};
use crc32c::crc32c;
use prost::Message;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe;

/// First bytes of each frame. Not ASCII, and with a line end, so that a
/// transfer that changes text is noticed at once.
pub const MAGIC: [u8; 8] = *b"\x89VPREC\r\n";

/// Version of the format that is written, and the newest that is read.
pub const VERSION: u8 = 1;

/// Bytes of a header.
pub const HEADER_LEN: usize = 48;

/// Place of the header's own CRC, which covers what is before it.
const CRC_AT: usize = 44;

/// A message is at most this long, bytes; a writer splits what is longer. So
/// whatever a file claims, a reader needs no more memory than this decodes to.
pub const MAX_MESSAGE: usize = 1 << 20;

/// A compressed message is at most this long, bytes.
pub const MAX_PAYLOAD: u32 = (MAX_MESSAGE + (1 << 14)) as u32;

const COMPRESSION_LEVEL: i32 = 3;

/// What a frame holds. Other numbers belong to later versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// `FileHeader`; the first frame.
    Header = 1,
    /// `Window`: its measurements.
    Window = 2,
    /// `Window`: its timeline records.
    Timeline = 3,
    /// `KeyFrame`.
    KeyFrame = 4,
    /// `End`; nothing follows.
    End = 5,
}

impl Kind {
    /// All kinds, with their names.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Header, "header"),
        (Self::Window, "window"),
        (Self::Timeline, "timeline"),
        (Self::KeyFrame, "key frame"),
        (Self::End, "end"),
    ];

    /// The kind with this number, if this version knows it.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .map(|(kind, _)| kind)
            .find(|&kind| kind as u8 == number)
    }

    /// The names as they are written into the file header, for readers that
    /// do not know a kind.
    pub fn names() -> BTreeMap<u32, String> {
        Self::ALL
            .into_iter()
            .map(|(kind, name)| (kind as u32, name.to_owned()))
            .collect()
    }
}

/// Flag: a further frame continues this one.
pub const MORE: u16 = 1;
/// Flag: this frame continues the one before.
pub const CONTINUES: u16 = 2;

/// Header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Version of the format that the payload follows.
    pub version: u8,
    /// Number of the [`Kind`].
    pub kind: u8,
    /// [`MORE`], [`CONTINUES`].
    pub flags: u16,
    /// Length of the payload, bytes.
    pub length: u32,
    /// Frames before this one.
    pub sequence: u64,
    /// Place in the file of the last key frame before this frame; 0: none.
    pub key_frame: u64,
    /// Chosen at random for each recording: frames of another one, left in
    /// reused blocks or hidden in a payload, are told apart by it.
    pub recording: u64,
    /// CRC32C of the payload.
    pub payload_crc: u32,
}

/// The bytes are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoHeader;

impl Header {
    /// The header's bytes, its own CRC32C at their end.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        let mut fields = &mut bytes[..CRC_AT];
        fields.put_slice(&MAGIC);
        fields.put_u8(self.version);
        fields.put_u8(self.kind);
        fields.put_u16_le(self.flags);
        fields.put_u32_le(self.length);
        fields.put_u64_le(self.sequence);
        fields.put_u64_le(self.key_frame);
        fields.put_u64_le(self.recording);
        fields.put_u32_le(self.payload_crc);
        let crc = crc32c(&bytes[..CRC_AT]);
        (&mut bytes[CRC_AT..]).put_u32_le(crc);
        bytes
    }

    /// Reads a header; its CRC must be right and its length within bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, NoHeader> {
        let (covered, mut own_crc) = bytes
            .get(..HEADER_LEN)
            .and_then(|header| header.split_at_checked(CRC_AT))
            .ok_or(NoHeader)?;
        let mut fields = covered.strip_prefix(&MAGIC).ok_or(NoHeader)?;
        if own_crc.get_u32_le() != crc32c(covered) {
            return Err(NoHeader);
        }
        let header = Self {
            version: fields.get_u8(),
            kind: fields.get_u8(),
            flags: fields.get_u16_le(),
            length: fields.get_u32_le(),
            sequence: fields.get_u64_le(),
            key_frame: fields.get_u64_le(),
            recording: fields.get_u64_le(),
            payload_crc: fields.get_u32_le(),
        };
        if header.length > MAX_PAYLOAD {
            return Err(NoHeader);
        }
        Ok(header)
    }

    /// Bytes of the whole frame.
    pub fn frame_len(&self) -> u64 {
        HEADER_LEN as u64 + u64::from(self.length)
    }

    /// Is this flag set?
    pub fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}

/// Why a payload cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// Its bytes changed since they were written.
    #[error("checksum does not match")]
    Checksum,
    /// It does not decompress to a message within [`MAX_MESSAGE`].
    #[error("does not decompress")]
    Compression,
    /// It is not a message of its kind.
    #[error("is no valid message: {0}")]
    Message(#[from] prost::DecodeError),
}

/// Makes frames.
pub struct Packer {
    compressor: Compressor<'static>,
    message: Vec<u8>,
}

impl Packer {
    /// A packer; fails only without memory.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            compressor: Compressor::new(COMPRESSION_LEVEL)?,
            message: Vec::new(),
        })
    }

    /// Appends a frame with this message to `out`; `header`'s length and CRC
    /// are filled in.
    pub fn pack(
        &mut self,
        out: &mut Vec<u8>,
        mut header: Header,
        message: &impl Message,
    ) -> std::io::Result<()> {
        self.message.clear();
        message
            .encode(&mut self.message)
            .map_err(std::io::Error::other)?;
        let payload = self.compressor.compress(&self.message)?;
        header.length = payload.len() as u32;
        header.payload_crc = crc32c(&payload);
        out.extend_from_slice(&header.encode());
        out.extend_from_slice(&payload);
        Ok(())
    }
}

/// Reads the payloads of frames.
pub struct Unpacker {
    decompressor: Decompressor<'static>,
    message: Vec<u8>,
}

impl Unpacker {
    /// An unpacker; fails only without memory.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            decompressor: Decompressor::new()?,
            message: Vec::new(),
        })
    }

    /// The message in `payload`, after its checksum was compared.
    pub fn unpack<M: Message + Default>(
        &mut self,
        header: &Header,
        payload: &[u8],
    ) -> Result<M, PayloadError> {
        check(header, payload)?;
        let size = zstd_safe::get_frame_content_size(payload)
            .ok()
            .flatten()
            .and_then(|size| usize::try_from(size).ok())
            .filter(|&size| size <= MAX_MESSAGE)
            .ok_or(PayloadError::Compression)?;
        self.message.clear();
        self.message.reserve(size);
        self.decompressor
            .decompress_to_buffer(payload, &mut self.message)
            .map_err(|_| PayloadError::Compression)?;
        if self.message.len() != size {
            return Err(PayloadError::Compression);
        }
        Ok(M::decode(self.message.as_slice())?)
    }
}

/// Compares the payload with the checksum in its header.
pub fn check(header: &Header, payload: &[u8]) -> Result<(), PayloadError> {
    if payload.len() == header.length as usize && crc32c(payload) == header.payload_crc {
        Ok(())
    } else {
        Err(PayloadError::Checksum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{FileHeader, Window};
    use proptest::prelude::*;

    fn header() -> Header {
        Header {
            version: VERSION,
            kind: Kind::Window as u8,
            flags: MORE,
            length: 0,
            sequence: 3,
            key_frame: 4711,
            recording: 42,
            payload_crc: 0,
        }
    }

    fn packed(message: &impl Message) -> Vec<u8> {
        let mut out = Vec::new();
        Packer::new()
            .unwrap()
            .pack(&mut out, header(), message)
            .unwrap();
        out
    }

    fn unpacked(frame: &[u8]) -> Result<FileHeader, PayloadError> {
        let header = Header::decode(frame).unwrap();
        Unpacker::new()
            .unwrap()
            .unpack(&header, &frame[HEADER_LEN..])
    }

    /// A frame around a payload of one's own.
    fn framed(payload: &[u8]) -> Vec<u8> {
        let header = Header {
            length: payload.len() as u32,
            payload_crc: crc32c(payload),
            ..header()
        };
        [&header.encode()[..], payload].concat()
    }

    #[test]
    fn a_frame_is_read_back() {
        let message = FileHeader {
            writer: "test".into(),
            created_real_ns: -1,
            kinds: Kind::names(),
        };
        let frame = packed(&message);
        assert_eq!(unpacked(&frame).unwrap(), message);
    }

    #[test]
    fn the_header_is_laid_out_as_specified() {
        let bytes = Header {
            length: 0x0102,
            payload_crc: 0xaabb_ccdd,
            ..header()
        }
        .encode();
        assert_eq!(&bytes[..8], b"\x89VPREC\r\n");
        assert_eq!(bytes[8..16], [1, 2, 1, 0, 0x02, 0x01, 0, 0]);
        assert_eq!(bytes[16..24], 3u64.to_le_bytes());
        assert_eq!(bytes[24..32], 4711u64.to_le_bytes());
        assert_eq!(bytes[32..40], 42u64.to_le_bytes());
        assert_eq!(bytes[40..44], [0xdd, 0xcc, 0xbb, 0xaa]);
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let frame = packed(&Window {
            seq: 1,
            ..Window::default()
        });
        for at in 0..frame.len() {
            for bit in 0..8 {
                let mut changed = frame.clone();
                changed[at] ^= 1 << bit;
                let header = Header::decode(&changed);
                let noticed = match header {
                    Err(NoHeader) => true,
                    Ok(header) => check(&header, &changed[HEADER_LEN..]).is_err(),
                };
                assert!(noticed, "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn lengths_beyond_the_bound_are_no_header() {
        for length in [MAX_PAYLOAD + 1, u32::MAX] {
            let bytes = Header { length, ..header() }.encode();
            assert_eq!(Header::decode(&bytes), Err(NoHeader));
        }
    }

    #[test]
    fn a_zip_bomb_is_refused_unopened() {
        let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 19).unwrap();
        assert!(bomb.len() < 1 << 14);
        let frame = framed(&bomb);
        assert!(matches!(unpacked(&frame), Err(PayloadError::Compression)));
    }

    #[test]
    fn a_bomb_that_lies_about_its_size_is_refused() {
        // Two frames: the first says its size, the second holds the rest.
        let mut payload = zstd::bulk::compress(b"ab", 3).unwrap();
        payload.extend(zstd::bulk::compress(&vec![0; 4 << 20], 3).unwrap());
        let frame = framed(&payload);
        assert!(matches!(unpacked(&frame), Err(PayloadError::Compression)));
    }

    #[test]
    fn the_largest_message_fits_even_if_it_does_not_compress() {
        assert!(zstd_safe::compress_bound(MAX_MESSAGE) <= MAX_PAYLOAD as usize);
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_are_refused(payload: Vec<u8>) {
            let frame = framed(&payload);
            let _ = unpacked(&frame);
            let _ = Header::decode(&payload);
        }

        #[test]
        fn any_message_decodes_or_is_refused(message: Vec<u8>) {
            let frame = framed(&zstd::bulk::compress(&message, 1).unwrap());
            let _ = unpacked(&frame);
        }
    }
}
