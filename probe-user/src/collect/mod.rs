//! From the kernel's maps and ring buffer to windows of samples.
//!
//! - [`source`]: the one way windows come into being, live or replayed
//! - [`pump`]: the one loop that hands them on
//! - [`mmap`]: array maps read as memory
//! - [`cells`], [`keys`]: cumulative cells → what each series gained
//! - [`decode`], [`events`]: records of the ring buffer → events; [`known`]:
//!   what only user space knows of the node
//! - [`losses`], [`missed`]: what is not in the counts
//! - [`clock`]: boot time and real time

pub mod cells;
pub mod clock;
pub mod decode;
pub mod events;
pub mod keys;
pub mod known;
pub mod losses;
pub mod missed;
pub mod mmap;
pub mod pump;
pub mod source;

pub use pump::pump;
pub use source::Source;
