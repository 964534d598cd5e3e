//! Several sinks at once.

use super::Sink;
use crate::sample::Window;

/// Hands every window to all of its sinks. The first error is returned after
/// the others had theirs, so that a full disk does not stop the live view
/// between two lines.
#[derive(Default)]
pub struct Fanout<'a> {
    sinks: Vec<Box<dyn Sink + 'a>>,
}

impl<'a> Fanout<'a> {
    /// Adds a sink behind those already there.
    pub fn add(&mut self, sink: impl Sink + 'a) {
        self.sinks.push(Box::new(sink));
    }

    fn each(
        &mut self,
        mut call: impl FnMut(&mut (dyn Sink + 'a)) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut result = Ok(());
        for sink in &mut self.sinks {
            result = result.and(call(sink.as_mut()));
        }
        result
    }
}

impl Sink for Fanout<'_> {
    fn window(&mut self, window: &Window) -> anyhow::Result<()> {
        self.each(|sink| sink.window(window))
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        self.each(Sink::finish)
    }
}
