//! Reads the node's inventory beside the collector, in a thread of its own: a
//! look at many devices takes milliseconds, one at a hanging disk far longer,
//! and no flush waits for either.

use crate::boottime::boot_ns;
use crate::node::{Cgroups, Node, inventory};
use crate::sample::{Dev, Inventory};
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use tokio::sync::mpsc as channel;

/// Something to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// The sizes of this device, of what lies on it and beneath it, now. The
    /// answer always comes, because it also states what did not change.
    Measure(Dev),
    /// Whatever changes without anybody being told.
    Poll,
    /// Everything; the answer is what differs from before, if anything does.
    Changes,
    /// The name of a cgroup id.
    Cgroup(u64),
    /// Everything, as a whole inventory.
    Whole,
}

/// The other thread.
#[derive(Debug)]
pub struct Surveyor {
    questions: mpsc::Sender<Question>,
    answers: channel::UnboundedReceiver<Inventory>,
}

impl Surveyor {
    /// Starts the thread, for the node whose files lie below `root`.
    pub fn start(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        let (questions, asked) = mpsc::channel();
        let (answer, answers) = channel::unbounded_channel();
        thread::Builder::new()
            .name("inventory".to_owned())
            .spawn(move || serve(root, &asked, &answer))?;
        Ok(Self { questions, answers })
    }

    /// Asks; the answer comes later. A thread that is gone answers nothing.
    pub fn ask(&self, question: Question) {
        let _ = self.questions.send(question);
    }

    /// The next answer; `None` once the thread is gone.
    pub async fn answer(&mut self) -> Option<Inventory> {
        self.answers.recv().await
    }
}

fn serve(
    root: PathBuf,
    asked: &mpsc::Receiver<Question>,
    answer: &channel::UnboundedSender<Inventory>,
) {
    let node = Node::new(root.clone());
    let mut cgroups = Cgroups::new(root);
    let mut known = Inventory::default();
    while let Ok(first) = asked.recv() {
        // What was asked meanwhile is asked once, and cgroups are looked up in one
        // walk.
        let questions: BTreeSet<Question> = [first].into_iter().chain(asked.try_iter()).collect();
        let mut named = Inventory::default();
        for question in questions {
            let found = match question {
                Question::Measure(dev) => Some(node.measure(&known, dev)),
                Question::Poll => node.poll(&known),
                Question::Changes => inventory::diff(&known, &node.snapshot()),
                Question::Whole => Some(node.snapshot()),
                Question::Cgroup(id) => {
                    named.cgroups.extend(cgroups.resolve(id));
                    None
                }
            };
            if let Some(found) = found {
                inventory::apply(&mut known, &found);
                if answer.send(found).is_err() {
                    return;
                }
            }
        }
        if !named.cgroups.is_empty() {
            named.boot_ns = boot_ns();
            if answer.send(named).is_err() {
                return;
            }
        }
    }
}
