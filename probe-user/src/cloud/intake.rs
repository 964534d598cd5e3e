//! Takes what the sources find, each event once.

use super::external::{Detail, External, Interval};
use super::objects::Objects;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Everything that was read from external inputs.
#[derive(Debug, Default)]
pub struct Intake {
    /// Events, in the order they were read.
    pub events: Vec<External>,
    /// Objects.
    pub objects: Objects,
    /// From the first to the last record of each source, of whatever kind: what
    /// is not told within was not there.
    pub spans: BTreeMap<&'static str, Interval>,
    /// What was taken, as hashes: of millions, two are the same by chance once
    /// in a million times.
    seen: HashSet<u64>,
    hasher: RandomState,
    sizes: HashMap<String, u64>,
    place: Place,
    duplicates: u64,
    /// Bytes that are kept, about.
    kept: usize,
}

/// More than this is not kept of all inputs together, however long they are.
/// Half a million lines of interest fit.
pub(super) const MAX_KEPT: usize = 256 << 20;

#[derive(Clone, Debug)]
struct Place {
    file: Arc<str>,
    line: u64,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            file: "".into(),
            line: 0,
        }
    }
}

impl Intake {
    /// A new file begins.
    pub(super) fn begin(&mut self, file: &str) {
        self.place = Place {
            file: file.into(),
            line: 0,
        };
        self.duplicates = 0;
    }

    /// What follows is from this line.
    pub(super) fn at_line(&mut self, line: u64) {
        self.place.line = line;
    }

    /// Records of the present file that were known already.
    pub(super) fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// A record of this source is from this time, whatever it tells.
    pub(super) fn saw(&mut self, source: &'static str, at: Interval) {
        let span = self.spans.entry(source).or_insert(at);
        span.start_ns = span.start_ns.min(at.start_ns);
        span.end_ns = span.end_ns.max(at.end_ns);
    }

    /// Takes an event. `id` makes it unique within its source; without one, two
    /// events that are equal in all they say are one.
    ///
    /// The error is that there is no room for it.
    pub(super) fn event(
        &mut self,
        source: &'static str,
        at: Interval,
        id: Option<&str>,
        detail: Detail,
    ) -> Result<(), String> {
        let key = match id {
            Some(id) => self.hasher.hash_one((source, id)),
            None => self.hasher.hash_one((source, format!("{at:?}{detail:?}"))),
        };
        if self.seen.contains(&key) {
            self.duplicates += 1;
            return Ok(());
        }
        self.keep(size_of::<External>() + size_of::<u64>() + detail.text_len())?;
        self.seen.insert(key);
        let Place { file, line } = self.place.clone();
        self.events.push(External {
            at,
            source,
            file,
            line,
            detail,
        });
        Ok(())
    }

    /// Takes room for so many bytes. The error is that there is none.
    pub(super) fn keep(&mut self, bytes: usize) -> Result<(), String> {
        if self.kept + bytes > MAX_KEPT {
            return Err(format!(
                "not kept: more than {} MiB are of interest",
                MAX_KEPT >> 20
            ));
        }
        self.kept += bytes;
        Ok(())
    }

    /// Gives room back.
    pub(super) fn release(&mut self, bytes: usize) {
        self.kept = self.kept.saturating_sub(bytes);
    }

    /// The size that was last written to this member of an object.
    pub(super) fn known_size(&self, key: &str) -> Option<u64> {
        self.sizes.get(key).copied()
    }

    /// This size was written. Without room it is forgotten: then an event has no
    /// size before.
    pub(super) fn note_size(&mut self, key: &str, bytes: u64) {
        if let Some(known) = self.sizes.get_mut(key) {
            *known = bytes;
        } else if self.keep(key.len() + 64).is_ok() {
            self.sizes.insert(key.to_owned(), bytes);
        }
    }

    /// All was read: what one record of a call tells holds for its others (the
    /// end of a resize seldom repeats the size), and one call in one state is
    /// one event, by whichever records it was told.
    pub(super) fn settle(&mut self) {
        let mut told: HashMap<(&'static str, String), Told> = HashMap::new();
        for event in &self.events {
            let Detail::ApiResize(call) = &event.detail else {
                continue;
            };
            let Some(id) = &call.request_id else { continue };
            let told = told.entry((event.source, id.clone())).or_default();
            told.from_bytes = told.from_bytes.or(call.from_bytes);
            told.to_bytes = told.to_bytes.or(call.to_bytes);
            told.disk_id = told.disk_id.take().or_else(|| call.disk_id.clone());
        }
        let mut states = HashSet::new();
        self.events.retain_mut(|event| {
            let Detail::ApiResize(call) = &mut event.detail else {
                return true;
            };
            let Some(id) = &call.request_id else {
                return true;
            };
            let key = (event.source, id.clone());
            let told = &told[&key];
            call.from_bytes = call.from_bytes.or(told.from_bytes);
            call.to_bytes = call.to_bytes.or(told.to_bytes);
            call.disk_id = call.disk_id.take().or_else(|| told.disk_id.clone());
            states.insert((key, call.state))
        });
        self.events.sort_by_key(|event| event.at);
    }
}

/// What the records of one call tell together.
#[derive(Default)]
struct Told {
    from_bytes: Option<u64>,
    to_bytes: Option<u64>,
    disk_id: Option<String>,
}
