//! The recording (`.vprec`): written window by window, readable up to its last
//! byte whatever ended it. `docs/format.md` specifies it.

pub mod frame;
mod parts;
mod store;
mod writer;

pub use parts::TOO_LONG;
pub use store::{FileStore, Store};
pub use writer::{SyncHandle, WriteError, Writer, WriterOptions};
