//! What the child of the self-test does. Each operation is harmless by itself;
//! what could do harm with privileges is done without any.

use rustix::fs::{Advice, CWD, FileExt, Mode, OFlags};
use rustix::io::Errno;
use rustix::thread::{CapabilitySet, CapabilitySets};
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::num::NonZeroU64;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

pub(super) const COPY: &str = "copy";
pub(super) const CLONE: &str = "clone";
pub(super) const REFUSED_COPY: &str = "refused-copy";
pub(super) const READAHEAD: &str = "readahead";
pub(super) const EXT4: &str = "ext4";
pub(super) const XFS: &str = "xfs";
pub(super) const EXEC: &str = "exec";

/// Makes a process the child of a self-test.
pub(super) const ARGUMENT: &str = "--self-test-child";
/// Makes it end at once: so that an exec and its exit are seen.
const LAST: &str = "--self-test-end";

/// Does the child's work, if this process is one: to be called before the
/// command line is read. `None`: it is not.
pub fn child_main() -> Option<ExitCode> {
    let argument = std::env::args_os().nth(1)?;
    if argument == LAST {
        return Some(ExitCode::SUCCESS);
    }
    if argument != ARGUMENT {
        return None;
    }
    Some(match act() {
        Ok(never) => match never {},
        Err(_) => ExitCode::FAILURE,
    })
}

/// Why an operation was not done.
enum NotDone {
    Because(String),
}

impl<E: Into<io::Error>> From<E> for NotDone {
    fn from(error: E) -> Self {
        Self::Because(error.into().to_string())
    }
}

fn because<T>(why: impl Into<String>) -> Result<T, NotDone> {
    Err(NotDone::Because(why.into()))
}

fn act() -> io::Result<std::convert::Infallible> {
    let mut go = String::new();
    io::stdin().lock().read_line(&mut go)?;
    // While there are privileges: mount points may be closed to others.
    let ext4 = mounted("ext4");
    let xfs = mounted("xfs");
    let executable = File::open("/proc/self/exe")?;
    let powerless = give_up_capabilities();

    report(COPY, copy());
    report(CLONE, clone());
    report(REFUSED_COPY, refused_copy());
    report(READAHEAD, readahead(&executable));
    report(EXT4, powerless_ioctl(ext4, &powerless, resize_ext4));
    report(XFS, powerless_ioctl(xfs, &powerless, grow_xfs));
    report(EXEC, Ok(()));
    // The last output: the pipe closes when this process has ended.
    Err(Command::new("/proc/self/exe").arg(LAST).exec())
}

fn report(operation: &str, result: Result<(), NotDone>) {
    let line = match result {
        Ok(()) => format!("{operation}\n"),
        Err(NotDone::Because(why)) => format!("{operation}\t{why}\n"),
    };
    // A parent that has gone away needs no report.
    let _ = io::stdout().write_all(line.as_bytes());
    let _ = io::stdout().flush();
}

fn memory_file() -> Result<OwnedFd, NotDone> {
    Ok(rustix::fs::memfd_create(
        "self-test",
        rustix::fs::MemfdFlags::CLOEXEC,
    )?)
}

/// Copies a page between two files on tmpfs that have no name.
fn copy() -> Result<(), NotDone> {
    let (from, to) = (memory_file()?, memory_file()?);
    rustix::io::pwrite(&from, &[1; 4096], 0)?;
    match rustix::fs::copy_file_range(&from, None, &to, None, 4096) {
        Ok(4096) => Ok(()),
        Ok(copied) => because(format!("copy_file_range copied {copied} of 4096 bytes")),
        Err(error) => because(format!("copy_file_range: {error}")),
    }
}

/// Asks for a clone that tmpfs refuses.
fn clone() -> Result<(), NotDone> {
    let (from, to) = (memory_file()?, memory_file()?);
    match rustix::fs::ioctl_ficlone(&to, &from) {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::INVAL) => Ok(()),
        Err(error) => because(format!("FICLONE: {error}")),
    }
}

/// A call that the system call itself refuses: flags must be 0.
fn refused_copy() -> Result<(), NotDone> {
    let (from, to) = (memory_file()?, memory_file()?);
    let null = std::ptr::null_mut::<libc::loff_t>();
    // Not `libc::copy_file_range`: std declares that symbol weak, and linked
    // statically with LTO it is null.
    //
    // SAFETY: both descriptors are open; null offsets are allowed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_copy_file_range,
            from.as_raw_fd(),
            null,
            to.as_raw_fd(),
            null,
            1_usize,
            1_u32,
        )
    };
    match (result, io::Error::last_os_error().raw_os_error()) {
        (-1, Some(libc::EINVAL)) => Ok(()),
        _ => because("copy_file_range accepted a flag"),
    }
}

const PAGE: u64 = 4096;
/// Part of the file that is evicted at a time.
const REGION: u64 = 1 << 20;
/// So many pages in a row must be gone for readahead to go ahead.
const ENOUGH: u64 = 16;

/// Reads a part of this program's own file that was evicted from memory: clean
/// and unmapped pages only, so nothing is lost and nobody waits.
fn readahead(file: &File) -> Result<(), NotDone> {
    let kind = rustix::fs::fstatfs(file)?.f_type;
    if [TMPFS_MAGIC, RAMFS_MAGIC].contains(&kind) {
        return because("the binary lies on tmpfs, which has no readahead");
    }
    if backing_read_ahead_kb(file).is_some_and(|kb| kb == 0) {
        return because("the read-ahead of the binary's device is 0");
    }
    let size = file.metadata()?.len();
    // From the end: debug information and symbols, which are not mapped.
    let mut start = size / REGION * REGION;
    loop {
        let length = REGION.min(size - start);
        if let Some((first, pages)) = evict(file, start, length)? {
            // Not the first: with pages in memory right before it, it would be
            // taken for a stream that goes on, and all be read at once.
            for page in 1..pages {
                let mut bytes = [0; 64];
                file.read_at(&mut bytes, first + page * PAGE)?;
            }
            return Ok(());
        }
        match start.checked_sub(REGION) {
            Some(before) => start = before,
            None => return because("no part of the binary's file could be evicted from memory"),
        }
    }
}

const TMPFS_MAGIC: rustix::fs::FsWord = 0x0102_1994;
const RAMFS_MAGIC: rustix::fs::FsWord = 0x8584_58f6;

fn backing_read_ahead_kb(file: &File) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    let dev = crate::sample::Dev::from_stat(file.metadata().ok()?.dev());
    let text = std::fs::read_to_string(format!("/sys/class/bdi/{dev}/read_ahead_kb")).ok()?;
    text.trim().parse().ok()
}

/// Evicts the region; the longest run of pages that are gone: where it starts,
/// bytes, and its pages.
fn evict(file: &File, start: u64, length: u64) -> Result<Option<(u64, u64)>, NotDone> {
    let Some(length) = NonZeroU64::new(length) else {
        return Ok(None);
    };
    rustix::fs::fadvise(file, start, Some(length), Advice::DontNeed)?;
    let resident = residency(file, start, length)?;
    let (mut best, mut run) = ((0, 0), 0);
    for (page, &is_resident) in (1..).zip(&resident) {
        run = if is_resident { 0 } else { run + 1 };
        if run > best.1 {
            best = (page - run, run);
        }
    }
    Ok((best.1 >= ENOUGH).then(|| (start + best.0 * PAGE, best.1)))
}

/// For each page of the region, whether it is in memory.
fn residency(file: &File, start: u64, length: NonZeroU64) -> Result<Vec<bool>, NotDone> {
    let length = length.get() as usize;
    let mut pages = vec![0_u8; length.div_ceil(PAGE as usize)];
    // SAFETY: a new mapping that nothing refers to, unmapped below; mincore
    // writes one byte a page, and there is room for each.
    let result = unsafe {
        let mapped = rustix::mm::mmap(
            std::ptr::null_mut(),
            length,
            rustix::mm::ProtFlags::READ,
            rustix::mm::MapFlags::SHARED,
            file,
            start,
        )?;
        let result = match libc::mincore(mapped, length, pages.as_mut_ptr()) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        };
        rustix::mm::munmap(mapped, length)?;
        result
    };
    result?;
    Ok(pages.into_iter().map(|page| page & 1 == 1).collect())
}

/// Gives up every capability for good; an error if some would be left.
fn give_up_capabilities() -> io::Result<()> {
    let none = CapabilitySet::empty();
    rustix::thread::set_no_new_privs(true)?;
    rustix::thread::set_capabilities(
        None,
        CapabilitySets {
            effective: none,
            permitted: none,
            inheritable: none,
        },
    )?;
    let left = rustix::thread::capabilities(None)?;
    if left.effective.is_empty() && left.permitted.is_empty() {
        Ok(())
    } else {
        Err(io::Error::other("capabilities cannot be given up"))
    }
}

/// The mount point of a file system of this kind that can be opened.
fn mounted(kind: &str) -> Result<OwnedFd, NotDone> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
    let points = mounts.lines().filter_map(|line| {
        let (mount, fs) = line.split_once(" - ")?;
        (fs.split(' ').next()? == kind).then_some(mount.split(' ').nth(4)?)
    });
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    for point in points {
        if let Ok(directory) = rustix::fs::openat(CWD, point, flags, Mode::empty()) {
            return Ok(directory);
        }
    }
    because(format!("no {kind} is mounted here"))
}

/// Issues a resize that must be refused for want of capabilities.
fn powerless_ioctl(
    directory: Result<OwnedFd, NotDone>,
    powerless: &io::Result<()>,
    ioctl: fn(&OwnedFd) -> libc::c_int,
) -> Result<(), NotDone> {
    let directory = directory?;
    if let Err(error) = powerless {
        return because(error.to_string());
    }
    match (ioctl(&directory), io::Error::last_os_error()) {
        (0, _) => because("a resize without any capability was accepted"),
        // EPERM, or what the file system finds before it asks for privileges.
        _ => Ok(()),
    }
}

const EXT4_IOC_RESIZE_FS: libc::c_ulong = 0x4008_6610;
const XFS_IOC_FSGROWFSDATA: libc::c_ulong = 0x4010_586e;

/// To one block: a size that would be refused even from root.
fn resize_ext4(directory: &OwnedFd) -> libc::c_int {
    let blocks = 1_u64;
    // SAFETY: the ioctl reads one u64.
    unsafe { libc::ioctl(directory.as_raw_fd(), EXT4_IOC_RESIZE_FS as _, &blocks) }
}

/// To one block, as for ext4.
fn grow_xfs(directory: &OwnedFd) -> libc::c_int {
    /// `struct xfs_growfs_data`.
    #[repr(C)]
    struct Growfs {
        new_blocks: u64,
        imaxpct: u32,
    }
    let growfs = Growfs {
        new_blocks: 1,
        imaxpct: 25,
    };
    // SAFETY: the ioctl reads a structure of this layout.
    unsafe { libc::ioctl(directory.as_raw_fd(), XFS_IOC_FSGROWFSDATA as _, &growfs) }
}
