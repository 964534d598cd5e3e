//! The only loop: source → sinks, until the stream ends.

use super::Source;
use crate::sink::Sink;
use std::pin::pin;

/// Why a stream ended, and what went wrong on the way.
#[derive(Debug)]
pub struct Ended {
    /// What [`pump`]'s `stop` said; `None` where the stream ended by itself.
    pub stopped: Option<String>,
    /// The first error of a sink. The stream was ended because of it.
    pub sink_error: Option<anyhow::Error>,
}

/// Hands every window of `source` to `sink` until the stream ends by itself or
/// `stop` resolves to the reason for ending it.
///
/// However it ends, the source's last windows are asked for and handed on, and
/// the sink is told to finish. An error of the source is returned after that.
pub async fn pump(
    source: &mut impl Source,
    sink: &mut dyn Sink,
    stop: impl Future<Output = String>,
) -> anyhow::Result<Ended> {
    let mut stop = pin!(stop);
    let mut ended = Ended {
        stopped: None,
        sink_error: None,
    };
    let mut stopping = false;
    let source_error = loop {
        let window = tokio::select! {
            biased;
            why = &mut stop, if !stopping => {
                source.stop(&why);
                stopping = true;
                ended.stopped = Some(why);
                continue;
            }
            window = source.next() => window,
        };
        let window = match window {
            Ok(Some(window)) => window,
            Ok(None) => break None,
            Err(error) => break Some(error),
        };
        if let Err(error) = sink.window(&window)
            && ended.sink_error.is_none()
        {
            if !stopping {
                source.stop(&format!("output: {error:#}"));
                stopping = true;
            }
            ended.sink_error = Some(error);
        }
    };
    if let Err(error) = sink.finish() {
        ended.sink_error.get_or_insert(error);
    }
    match source_error {
        Some(error) => Err(error),
        None => Ok(ended),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Window;
    use std::future::{pending, ready};

    /// Endless windows until it is stopped, then two more.
    #[derive(Default)]
    struct Endless {
        seq: u64,
        left: Option<u64>,
        why: String,
    }

    impl Source for Endless {
        async fn next(&mut self) -> anyhow::Result<Option<Window>> {
            tokio::task::yield_now().await;
            match &mut self.left {
                Some(0) => return Ok(None),
                Some(left) => *left -= 1,
                None => {}
            }
            self.seq += 1;
            Ok(Some(Window {
                seq: self.seq,
                ..Window::default()
            }))
        }

        fn stop(&mut self, why: &str) {
            why.clone_into(&mut self.why);
            self.left = Some(2);
        }
    }

    #[derive(Default)]
    struct Seen {
        windows: Vec<u64>,
        fail_at: Option<u64>,
        finished: bool,
    }

    impl Sink for Seen {
        fn window(&mut self, window: &Window) -> anyhow::Result<()> {
            anyhow::ensure!(self.fail_at != Some(window.seq), "disk full");
            self.windows.push(window.seq);
            Ok(())
        }

        fn finish(&mut self) -> anyhow::Result<()> {
            self.finished = true;
            Ok(())
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_last_windows_follow_the_stop() {
        let (mut source, mut seen) = (Endless::default(), Seen::default());
        let ended = pump(&mut source, &mut seen, ready("signal".to_owned()))
            .await
            .unwrap();
        assert_eq!(ended.stopped.as_deref(), Some("signal"));
        assert_eq!(source.why, "signal");
        assert_eq!(seen.windows, [1, 2]);
        assert!(seen.finished);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_failing_sink_ends_the_stream() {
        let mut seen = Seen {
            fail_at: Some(3),
            ..Seen::default()
        };
        let mut source = Endless::default();
        let ended = pump(&mut source, &mut seen, pending()).await.unwrap();
        assert_eq!(ended.stopped, None);
        assert_eq!(ended.sink_error.unwrap().to_string(), "disk full");
        assert_eq!(source.why, "output: disk full");
        assert_eq!(seen.windows, [1, 2, 4, 5]);
        assert!(seen.finished);
    }
}
