//! What a stream amounts to, live and from a file alike.

pub mod totals;

pub use totals::Totals;
