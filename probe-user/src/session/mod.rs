//! The recording (`.vprec`): written window by window, readable up to its last
//! byte whatever ended it. `docs/format.md` specifies it.

mod bytes;
mod completeness;
pub mod frame;
mod joined;
mod load;
mod parts;
mod pass;
mod reader;
mod rotate;
mod same_disk;
mod span;
mod store;
mod walk;
mod writer;

pub use completeness::Completeness;
pub use load::{LoadError, Parts, load, parts};
pub use parts::TOO_LONG;
pub use reader::{Check, ReadError, Recording, Windows};
pub use rotate::{Limits, Rotating};
pub use same_disk::same_disk_warning;
pub use span::{Moment, NoMoment, Span};
pub use store::{FileStore, Store};
pub use writer::{SyncHandle, WriteError, Writer, WriterOptions};

#[cfg(test)]
mod tests;
