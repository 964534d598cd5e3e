//! Where windows go: a recording, a live view, both.

mod fanout;

pub use fanout::Fanout;

use crate::sample::Window;

/// Takes the stream, window by window.
pub trait Sink {
    /// Takes the next window. An error ends this sink, not the others.
    fn window(&mut self, window: &Window) -> anyhow::Result<()>;

    /// The stream has ended; nothing follows.
    fn finish(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
}
