//! The recording (`.vprec`): written window by window, readable up to its last
//! byte whatever ended it. `docs/format.md` specifies it.

mod bytes;
mod completeness;
pub mod frame;
mod parts;
mod pass;
mod reader;
mod same_disk;
mod store;
mod walk;
mod writer;

pub use completeness::Completeness;
pub use parts::TOO_LONG;
pub use reader::{Check, ReadError, Recording, Windows};
pub use same_disk::same_disk_warning;
pub use store::{FileStore, Store};
pub use writer::{SyncHandle, WriteError, Writer, WriterOptions};

#[cfg(test)]
mod tests;
