//! Looking for some hundred names among some hundred thousand.

use std::collections::HashSet;

/// The names that are looked for. Nearly all that are met are others: those are
/// told by their first bytes, without hashing.
#[derive(Clone, Debug, Default)]
pub(super) struct Names<'n> {
    names: HashSet<&'n str>,
    /// First eight bytes of each name, sorted.
    starts: Vec<[u8; 8]>,
}

impl<'n> FromIterator<&'n str> for Names<'n> {
    fn from_iter<I: IntoIterator<Item = &'n str>>(names: I) -> Self {
        let names: HashSet<&str> = names.into_iter().collect();
        let mut starts: Vec<_> = names.iter().map(|name| start(name.as_bytes())).collect();
        starts.sort_unstable();
        starts.dedup();
        Self { names, starts }
    }
}

fn start(name: &[u8]) -> [u8; 8] {
    let mut start = [0; 8];
    let length = name.len().min(start.len());
    start[..length].copy_from_slice(&name[..length]);
    start
}

impl<'n> Names<'n> {
    /// The name, if it or, before a dot, its stem may be wanted. (A stem shorter
    /// than eight bytes is not found; no function of the catalog has one.)
    pub(super) fn candidate<'l>(&self, name: &'l [u8]) -> Option<&'l str> {
        self.starts.binary_search(&start(name)).ok()?;
        std::str::from_utf8(name).ok()
    }

    /// Whether exactly this name is wanted.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'n str> {
        self.names.iter().copied()
    }
}
