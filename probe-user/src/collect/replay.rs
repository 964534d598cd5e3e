//! A recording as a source: its windows at the pace they were made at.

use super::Source;
use crate::sample::Window;
use std::time::Duration;
use tokio::time::Instant;

/// Gives the windows of an iterator, such as that of a recording's reader.
#[derive(Debug)]
pub struct Replay<W> {
    windows: W,
    /// How many times faster than they were made; `None`: without waiting.
    speed: Option<f64>,
    /// Read already, not due yet.
    held: Option<Window>,
    due: Option<(Instant, u64)>,
    stopped: bool,
}

impl<W> Replay<W> {
    /// Replays `windows`, `speed` times faster than they were made, or without
    /// waiting between them.
    pub fn new(windows: W, speed: Option<f64>) -> Self {
        Self {
            windows,
            speed,
            held: None,
            due: None,
            stopped: false,
        }
    }

    /// When a window that ended at `boot_ns` is due.
    fn due(&mut self, boot_ns: u64) -> Option<Instant> {
        let speed = self.speed?;
        let (before, before_ns) = self.due.unwrap_or((Instant::now(), boot_ns));
        let pause = boot_ns.saturating_sub(before_ns) as f64 / speed / 1e9;
        let due = before + Duration::try_from_secs_f64(pause).unwrap_or_default();
        self.due = Some((due, boot_ns));
        Some(due)
    }
}

impl<W, E> Source for Replay<W>
where
    W: Iterator<Item = Result<Window, E>>,
    E: std::error::Error + Send + Sync + 'static,
{
    async fn next(&mut self) -> anyhow::Result<Option<Window>> {
        if self.stopped {
            return Ok(None);
        }
        if self.held.is_none() {
            self.held = self.windows.next().transpose()?;
            if let Some(window) = &self.held {
                let ended = window.to_boot_ns;
                self.due(ended);
            }
        }
        if let (Some(_), Some((due, _))) = (&self.held, self.due) {
            tokio::time::sleep_until(due).await;
        }
        Ok(self.held.take())
    }

    fn stop(&mut self, _why: &str) {
        self.stopped = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn windows() -> impl Iterator<Item = Result<Window, Infallible>> {
        [5, 6, 8].into_iter().map(|second| {
            Ok(Window {
                to_boot_ns: second * 1_000_000_000,
                ..Window::default()
            })
        })
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn windows_come_at_the_pace_they_were_made_at() {
        let mut replay = Replay::new(windows(), Some(2.0));
        let start = Instant::now();
        let mut at = Vec::new();
        while replay.next().await.unwrap().is_some() {
            at.push(start.elapsed().as_millis());
        }
        assert_eq!(at, [0, 500, 1500]);
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_wait_that_is_given_up_loses_no_window() {
        let mut replay = Replay::new(windows(), Some(1.0));
        replay.next().await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(1), replay.next()).await;
        assert!(early.is_err());
        let window = replay.next().await.unwrap().unwrap();
        assert_eq!(window.to_boot_ns, 6_000_000_000);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn without_a_speed_nothing_is_waited_for() {
        let mut replay = Replay::new(windows(), None);
        for _ in 0..3 {
            assert!(replay.next().await.unwrap().is_some());
        }
        assert!(replay.next().await.unwrap().is_none());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn it_ends_when_stopped() {
        let mut replay = Replay::new(windows(), None);
        replay.stop("signal");
        assert!(replay.next().await.unwrap().is_none());
    }
}
