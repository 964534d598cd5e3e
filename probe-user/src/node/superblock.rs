//! Sizes of file systems as their superblocks state them.

/// Bytes that must be read from the start of a superblock.
pub(super) const LENGTH: usize = 4096;

/// A file system whose superblock is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// ext2, ext3 and ext4.
    Ext,
    Xfs,
    Btrfs,
}

/// Why a superblock gives no size.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    #[error("the superblock is cut short")]
    Short,
    #[error("no superblock of this file system there")]
    Magic,
    #[error("the superblock makes no sense: {0}")]
    Nonsense(&'static str),
    #[error("it spans {0} devices")]
    Spans(u64),
}

impl Kind {
    /// The kind that the kernel calls by this name.
    pub(super) fn named(fs: &str) -> Option<Self> {
        match fs {
            "ext2" | "ext3" | "ext4" => Some(Self::Ext),
            "xfs" => Some(Self::Xfs),
            "btrfs" => Some(Self::Btrfs),
            _ => None,
        }
    }

    /// Where the block to be read begins. All are multiples of a page, so that they
    /// can be read past the page cache too; ext's superblock lies 1024 bytes into it.
    pub(super) const fn offset(self) -> u64 {
        match self {
            Self::Ext | Self::Xfs => 0,
            Self::Btrfs => 0x1_0000,
        }
    }

    /// Whether the page cache of the block device shows the mounted file system's
    /// own copy of the superblock. ext4 keeps its superblock in that cache; xfs
    /// and btrfs write past it, so there the cache may be older than the disk.
    pub(super) const fn lives_in_the_page_cache(self) -> bool {
        matches!(self, Self::Ext)
    }

    /// Size of the file system in bytes, from what was read at [`Kind::offset`].
    pub(super) fn size(self, block: &[u8]) -> Result<u64, Error> {
        match self {
            Self::Ext => ext(block),
            Self::Xfs => xfs(block),
            Self::Btrfs => btrfs(block),
        }
    }
}

/// `struct ext4_super_block`.
fn ext(block: &[u8]) -> Result<u64, Error> {
    const INCOMPAT_64BIT: u32 = 0x80;
    let superblock = block.get(1024..).ok_or(Error::Short)?;
    if at(superblock, 0x38)? != [0x53, 0xef] {
        return Err(Error::Magic);
    }
    let low = u32::from_le_bytes(at(superblock, 0x04)?);
    let shift = u32::from_le_bytes(at(superblock, 0x18)?);
    let incompat = u32::from_le_bytes(at(superblock, 0x60)?);
    let high = match incompat & INCOMPAT_64BIT {
        0 => 0,
        _ => u32::from_le_bytes(at(superblock, 0x150)?),
    };
    let block_size = 1024_u64
        .checked_shl(shift)
        .filter(|size| *size <= 1 << 16)
        .ok_or(Error::Nonsense("block size"))?;
    bytes(u64::from(high) << 32 | u64::from(low), block_size)
}

/// `struct xfs_dsb`, big-endian; the data section without log and realtime devices.
fn xfs(block: &[u8]) -> Result<u64, Error> {
    if at(block, 0)? != *b"XFSB" {
        return Err(Error::Magic);
    }
    let block_size = u32::from_be_bytes(at(block, 4)?);
    if !block_size.is_power_of_two() || block_size > 1 << 16 {
        return Err(Error::Nonsense("block size"));
    }
    bytes(u64::from_be_bytes(at(block, 8)?), block_size.into())
}

/// `struct btrfs_super_block`.
fn btrfs(block: &[u8]) -> Result<u64, Error> {
    if at(block, 0x40)? != *b"_BHRfS_M" {
        return Err(Error::Magic);
    }
    match u64::from_le_bytes(at(block, 0x88)?) {
        1 => bytes(u64::from_le_bytes(at(block, 0x70)?), 1),
        devices => Err(Error::Spans(devices)),
    }
}

fn bytes(blocks: u64, block_size: u64) -> Result<u64, Error> {
    blocks
        .checked_mul(block_size)
        .filter(|size| *size > 0)
        .ok_or(Error::Nonsense("number of blocks"))
}

fn at<const N: usize>(block: &[u8], offset: usize) -> Result<[u8; N], Error> {
    let field = block.get(offset..offset + N).ok_or(Error::Short)?;
    field.try_into().map_err(|_| Error::Short)
}

#[cfg(test)]
#[path = "superblock_tests.rs"]
pub(super) mod tests;
