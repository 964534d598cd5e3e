//! From the kernel's maps and ring buffer to windows of samples.
//!
//! - [`source`]: the one way windows come into being, live or replayed
//! - [`pump`]: the one loop that hands them on

pub mod pump;
pub mod source;

pub use pump::pump;
pub use source::Source;
