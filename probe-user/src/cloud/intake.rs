//! Takes what the sources find, each event once.

use super::external::{Detail, External, Interval};
use super::objects::Objects;
use std::collections::HashSet;
use std::sync::Arc;

/// Everything that was read from external inputs.
#[derive(Debug, Default)]
pub struct Intake {
    /// Events, in the order they were read.
    pub events: Vec<External>,
    /// Objects.
    pub objects: Objects,
    seen: HashSet<String>,
    place: Place,
    duplicates: u64,
}

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

    /// Takes an event. `id` makes it unique within its source; without one, two
    /// events that are equal in all they say are one.
    pub(super) fn event(
        &mut self,
        source: &'static str,
        at: Interval,
        id: Option<&str>,
        detail: Detail,
    ) {
        let key = match id {
            Some(id) => format!("{source}\0{id}"),
            None => format!("{source}\0{at:?}\0{detail:?}"),
        };
        if self.seen.insert(key) {
            let Place { file, line } = self.place.clone();
            self.events.push(External {
                at,
                source,
                file,
                line,
                detail,
            });
        } else {
            self.duplicates += 1;
        }
    }
}
