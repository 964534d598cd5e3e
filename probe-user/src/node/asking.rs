//! Asks one file system for its size. This runs in a child that was forked from a
//! process with threads: nothing here may allocate or lock.

use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::{Errno, pread};
use rustix::ioctl::{self, Getter, Opcode};

use super::superblock::{self, Kind};
use crate::sample::Dev;

/// `XFS_IOC_FSGEOMETRY`, whose `struct xfs_fsop_geom` has 256 bytes.
const FSGEOMETRY: Opcode = ioctl::opcode::read::<[u8; 256]>(b'X', 126);

/// One file system to be measured.
#[derive(Debug)]
pub(super) struct Job {
    /// The file system's own number.
    pub(super) dev: u32,
    /// That of the block device it lies on.
    pub(super) block_dev: u32,
    pub(super) kind: Kind,
    /// Where the block device may be found.
    pub(super) nodes: Vec<CString>,
    /// Where the file system is mounted, if it can be asked there.
    pub(super) mount_points: Vec<CString>,
}

/// What asking gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The mounted file system states its size, in bytes.
    Size(u64),
    /// What lies on the device at [`Kind::offset`].
    Block(Box<[u8]>),
    /// No place for its node is known.
    NoDevice,
    /// The node is another device's.
    Another { node: usize },
    /// The node could not be opened or read.
    Failed { node: usize, errno: i32 },
}

/// Bytes before the block in a message.
const HEADER: usize = 16;

/// An [`Answer`] as bytes, in memory that direct I/O can read into.
#[repr(C, align(4096))]
pub(super) struct Message {
    block: [u8; superblock::LENGTH],
    header: [u8; HEADER],
    length: usize,
}

const SIZE: u32 = 0;
const BLOCK: u32 = 1;
const NO_DEVICE: u32 = 2;
const ANOTHER: u32 = 3;
const FAILED: u32 = 4;

impl Message {
    pub(super) const fn new() -> Self {
        Self {
            block: [0; superblock::LENGTH],
            header: [0; HEADER],
            length: 0,
        }
    }

    /// Asks, and becomes the answer.
    pub(super) fn ask(&mut self, job: &Job) {
        self.length = 0;
        let mut places = job.mount_points.iter();
        if let Some(size) = places.find_map(|at| geometry_of(at, job.dev)) {
            return self.set(SIZE, 0, size);
        }
        self.set(NO_DEVICE, 0, 0);
        for (number, node) in job.nodes.iter().enumerate() {
            let number = number as u32;
            let read = open_node(node, job.kind).and_then(|node| {
                if is_another(&node, job.block_dev) {
                    return Ok(None);
                }
                pread(&node, &mut self.block, job.kind.offset()).map(Some)
            });
            match read {
                Ok(Some(length)) => {
                    self.length = length;
                    return self.set(BLOCK, number, length as u64);
                }
                Ok(None) => self.set(ANOTHER, number, 0),
                Err(errno) => self.set(FAILED, number, errno.raw_os_error() as u64),
            }
        }
    }

    fn set(&mut self, tag: u32, node: u32, value: u64) {
        self.header[..4].copy_from_slice(&tag.to_ne_bytes());
        self.header[4..8].copy_from_slice(&node.to_ne_bytes());
        self.header[8..].copy_from_slice(&value.to_ne_bytes());
    }

    /// The parts of the message, in order.
    pub(super) fn parts(&self) -> [&[u8]; 2] {
        [&self.header, &self.block[..self.length]]
    }
}

impl Answer {
    /// The first answer in these bytes, and how many it takes; `None` where it is
    /// not whole yet.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        let word = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let value = u64::from_ne_bytes(bytes.get(8..HEADER)?.try_into().ok()?);
        let node = word(4)? as usize;
        let answer = match word(0)? {
            SIZE => Self::Size(value),
            BLOCK => {
                let length = usize::try_from(value).ok()?;
                let block = bytes.get(HEADER..HEADER.checked_add(length)?)?;
                return Some((Self::Block(block.into()), HEADER + length));
            }
            ANOTHER => Self::Another { node },
            FAILED => Self::Failed {
                node,
                errno: value as i32,
            },
            _ => Self::NoDevice,
        };
        Some((answer, HEADER))
    }
}

/// What the xfs mounted there says of itself. The directory is held open for no
/// longer than the call, or the volume could not be unmounted.
fn geometry_of(mount_point: &CStr, dev: u32) -> Option<u64> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let directory = open(mount_point, flags, Mode::empty()).ok()?;
    if Dev::from_stat(fstat(&directory).ok()?.st_dev).0 != dev {
        return None; // something else is mounted above it
    }
    // SAFETY: FSGEOMETRY fills a struct xfs_fsop_geom, 256 bytes that may hold any value.
    let geometry = unsafe {
        let read = Getter::<FSGEOMETRY, [u8; 256]>::new();
        ioctl::ioctl(&directory, read)
    };
    geometry_size(&geometry.ok()?)
}

/// `blocksize` and `datablocks` of a `struct xfs_fsop_geom`.
fn geometry_size(geometry: &[u8; 256]) -> Option<u64> {
    let block_size = u32::from_ne_bytes(geometry[..4].try_into().ok()?);
    let blocks = u64::from_ne_bytes(geometry[32..40].try_into().ok()?);
    blocks.checked_mul(block_size.into())
}

fn open_node(path: &CStr, kind: Kind) -> Result<OwnedFd, Errno> {
    let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    flags.set(OFlags::DIRECT, !kind.lives_in_the_page_cache());
    open(path, flags, Mode::empty())
}

/// A container's `/dev` may use a name for another device.
fn is_another(node: &OwnedFd, dev: u32) -> bool {
    let block = |mode| FileType::from_raw_mode(mode) == FileType::BlockDevice;
    fstat(node).is_ok_and(|stat| block(stat.st_mode) && Dev::from_stat(stat.st_rdev).0 != dev)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_number_of_the_geometry_call_is_the_kernels() {
        assert_eq!(FSGEOMETRY, 0x8100_587e);
    }

    #[test]
    fn a_geometry_states_blocks_and_their_size() {
        let mut geometry = [0; 256];
        geometry[..4].copy_from_slice(&4096_u32.to_ne_bytes());
        geometry[32..40].copy_from_slice(&76_800_u64.to_ne_bytes());
        assert_eq!(geometry_size(&geometry), Some(300 << 20));
    }

    #[test]
    fn an_answer_is_read_once_it_is_whole() {
        let mut message = Message::new();
        message.length = 9;
        message.block[..9].copy_from_slice(b"123456789");
        message.set(BLOCK, 0, 9);
        let bytes = message.parts().concat();
        for cut in 0..bytes.len() {
            assert_eq!(Answer::decode(&bytes[..cut]), None, "{cut}");
        }
        let more = [&bytes[..], b"next"].concat();
        assert_eq!(
            Answer::decode(&more),
            Some((Answer::Block((*b"123456789").into()), 25))
        );
    }

    #[test]
    fn what_a_node_gives_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| CString::new(dir.path().join(name).to_str().unwrap()).unwrap();
        std::fs::write(dir.path().join("short"), b"abc").unwrap();
        let ask = |nodes: Vec<CString>| {
            let mut message = Message::new();
            let (dev, block_dev, mount_points) = (1, 1, Vec::new());
            message.ask(&Job {
                dev,
                block_dev,
                kind: Kind::Ext,
                nodes,
                mount_points,
            });
            Answer::decode(&message.parts().concat()).unwrap().0
        };
        assert_eq!(ask(vec![]), Answer::NoDevice);
        assert_eq!(
            ask(vec![path("none")]),
            Answer::Failed {
                node: 0,
                errno: libc::ENOENT
            }
        );
        assert_eq!(
            ask(vec![path("none"), path("short")]),
            Answer::Block((*b"abc").into())
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some((_, length)) = Answer::decode(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
