//! Kernel messages about devices and modules (`NETLINK_KOBJECT_UEVENT`).
//!
//! They wake the collector when a device or a module comes, goes or changes. What
//! has changed is then read from sysfs: a message may be lost, a state is not.

use crate::sample::Dev;
use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// The multicast group of the kernel's own messages.
const KERNEL: u32 = 1;

/// The kernel's limit for one message, bytes (`UEVENT_BUFFER_SIZE`, header
/// included with room to spare).
const MESSAGE_MAX: usize = 8192;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uevent {
    /// A disk has another size (`RESIZE=1`).
    Resized(Dev),
    /// A block device came, went or changed.
    Block,
    /// A module came or went.
    Module,
    /// Something else.
    Other,
}

/// The socket on which the messages arrive.
#[derive(Debug)]
pub struct Uevents {
    socket: OwnedFd,
}

impl Uevents {
    /// Subscribes.
    pub fn open() -> io::Result<Self> {
        let socket = rustix::net::socket_with(
            AddressFamily::NETLINK,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            Some(netlink::KOBJECT_UEVENT),
        )?;
        rustix::net::bind(&socket, &SocketAddrNetlink::new(0, KERNEL))?;
        Ok(Self { socket })
    }

    /// The next message, if one is there.
    ///
    /// `Some(Block)` and `Some(Module)` both follow from a lost one, because
    /// either may have been in it: see [`Next::Lost`].
    pub fn next(&self) -> io::Result<Next> {
        let mut buffer = [0; MESSAGE_MAX];
        match rustix::net::recv(&self.socket, &mut buffer, RecvFlags::empty()) {
            Ok((length, _)) => Ok(Next::Message(parse(&buffer[..length]))),
            Err(Errno::AGAIN) => Ok(Next::None),
            Err(Errno::NOBUFS) => Ok(Next::Lost),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsRawFd for Uevents {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// What was in the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A message.
    Message(Uevent),
    /// Messages were dropped because nobody read them in time.
    Lost,
    /// Nothing now.
    None,
}

/// Reads `ACTION@DEVPATH`, then `KEY=VALUE`, each ended by a NUL.
fn parse(message: &[u8]) -> Uevent {
    let words = message.split(|&byte| byte == 0).skip(1);
    let (mut subsystem, mut resized) = (&b""[..], false);
    let (mut major, mut minor) = (None, None);
    for word in words {
        let Some(equals) = word.iter().position(|&byte| byte == b'=') else {
            continue;
        };
        let (key, value) = (&word[..equals], &word[equals + 1..]);
        match key {
            b"SUBSYSTEM" => subsystem = value,
            b"RESIZE" => resized = value == b"1",
            b"MAJOR" => major = number(value),
            b"MINOR" => minor = number(value),
            _ => {}
        }
    }
    match (subsystem, major, minor) {
        (b"block", Some(major), Some(minor)) if resized => Uevent::Resized(Dev::new(major, minor)),
        (b"block", _, _) => Uevent::Block,
        (b"module", _, _) => Uevent::Module,
        _ => Uevent::Other,
    }
}

fn number(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_grown_disk_is_told_from_another_change() {
        let message = b"change@/devices/pci0000:00/virtio1/block/vdb\0ACTION=change\0\
            DEVPATH=/devices/x\0SUBSYSTEM=block\0RESIZE=1\0MAJOR=254\0MINOR=16\0DEVNAME=vdb\0SEQNUM=9\0";
        assert_eq!(parse(message), Uevent::Resized(Dev::new(254, 16)));
        let message = b"change@/x\0SUBSYSTEM=block\0MAJOR=254\0MINOR=16\0DISK_MEDIA_CHANGE=1\0";
        assert_eq!(parse(message), Uevent::Block);
    }

    #[test]
    fn modules_and_others_are_told_apart() {
        assert_eq!(
            parse(b"add@/module/xfs\0SUBSYSTEM=module\0"),
            Uevent::Module
        );
        assert_eq!(parse(b"add@/x\0SUBSYSTEM=net\0"), Uevent::Other);
        assert_eq!(parse(b""), Uevent::Other);
        assert_eq!(parse(b"libudev\0\xfe\xed\xca\xfe"), Uevent::Other);
    }

    #[test]
    fn an_idle_socket_has_nothing() {
        let uevents = Uevents::open().unwrap();
        assert!(matches!(uevents.next(), Ok(Next::None | Next::Message(_))));
    }

    proptest! {
        #[test]
        fn no_message_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            parse(&bytes);
        }
    }
}
