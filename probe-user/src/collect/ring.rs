//! The ring buffer of rare events.

use super::{maps, wait};
use aya::maps::{Map, MapData, RingBuf};
use std::io;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The ring buffer, waited for together with everything else.
pub struct Ring {
    buffer: AsyncFd<RingBuf<MapData>>,
}

impl Ring {
    /// Opens the ring buffer of `ebpf`, which must have no other reader. Needs a
    /// running tokio runtime.
    pub fn open(ebpf: &aya::Ebpf) -> anyhow::Result<Self> {
        let buffer = RingBuf::try_from(Map::RingBuf(maps::open(ebpf, "EVENTS")?))?;
        Ok(Self {
            buffer: wait::register(buffer, Interest::READABLE)?,
        })
    }

    /// Waits until there may be a record.
    pub async fn ready(&mut self) -> io::Result<()> {
        // Cleared before reading: a record that comes meanwhile wakes again.
        self.buffer.readable_mut().await?.clear_ready();
        Ok(())
    }

    /// Hands over every record that is there, oldest first.
    pub fn drain(&mut self, mut take: impl FnMut(&[u8])) {
        while let Some(record) = self.buffer.get_mut().next() {
            take(&record);
        }
    }
}
