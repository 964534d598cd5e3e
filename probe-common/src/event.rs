//! The records of the ring buffer.
//!
//! A record is one `#[repr(C)]` structure that begins with a [`Header`]; the
//! header's kind says which. Deriving `IntoBytes` refuses hidden padding, so no
//! stray kernel byte can get out. A number that could not be read is
//! [`UNKNOWN`], never 0; texts are NUL-padded ([`text`]).

use crate::loss::Loss;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A number that the kernel side could not read.
pub const UNKNOWN: u64 = u64::MAX;

/// Result of a call that was not reached: no errno has this number.
pub const NOT_REACHED: i64 = i64::MIN;

/// Result of a call that was entered and whose return was not seen.
pub const RETURN_LOST: i64 = i64::MIN + 1;

/// `number`, or `None` if it is [`UNKNOWN`].
pub const fn known(number: u64) -> Option<u64> {
    if number == UNKNOWN {
        None
    } else {
        Some(number)
    }
}

/// The bytes before the first NUL.
pub fn text(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    &bytes[..end]
}

/// A closed list of numbers that cross the border, with their names in
/// recordings and reports.
macro_rules! numbered {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum $type {
            $($(#[$variant_doc])* $variant = $number,)+
        }

        impl $type {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name used in recordings and reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        impl TryFrom<u32> for $type {
            type Error = u32;
            fn try_from(number: u32) -> Result<Self, u32> {
                match number {
                    $($number => Ok(Self::$variant),)+
                    _ => Err(number),
                }
            }
        }
    };
}

numbered! {
    /// What a record is.
    Kind {
        /// [`FsResizeBegin`].
        FsResizeBegin = 1 "fs-resize-begin",
        /// [`FsResize`].
        FsResize = 2 "fs-resize",
        /// [`Capacity`].
        Capacity = 3 "capacity",
        /// [`Partition`].
        Partition = 4 "partition",
        /// [`Exec`].
        Exec = 5 "exec",
        /// [`Exit`].
        Exit = 6 "exit",
        /// [`ReadAheadSet`].
        ReadAheadSet = 7 "read-ahead-set",
        /// [`Mount`].
        Mount = 8 "mount",
    }
}

impl Kind {
    /// What is counted when the ring buffer has no place for such a record.
    pub const fn loss(self) -> Loss {
        match self {
            Self::FsResizeBegin | Self::FsResize => Loss::RingResize,
            Self::Capacity | Self::Partition => Loss::RingCapacity,
            Self::Exec | Self::Exit => Loss::RingExec,
            Self::ReadAheadSet | Self::Mount => Loss::RingConfig,
        }
    }
}

/// A structure that is sent through the ring buffer.
pub trait Record: FromBytes + IntoBytes + Immutable + KnownLayout + 'static {
    /// The number in its header.
    const KIND: Kind;
}

macro_rules! record {
    ($type:ident: $size:literal bytes) => {
        impl Record for $type {
            const KIND: Kind = Kind::$type;
        }
        const _: () = assert!(size_of::<$type>() == $size);
        // The ring buffer aligns its records to 8.
        const _: () = assert!(align_of::<$type>() == 8);
        const _: () = assert!(core::mem::offset_of!($type, header) == 0);
    };
}

/// Every record begins with this; `kind` says what follows.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Header {
    /// `CLOCK_BOOTTIME`, ns, when the record was made.
    pub boot_ns: u64,
    /// cgroup id of the task.
    pub cgroup: u64,
    /// A [`Kind`].
    pub kind: u32,
    /// Process id (the kernel's tgid, in the initial pid namespace).
    pub pid: u32,
    /// Thread id (the kernel's pid).
    pub tid: u32,
    /// 1 if the record stems from volprobe's own self-test.
    pub self_test: u32,
    /// Name of the task, NUL-padded.
    pub comm: [u8; 16],
}
const _: () = assert!(size_of::<Header>() == 48);

numbered! {
    /// A file system whose growth is watched.
    Fs {
        /// ext2, ext3 and ext4.
        Ext4 = 1 "ext4",
        /// XFS.
        Xfs = 2 "xfs",
    }
}

numbered! {
    /// A resize ioctl.
    Command {
        /// `EXT4_IOC_RESIZE_FS`: to a number of blocks.
        ResizeFs = 1 "RESIZE_FS",
        /// `EXT4_IOC_GROUP_EXTEND`: fill the last group up.
        GroupExtend = 2 "GROUP_EXTEND",
        /// `EXT4_IOC_GROUP_ADD`: add one group.
        GroupAdd = 3 "GROUP_ADD",
        /// `XFS_IOC_FSGROWFSDATA`: to a number of blocks, or only `imaxpct`.
        GrowfsData = 4 "GROWFSDATA",
        /// `XFS_IOC_FSGROWFSLOG`: the log; block counts are [`UNKNOWN`].
        GrowfsLog = 5 "GROWFSLOG",
        /// `XFS_IOC_FSGROWFSRT`: the realtime device; block counts are [`UNKNOWN`].
        GrowfsRt = 6 "GROWFSRT",
    }
}

/// A resize ioctl was entered. Its [`FsResize`], from the same thread, follows
/// when the call returns; if none does, the return was lost or is still to come.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FsResizeBegin {
    /// `boot_ns` is the start of the call.
    pub header: Header,
    /// Kernel `dev_t` of the mounted file system.
    pub dev: u32,
    /// An [`Fs`].
    pub fs: u32,
    /// A [`Command`].
    pub command: u32,
    /// Block size of the file system, bytes; 0 where it could not be read.
    pub block_size: u32,
    /// Size before, in blocks.
    pub from_blocks: u64,
    /// Size asked for, in blocks.
    pub requested_blocks: u64,
}
record!(FsResizeBegin: 80 bytes);

/// A resize ioctl returned: the attempt, joined with its effect by thread.
///
/// `from_blocks` and `to_blocks` are the file system's own count (ext4's
/// superblock, xfs' `m_sb`), read at the entry and at the return of the function
/// that grows it, or of the ioctl where that was not reached.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FsResize {
    /// `boot_ns` is the return of the ioctl; where that was not seen, of what
    /// was seen last of the call.
    pub header: Header,
    /// Start of the ioctl, `CLOCK_BOOTTIME` ns.
    pub start_ns: u64,
    /// Kernel `dev_t` of the mounted file system.
    pub dev: u32,
    /// An [`Fs`].
    pub fs: u32,
    /// A [`Command`].
    pub command: u32,
    /// Block size of the file system, bytes; 0 where it could not be read.
    pub block_size: u32,
    /// Size before, in blocks.
    pub from_blocks: u64,
    /// Size asked for, in blocks. An equal or smaller number is no growth.
    pub requested_blocks: u64,
    /// Size after, in blocks, measured.
    pub to_blocks: u64,
    /// What the ioctl returned: 0 or a negative errno; [`RETURN_LOST`] if that
    /// was not seen.
    pub ret: i64,
    /// What `ext4_resize_fs`, `xfs_growfs_data`, … returned; [`NOT_REACHED`] if
    /// the ioctl refused before (EPERM, EROFS, EBUSY), [`RETURN_LOST`] if only
    /// the entry was seen. For `GROWFSLOG` and
    /// `GROWFSRT`, whose functions are not watched, the same as `ret`.
    pub effect_ret: i64,
}
record!(FsResize: 112 bytes);

numbered! {
    /// The kernel function that showed a change of capacity.
    CapacityHook {
        /// 6.12 and later: every change.
        BdevSetNrSectors = 1 "bdev_set_nr_sectors",
        /// Up to 6.1: drivers.
        SetCapacityAndNotify = 2 "set_capacity_and_notify",
        /// 6.1: device mapper.
        SetCapacity = 3 "set_capacity",
        /// 5.10: device mapper. The disk's name is not known there.
        BdSetNrSectors = 4 "bd_set_nr_sectors",
        /// 5.10: md.
        CheckDiskSizeChange = 5 "check_disk_size_change",
    }
}

/// The kernel changed the size of a whole disk. Only real changes are sent.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Capacity {
    /// The task is often a kernel worker: it says nothing about who asked.
    pub header: Header,
    /// Kernel `dev_t` of the device.
    pub dev: u32,
    /// The same, or 0 where the device is not tied to its disk yet (5.10).
    pub disk_dev: u32,
    /// A [`CapacityHook`].
    pub hook: u32,
    /// Always 0.
    pub reserved: u32,
    /// Size before, 512-byte sectors; 0 for a device that appears.
    pub from_sectors: u64,
    /// Size after, 512-byte sectors; 0 for a device that goes away.
    pub to_sectors: u64,
    /// The kernel's name; empty where it could not be read.
    pub disk: [u8; 32],
}
record!(Capacity: 112 bytes);

numbered! {
    /// What happened to a partition.
    PartitionOp {
        /// `add_partition`, or a refusal by `bdev_add_partition`.
        Add = 1 "add",
        /// `bdev_resize_partition`.
        Resize = 2 "resize",
        /// `bdev_del_partition`.
        Delete = 3 "delete",
        /// `bdev_disk_changed`: the table was read again.
        Reread = 4 "reread",
    }
}

/// The kernel's partition table changed, or refused to.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Partition {
    /// `boot_ns` is the return of the function.
    pub header: Header,
    /// Kernel `dev_t` of the whole disk.
    pub disk_dev: u32,
    /// A [`PartitionOp`].
    pub op: u32,
    /// Partition number; 0 for a reread.
    pub number: u32,
    /// 0 or a negative errno.
    pub ret: i32,
    /// First sector (512 bytes); [`UNKNOWN`] for a deletion or a reread.
    pub start_sector: u64,
    /// Length in sectors after the call, if it succeeded; [`UNKNOWN`] likewise.
    pub sectors: u64,
    /// The kernel's name of the whole disk.
    pub disk: [u8; 32],
}
record!(Partition: 112 bytes);

/// Bytes of a tool's arguments that are kept.
pub const ARGV_BYTES: usize = 1024;

/// Bytes of a tool's file name that are kept, with the final NUL.
pub const FILENAME_BYTES: usize = 256;

/// A watched tool was started.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Exec {
    /// `comm` is the tool's own name already.
    pub header: Header,
    /// Length of all arguments, with their NULs, bytes.
    pub argv_len: u32,
    /// Bytes of them in `argv`: fewer than `argv_len` if they were too long, 0
    /// if their page was not in memory.
    pub argv_kept: u32,
    /// The file, as the caller named it; a script's own name, not its
    /// interpreter's.
    pub filename: [u8; FILENAME_BYTES],
    /// The arguments, each ended by a NUL (for a script, the interpreter's
    /// come first).
    pub argv: [u8; ARGV_BYTES],
}
record!(Exec: 1336 bytes);

numbered! {
    /// What a tool asked.
    Question {
        /// `BLKGETSIZE64` of a block device.
        DeviceSize = 1 "device-size",
        /// `XFS_IOC_FSGEOMETRY` of a mounted file system.
        Geometry = 2 "geometry",
    }
}

/// One size that a tool asked for, with the answer it got (the last one, where
/// it asked again).
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Asked {
    /// Kernel `dev_t` of the block device, or of the mounted file system.
    pub dev: u32,
    /// A [`Question`].
    pub question: u32,
    /// The answer, bytes.
    pub bytes: u64,
}

/// Different questions of one tool that are kept.
pub const ASKED_MAX: usize = 6;

/// A watched tool ended (its last thread did).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Exit {
    /// `boot_ns` is the end, `comm` the name at the end.
    pub header: Header,
    /// Its [`Exec`]'s time, `CLOCK_BOOTTIME` ns.
    pub start_ns: u64,
    /// As `wait(2)` has it: status << 8, or the signal in the low 7 bits.
    pub exit_code: u32,
    /// Resize ioctls that it issued, refused ones too.
    pub resize_calls: u32,
    /// Questions kept in `asked`.
    pub asked_len: u32,
    /// Questions that found no place there.
    pub asked_dropped: u32,
    /// What it asked for, in the order of the first time.
    pub asked: [Asked; ASKED_MAX],
}
record!(Exit: 168 bytes);

numbered! {
    /// How a read-ahead value was written.
    ReadAheadVia {
        /// `queue/read_ahead_kb` of a disk.
        SysfsQueue = 1 "sysfs-queue",
        /// `/sys/class/bdi/…/read_ahead_kb`.
        SysfsBdi = 2 "sysfs-bdi",
        /// `BLKRASET`, `BLKFRASET` (`blockdev --setra`).
        Ioctl = 3 "ioctl",
    }
}

/// A process wrote a read-ahead value. The value may be what it was before.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ReadAheadSet {
    /// The task is the writer.
    pub header: Header,
    /// Kernel `dev_t` of the whole disk; 0 where only `bdi` tells
    /// ([`bdi_dev`]).
    pub dev: u32,
    /// A [`ReadAheadVia`].
    pub via: u32,
    /// Pages before.
    pub from_pages: u64,
    /// Pages after.
    pub to_pages: u64,
    /// What was returned: a negative errno if refused, else 0 or the bytes
    /// written.
    pub ret: i64,
    /// Name of the backing device, `major:minor` for disks and network mounts.
    pub bdi: [u8; 64],
}
record!(ReadAheadSet: 144 bytes);

/// The `dev_t` that the name of a backing device stands for, if it is one.
pub fn bdi_dev(name: &[u8]) -> Option<u32> {
    let name = core::str::from_utf8(text(name)).ok()?;
    let (major, minor) = name.split_once(':')?;
    let (major, minor): (u32, u32) = (major.parse().ok()?, minor.parse().ok()?);
    (major < 1 << 12 && minor < 1 << 20).then_some(major << 20 | minor)
}

numbered! {
    /// What happened to a mounted file system.
    MountOp {
        /// A superblock was got for a mount (`vfs_get_tree`).
        Add = 1 "add",
        /// The superblock is shut down: its last mount is gone.
        Remove = 2 "remove",
        /// An unmount was refused.
        UmountFailed = 3 "umount_failed",
    }
}

/// A file system on a block device or a network was mounted, unmounted, or
/// could not be unmounted.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Mount {
    /// The task that did it.
    pub header: Header,
    /// Kernel `dev_t` (`s_dev`), as in `mountinfo`.
    pub dev: u32,
    /// A [`MountOp`].
    pub op: u32,
    /// 0 or a negative errno.
    pub ret: i32,
    /// Always 0.
    pub reserved: u32,
    /// Type of the file system.
    pub fs: [u8; 16],
    /// `s_id`: a disk's name, or what the file system calls itself.
    pub id: [u8; 32],
}
record!(Mount: 112 bytes);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_outside_the_list_is_refused(number: u32) {
            match Kind::try_from(number) {
                Ok(kind) => prop_assert_eq!(kind as u32, number),
                Err(refused) => {
                    prop_assert_eq!(refused, number);
                    prop_assert!(Kind::ALL.iter().all(|&k| k as u32 != number));
                }
            }
        }

        #[test]
        fn a_name_of_a_backing_device_gives_its_number(major in 0u32..4096, minor in 0u32..1 << 20) {
            let name = format!("{major}:{minor}\0rest");
            prop_assert_eq!(bdi_dev(name.as_bytes()), Some(major << 20 | minor));
        }
    }

    #[test]
    fn other_names_of_backing_devices_give_none() {
        for name in [
            &b"btrfs-1"[..],
            b"",
            b"254",
            b"254:",
            b":1",
            b"4096:0",
            b"1:1048576",
            b"\xff:1",
        ] {
            assert_eq!(bdi_dev(name), None, "{name:?}");
        }
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = Kind::ALL.iter().map(|k| k.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
    }

    #[test]
    fn text_ends_at_the_first_nul() {
        assert_eq!(text(b"vdb\0\0x"), b"vdb");
        assert_eq!(text(b"full"), b"full");
    }
}
