//! Waiting for file descriptors.

use aya::maps::{MapData, RingBuf};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::uevent::Uevents;

/// Something that owns one file descriptor as long as it lives.
///
/// # Safety
///
/// `as_raw_fd` always gives the same descriptor, which stays open until the
/// value is dropped.
pub unsafe trait Owner: AsRawFd {}

// SAFETY: that is what the type is.
unsafe impl Owner for OwnedFd {}

// SAFETY: a file owns its descriptor, and nothing replaces it through `&File`.
unsafe impl Owner for File {}

// SAFETY: the socket is a private field that is never replaced.
unsafe impl Owner for Uevents {}

// SAFETY: the map is a private field of the ring buffer, never replaced, and its
// descriptor is closed when it is dropped.
unsafe impl Owner for RingBuf<MapData> {}

/// Registers a descriptor with the running tokio runtime.
pub fn register<T: Owner>(owner: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    // SAFETY: that is what `Owner` promises; nobody here swaps the value in place.
    unsafe { AsyncFd::register_with_interest(owner, interest) }.map_err(io::Error::from)
}
