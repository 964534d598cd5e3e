//! What the running kernel is and allows: read once, decided on elsewhere.
//!
//! - [`facts`]: release, privileges, restrictions, CPUs, modules
//! - [`btf`]: field offsets and function prototypes
//! - [`symbols`]: which functions exist, and which can be traced

pub mod btf;
pub mod facts;
pub mod symbols;

mod capability;
mod names;

pub use btf::{KernelBtf, Prototypes};
pub use capability::{Capabilities, Capability};
pub use facts::{Fact, KernelFacts};
pub use symbols::Symbols;
