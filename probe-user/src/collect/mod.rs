//! From the kernel's maps and ring buffer to windows of samples.
//!
//! - [`source`]: the one way windows come into being, live or replayed
//! - [`pump`]: the one loop that hands them on
//! - [`maps`], [`mmap`]: the kernel side's maps
//! - [`counts`]: what the maps gained, from [`cells`] and [`keys`], [`top`] and
//!   [`stale`], [`losses`] and [`missed`]
//! - [`decode`], [`events`]: records of the ring buffer → events; [`known`]:
//!   what only user space knows of the node
//! - [`surveyor`]: the node's inventory, read in a thread of its own
//! - [`modules`], [`uevent`]: what comes and goes while we watch
//! - [`clock`]: boot time and real time

pub mod cells;
pub mod clock;
pub mod counts;
pub mod decode;
pub mod events;
pub mod keys;
pub mod known;
pub mod losses;
pub mod maps;
pub mod missed;
pub mod mmap;
pub mod modules;
pub mod pump;
pub mod source;
pub mod stale;
//pub mod surveyor;
pub mod top;
pub mod uevent;

pub use pump::pump;
pub use source::Source;
