//! What becomes of the node's devices and mounts while we watch: the kernel's
//! own notices, and the looks at the inventory that they set off.

use super::surveyor::{Question, Surveyor};
use super::uevent::{Next, Uevent, Uevents};
use super::wait;
use crate::sample::{Dev, Inventory};
use log::warn;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Not more often is the whole inventory compared, however much changes.
const CHANGES_EVERY: Duration = Duration::from_millis(100);

/// So often is looked for changes of which nobody is told.
const POLL_EVERY: Duration = Duration::from_secs(10);

/// Notices and looks.
pub struct NodeWatch {
    surveyor: Surveyor,
    /// `None` where the kernel would not give them.
    uevents: Option<AsyncFd<Uevents>>,
    /// The mount table; reports a change as priority data.
    mounts: Option<AsyncFd<File>>,
    changed: Instant,
    changes_due: bool,
    polled: Instant,
}

/// What there is to be done.
#[derive(Debug)]
pub enum News {
    /// An answer of the inventory.
    Inventory(Inventory),
    /// A module came or went.
    Module,
    /// Nothing more than a look that was set off.
    Nothing,
}

enum Ready {
    Uevents,
    Mounts,
    Answer(Option<Inventory>),
}

impl NodeWatch {
    /// Begins to watch the node whose files lie below `root`. Needs a running
    /// tokio runtime.
    pub fn start(root: &Path) -> io::Result<Self> {
        let now = Instant::now();
        Ok(Self {
            surveyor: Surveyor::start(root)?,
            uevents: noted("device messages", uevents()),
            mounts: noted("the mount table", mount_table(root)),
            changed: now,
            changes_due: false,
            polled: now,
        })
    }

    /// Asks for a look at the node.
    pub fn ask(&mut self, question: Question) {
        if question == Question::Changes {
            self.changes_due = true;
            self.ask_if_due();
        } else {
            self.surveyor.ask(question);
        }
    }

    /// To be called at each flush: looks that are due by now.
    pub fn tick(&mut self) {
        self.ask_if_due();
        if self.polled.elapsed() >= POLL_EVERY {
            self.polled = Instant::now();
            self.surveyor.ask(Question::Poll);
        }
    }

    fn ask_if_due(&mut self) {
        if self.changes_due && self.changed.elapsed() >= CHANGES_EVERY {
            self.changes_due = false;
            self.changed = Instant::now();
            self.surveyor.ask(Question::Changes);
        }
    }

    /// Waits for the next news. May be dropped without losing any.
    pub async fn news(&mut self) -> News {
        let later = self.changed + CHANGES_EVERY;
        let ready = tokio::select! {
            ready = readable(self.uevents.as_ref(), Interest::READABLE) => ready.map(|()| Ready::Uevents),
            ready = readable(self.mounts.as_ref(), Interest::PRIORITY) => ready.map(|()| Ready::Mounts),
            answer = self.surveyor.answer() => Ok(Ready::Answer(answer)),
            () = tokio::time::sleep_until(later.into()), if self.changes_due => {
                self.ask_if_due();
                return News::Nothing;
            }
        };
        match ready {
            Ok(Ready::Answer(Some(inventory))) => News::Inventory(inventory),
            // The thread is gone: nothing will come any more.
            Ok(Ready::Answer(None)) => std::future::pending().await,
            Ok(Ready::Mounts) => {
                self.ask(Question::Changes);
                News::Nothing
            }
            Ok(Ready::Uevents) => self.read_uevents(),
            Err(error) => {
                warn!("watching devices and mounts: {error}");
                News::Nothing
            }
        }
    }

    fn read_uevents(&mut self) -> News {
        let mut news = News::Nothing;
        while let Some(next) = self
            .uevents
            .as_ref()
            .map(|uevents| uevents.get_ref().next())
        {
            match next {
                Ok(Next::Message(Uevent::Resized(dev))) => self.ask(Question::Measure(dev)),
                Ok(Next::Message(Uevent::Block)) => self.ask(Question::Changes),
                Ok(Next::Message(Uevent::Module)) => news = News::Module,
                Ok(Next::Message(Uevent::Other)) => {}
                Ok(Next::Lost) => {
                    self.ask(Question::Changes);
                    news = News::Module;
                }
                Ok(Next::None) => break,
                Err(error) => {
                    warn!("reading device messages: {error}");
                    self.uevents = None;
                }
            }
        }
        news
    }

    /// The sizes of a device, and of all that belongs to it, are to be stated.
    pub fn measure(&mut self, dev: u32) {
        self.ask(Question::Measure(Dev(dev)));
    }
}

fn uevents() -> io::Result<AsyncFd<Uevents>> {
    wait::register(Uevents::open()?, Interest::READABLE)
}

fn mount_table(root: &Path) -> io::Result<AsyncFd<File>> {
    // The host's table where it can be read, which is process 1's.
    let host = File::open(root.join("proc/1/mountinfo"));
    let table = host.or_else(|_| File::open("/proc/self/mountinfo"))?;
    wait::register(table, Interest::PRIORITY)
}

fn noted<T>(what: &str, result: io::Result<T>) -> Option<T> {
    result
        .inspect_err(|error| warn!("cannot watch {what}: {error}"))
        .ok()
}

async fn readable<T: std::os::fd::AsRawFd>(
    fd: Option<&AsyncFd<T>>,
    interest: Interest,
) -> io::Result<()> {
    match fd {
        Some(fd) => {
            fd.ready(interest).await?.clear_ready();
            Ok(())
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn inventory(watch: &mut NodeWatch) -> Inventory {
        let found = async {
            loop {
                if let News::Inventory(inventory) = watch.news().await {
                    return inventory;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), found)
            .await
            .unwrap()
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_question_is_answered_beside_the_loop() {
        let root = tempfile::tempdir().unwrap();
        let mut watch = NodeWatch::start(root.path()).unwrap();
        watch.ask(Question::Whole);
        assert!(inventory(&mut watch).await.whole);
        watch.measure(16);
        assert!(!inventory(&mut watch).await.whole);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_storm_of_changes_is_one_look() {
        let root = tempfile::tempdir().unwrap();
        let mut watch = NodeWatch::start(root.path()).unwrap();
        for _ in 0..100 {
            watch.ask(Question::Changes);
        }
        assert!(watch.changes_due);
        while watch.changes_due {
            watch.news().await;
        }
        assert!(watch.changed.elapsed() < CHANGES_EVERY);
    }
}
