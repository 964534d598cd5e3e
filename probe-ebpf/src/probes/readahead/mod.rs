//! Readahead.
//!
//! What is submitted is counted where it is: at `read_pages`, the one function
//! that every window of every kernel passes through ([`submit`]). Why it is
//! submitted, and how long submitting takes, say the functions around it
//! ([`window`], [`fault`]), which note in [`reading`] what their thread does.

mod book;
mod fault;
mod reading;
mod stream;
mod submit;
mod window;

pub use reading::Reading;
pub use stream::{Stream, StreamKey};
