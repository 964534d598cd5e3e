//! The one way windows come into being, live or from a recording.

use crate::sample::Window;

/// Gives the stream, window by window.
pub trait Source {
    /// The next window; `None` once the stream has ended.
    ///
    /// Dropping the future loses nothing: what it had taken is in the window
    /// of the next call.
    fn next(&mut self) -> impl Future<Output = anyhow::Result<Option<Window>>>;

    /// Asks the stream to end, and says why. What is still to come (the last
    /// counts, the closing state, the end statement) comes with the next calls.
    fn stop(&mut self, why: &str);
}
