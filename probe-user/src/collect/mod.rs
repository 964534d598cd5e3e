//! From the kernel's maps and ring buffer to windows of samples.
//!
//! - [`source`]: the one way windows come into being, live or replayed
//! - [`replay`]: a recording as a source
//! - [`pump`]: the one loop that hands them on
//! - [`kernel`]: the live source; [`hooks`]: its programs over time
//! - [`maps`], [`mmap`], [`ring`]: the kernel side's maps
//! - [`counts`]: what the maps gained, from [`cells`] and [`keys`], [`top`] and
//!   [`stale`], [`losses`] and [`missed`]
//! - [`decode`], [`events`]: records of the ring buffer → events; [`known`]:
//!   what only user space knows of the node
//! - [`node_watch`]: what becomes of the node: [`uevent`]s, mounts, and the
//!   [`surveyor`], which reads the inventory in a thread of its own
//! - [`modules`]: those that hooks are in
//! - [`wait`], [`alarm`]: waiting for file descriptors and for a time
//! - [`clock`]: boot time and real time

pub mod alarm;
pub mod cells;
pub mod clock;
pub mod counts;
pub mod decode;
pub mod events;
pub mod hooks;
pub mod kernel;
pub mod keys;
pub mod known;
pub mod losses;
pub mod maps;
pub mod missed;
pub mod mmap;
pub mod modules;
pub mod node_watch;
pub mod pump;
pub mod replay;
pub mod ring;
pub mod source;
pub mod stale;
pub mod surveyor;
pub mod top;
pub mod uevent;
pub mod wait;

pub use kernel::{KernelSource, Options};
pub use pump::pump;
pub use replay::Replay;
pub use source::Source;
