//! Array maps read as memory, without system calls.

use aya::maps::MapData;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

/// A view of the values of a `BPF_F_MMAPABLE` array map, from its
/// first element on, as 64-bit words.
///
/// It can cover less than the map: each mapped page counts as resident memory,
/// and most series are never used.
#[derive(Debug)]
pub struct Mapping {
    map: OwnedFd,
    protection: i32,
    memory: NonNull<AtomicU64>,
    bytes: usize,
}

// SAFETY: the memory is the kernel's, lives until `drop`, and is only used as
// atomics; nothing in it is bound to a thread.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps the first page of the array's values.
    pub fn start(array: &MapData) -> io::Result<Self> {
        Self::new(array.fd(), 1, libc::PROT_READ)
    }

    /// Maps all of the array's values.
    pub fn whole(array: &MapData) -> io::Result<Self> {
        Self::new(array.fd(), bytes(array)?, libc::PROT_READ)
    }

    /// Maps all of the array's values, to be changed atomically.
    pub fn writable(array: &MapData) -> io::Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        Self::new(array.fd(), bytes(array)?, protection)
    }

    fn new(map: impl AsFd, bytes: usize, protection: i32) -> io::Result<Self> {
        let map = map.as_fd().try_clone_to_owned()?;
        let bytes = bytes.next_multiple_of(rustix::param::page_size());
        let memory = map_values(&map, bytes, protection)?;
        Ok(Self {
            map,
            protection,
            memory,
            bytes,
        })
    }

    /// The words mapped now.
    pub fn words(&self) -> &[AtomicU64] {
        // SAFETY: `memory` is page-aligned and mapped for `bytes` bytes until
        // `drop` or `cover`, both of which need the only reference. The kernel
        // writes it concurrently, hence atomics; loads of 64 bits with relaxed
        // order are allowed on memory mapped read-only, and only a writable
        // mapping's owner stores.
        unsafe {
            std::slice::from_raw_parts(self.memory.as_ptr(), self.bytes / size_of::<AtomicU64>())
        }
    }

    /// Maps at least the first `bytes` bytes.
    pub fn cover(&mut self, bytes: usize) -> io::Result<()> {
        if bytes > self.bytes {
            let bytes = bytes.next_multiple_of(rustix::param::page_size());
            let memory = map_values(&self.map, bytes, self.protection)?;
            self.unmap();
            self.memory = memory;
            self.bytes = bytes;
        }
        Ok(())
    }

    fn unmap(&mut self) {
        // SAFETY: exactly the region that `map_values` returned; no slice of it
        // is alive, because this takes the only reference.
        unsafe {
            libc::munmap(self.memory.as_ptr().cast(), self.bytes);
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.unmap();
    }
}

/// Bytes of all values of an array, as the kernel lays them out.
fn bytes(array: &MapData) -> io::Result<usize> {
    let info = array.info().map_err(io::Error::other)?;
    let stride = (info.value_size() as usize).next_multiple_of(size_of::<u64>());
    Ok(info.max_entries() as usize * stride)
}

fn map_values(map: &OwnedFd, bytes: usize, protection: i32) -> io::Result<NonNull<AtomicU64>> {
    // SAFETY: a new mapping at an address of the kernel's choice touches no
    // memory of ours.
    let memory = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            protection,
            libc::MAP_SHARED,
            map.as_raw_fd(),
            0,
        )
    };
    if memory == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(memory.cast()).ok_or_else(|| io::Error::other("mapped at address 0"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn it_grows_and_follows_the_writer() {
        let mut file = tempfile::tempfile().unwrap();
        for word in 0u64..2048 {
            file.write_all(&word.to_ne_bytes()).unwrap();
        }
        let mut mapping = Mapping::new(&file, 1, libc::PROT_READ).unwrap();
        let page_words = rustix::param::page_size() / 8;
        assert_eq!(mapping.words().len(), page_words);
        mapping.cover(16384).unwrap();
        assert_eq!(mapping.words()[2047].load(Relaxed), 2047);
        rustix::io::pwrite(&file, &7u64.to_ne_bytes(), 8).unwrap();
        assert_eq!(mapping.words()[1].load(Relaxed), 7);
    }

    #[test]
    fn what_cannot_be_mapped_is_an_error() {
        let (pipe, _other) = std::io::pipe().unwrap();
        assert!(Mapping::new(&pipe, 8, libc::PROT_READ).is_err());
    }
}
