//! The one stream: what leaves the collector, what a recording holds, what
//! every view and report is computed from.
//!
//! The records are generated from `proto/volprobe.proto`, which is also the
//! format of the recording: there is no second set of types to keep in step.

mod dev;
mod errno;

pub use dev::Dev;
pub use errno::errno_name;

#[allow(missing_docs, clippy::pedantic)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/volprobe.v1.rs"));
}

pub use generated::*;
pub use sample::Record;

impl FsResize {
    /// What stands for the error where the call's return was not seen.
    pub const LOST_RETURN: &str = "LOST_RETURN";

    /// Whether it is known how the call ended.
    pub fn has_returned(&self) -> bool {
        self.error != Self::LOST_RETURN
    }
}

impl From<Record> for Sample {
    fn from(record: Record) -> Self {
        Self {
            record: Some(record),
        }
    }
}
