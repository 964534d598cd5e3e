//! One wake-up at a time to come.

use super::wait;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A timer of the kernel. tokio's own timer wheel wakes the thread twice for a
/// wait of a second: once on the way, to look again.
#[derive(Debug)]
pub struct Alarm {
    timer: AsyncFd<OwnedFd>,
    at: Instant,
}

impl Alarm {
    /// Goes off `after` from now. Needs a running tokio runtime.
    pub fn new(after: Duration) -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let mut alarm = Self {
            timer: wait::register(timer, Interest::READABLE)?,
            at: Instant::now(),
        };
        alarm.set(alarm.at + after)?;
        Ok(alarm)
    }

    /// When it goes off.
    pub fn at(&self) -> Instant {
        self.at
    }

    /// Goes off at another time.
    pub fn set(&mut self, at: Instant) -> io::Result<()> {
        // A timer of 0 is off: what is past goes off at once.
        let left = at
            .saturating_duration_since(Instant::now())
            .max(Duration::from_nanos(1));
        let timer = Itimerspec {
            it_interval: Timespec::default(),
            it_value: Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            },
        };
        timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::empty(), &timer)?;
        self.at = at;
        Ok(())
    }

    /// Waits until it goes off. May be dropped and called again.
    pub async fn wait(&mut self) -> io::Result<()> {
        while Instant::now() < self.at {
            let mut ready = self.timer.readable().await?;
            let mut expirations = [0; 8];
            // Nothing to read where it was set anew meanwhile: wait on.
            let _ = rustix::io::read(ready.get_inner(), &mut expirations);
            ready.clear_ready();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn it_goes_off_in_time_and_again() {
        let mut alarm = Alarm::new(Duration::from_millis(20)).unwrap();
        for _ in 0..2 {
            let at = alarm.at();
            tokio::time::timeout(Duration::from_secs(10), alarm.wait())
                .await
                .unwrap()
                .unwrap();
            assert!(Instant::now() >= at);
            alarm.set(at + Duration::from_millis(20)).unwrap();
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_is_past_goes_off_at_once() {
        let mut alarm = Alarm::new(Duration::from_secs(1000)).unwrap();
        alarm.set(Instant::now()).unwrap();
        let soon = tokio::time::timeout(Duration::from_secs(10), alarm.wait()).await;
        soon.unwrap().unwrap();
    }
}
