//! The processes of one command (`--tree`), which the kernel programs follow from
//! fork to exit.

use super::error::AttachError;
use super::load::failed;
use aya::maps::{HashMap, MapData};

/// The kernel's map of them, by tgid.
pub struct Tree(pub(super) HashMap<MapData, u32, u8>);

impl Tree {
    /// What `start` starts belongs to the tree from its first moment: its maker
    /// does meanwhile. `pid` tells what was started; it is put there once more,
    /// as the kernel may have skipped the program that should have.
    pub fn plant<T>(
        &mut self,
        start: impl FnOnce() -> T,
        pid: impl FnOnce(&T) -> Option<u32>,
    ) -> Result<T, AttachError> {
        let own = std::process::id();
        self.insert(own)?;
        let started = start();
        let planted = pid(&started).map_or(Ok(()), |pid| self.insert(pid));
        self.0
            .remove(&own)
            .map_err(|error| failed("TREE", &error))?;
        planted.map(|()| started)
    }

    fn insert(&mut self, pid: u32) -> Result<(), AttachError> {
        self.0
            .insert(pid, 1, 0)
            .map_err(|error| failed("TREE", &error))
    }
}
