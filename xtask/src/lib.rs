//! What a contributor does, without shell scripts.
//!
//! `host` prepares and drives virtual machines; `guest` is what runs inside
//! them as `/init`; `link` is the protocol between the two.

pub mod guest;
pub mod host;
pub mod link;
pub mod size;
