//! Asks one file system for its size and free space. This runs in a child that was forked from a
//! process with threads: nothing here may allocate or lock.

use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode, OFlags, fstat, fstatfs, open};
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
    /// Where the file system is mounted, if it can be asked there: for its free
    /// space, and xfs for its size.
    pub(super) mount_points: Vec<CString>,
}

/// What asking gave of one file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) answer: Answer,
    /// Bytes that are given to no file.
    pub(super) free: Option<u64>,
}

/// What asking for the size gave.
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
const HEADER: usize = 24;

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
/// Free space that is not known.
const UNKNOWN: u64 = u64::MAX;

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
        let directory = places.find_map(|at| root_of(at, job.dev));
        let free = directory.as_ref().and_then(free_of).unwrap_or(UNKNOWN);
        self.header[16..].copy_from_slice(&free.to_ne_bytes());
        let size = directory.filter(|_| job.kind == Kind::Xfs);
        if let Some(size) = size.and_then(|directory| geometry_of(&directory)) {
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
        self.header[8..16].copy_from_slice(&value.to_ne_bytes());
    }

    /// The parts of the message, in order.
    pub(super) fn parts(&self) -> [&[u8]; 2] {
        [&self.header, &self.block[..self.length]]
    }
}

impl Reply {
    /// The first reply in these bytes, and how many it takes; `None` where it is
    /// not whole yet.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        let word = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let long = |at: usize| Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let (value, free) = (long(8)?, long(16)?);
        let node = word(4)? as usize;
        let mut length = HEADER;
        let answer = match word(0)? {
            SIZE => Answer::Size(value),
            BLOCK => {
                let block = usize::try_from(value).ok()?;
                length = HEADER.checked_add(block)?;
                Answer::Block(bytes.get(HEADER..length)?.into())
            }
            ANOTHER => Answer::Another { node },
            FAILED => Answer::Failed {
                node,
                errno: value as i32,
            },
            _ => Answer::NoDevice,
        };
        let free = Some(free).filter(|free| *free != UNKNOWN);
        Some((Self { answer, free }, length))
    }
}

/// The root of what is mounted there, if it is this file system and nothing else is
/// mounted above it. It is to be held open for no longer than a call or two, or the
/// volume could not be unmounted.
fn root_of(mount_point: &CStr, dev: u32) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let directory = open(mount_point, flags, Mode::empty()).ok()?;
    let is_it = Dev::from_stat(fstat(&directory).ok()?.st_dev).0 == dev;
    is_it.then_some(directory)
}

/// Free bytes, also those that only root may use. What `statfs` says of the size
/// leaves things out; of what is free it does not.
fn free_of(directory: &OwnedFd) -> Option<u64> {
    let stat = fstatfs(directory).ok()?;
    let block_size = u64::try_from(stat.f_bsize).ok()?;
    stat.f_bfree.checked_mul(block_size)
}

/// What the xfs whose root this is says of itself.
fn geometry_of(directory: &OwnedFd) -> Option<u64> {
    // SAFETY: FSGEOMETRY fills a struct xfs_fsop_geom, 256 bytes that may hold any value.
    let geometry = unsafe {
        let read = Getter::<FSGEOMETRY, [u8; 256]>::new();
        ioctl::ioctl(directory, read)
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
        message.header[16..].copy_from_slice(&512_u64.to_ne_bytes());
        let bytes = message.parts().concat();
        for cut in 0..bytes.len() {
            assert_eq!(Reply::decode(&bytes[..cut]), None, "{cut}");
        }
        let more = [&bytes[..], b"next"].concat();
        let reply = Reply {
            answer: Answer::Block((*b"123456789").into()),
            free: Some(512),
        };
        assert_eq!(Reply::decode(&more), Some((reply, 33)));
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
            let (reply, _) = Reply::decode(&message.parts().concat()).unwrap();
            assert_eq!(reply.free, None);
            reply.answer
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

    #[test]
    fn free_space_is_asked_for_where_the_file_system_is_mounted() {
        let dir = tempfile::tempdir().unwrap();
        let at = CString::new(dir.path().to_str().unwrap()).unwrap();
        let dev = Dev::from_stat(rustix::fs::stat(&at).unwrap().st_dev).0;
        let free = |dev: u32| {
            let mut message = Message::new();
            message.ask(&Job {
                dev,
                block_dev: dev,
                kind: Kind::Ext,
                nodes: Vec::new(),
                mount_points: vec![at.clone()],
            });
            Reply::decode(&message.parts().concat()).unwrap().0.free
        };
        let stat = rustix::fs::statfs(&at).unwrap();
        let size = stat.f_blocks * u64::try_from(stat.f_bsize).unwrap();
        assert!(
            free(dev).is_some_and(|free| free <= size),
            "{:?}",
            free(dev)
        );
        // Something else is mounted above it.
        assert_eq!(free(dev + 1), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some((_, length)) = Reply::decode(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
