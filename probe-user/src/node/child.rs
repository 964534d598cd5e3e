//! A child process that asks disks, and may hang in it for ever.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::asking::{Job, Message, Reply};

/// Descriptors below this are closed one by one on kernels without `close_range` (before 5.9).
const MAX_FDS: RawFd = 1024;

/// The child. It ends when it has asked all, or when nobody listens any more.
#[derive(Debug)]
pub(super) struct Child {
    pid: Pid,
    answers: OwnedFd,
    ended: bool,
}

impl Child {
    /// Forks a child that answers the jobs in their order.
    pub(super) fn start(jobs: &[Job]) -> io::Result<Self> {
        let (answers, out) = pipe_with(PipeFlags::CLOEXEC)?;
        // SAFETY: until it exits the child calls only `serve`, which neither allocates
        // nor locks: it makes system calls, and reads memory that was prepared before.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => serve(jobs, out.as_raw_fd()),
            pid => Ok(Self {
                pid: Pid::from_raw(pid).ok_or(Errno::CHILD)?,
                answers,
                ended: false,
            }),
        }
    }

    /// Up to `count` replies; fewer where the child was silent for longer than
    /// `limit`, or ended.
    pub(super) fn answers(&mut self, count: usize, limit: Duration) -> Vec<Reply> {
        let mut answers = Vec::with_capacity(count);
        let mut bytes = Vec::new();
        let mut buffer = [0; 8192];
        while answers.len() < count && is_readable(&self.answers, limit) {
            let length = match read(&self.answers, &mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(Errno::INTR) => continue,
                Err(_) => break,
            };
            bytes.extend_from_slice(&buffer[..length]);
            while let Some((answer, length)) = Reply::decode(&bytes) {
                answers.push(answer);
                bytes.drain(..length);
            }
        }
        if answers.len() >= count {
            // It has nothing left to do but to exit.
            let _ = waitpid(Some(self.pid), WaitOptions::empty());
            self.ended = true;
        } else {
            // Where it hangs in the kernel this takes effect when it is back.
            let _ = kill_process(self.pid, Signal::KILL);
        }
        answers
    }

    /// Whether it is gone; until then its disk does not answer.
    pub(super) fn has_ended(&mut self) -> bool {
        if !self.ended {
            let state = waitpid(Some(self.pid), WaitOptions::NOHANG);
            self.ended = !matches!(state, Ok(None));
        }
        self.ended
    }
}

fn is_readable(pipe: &OwnedFd, limit: Duration) -> bool {
    let limit = Timespec {
        tv_sec: limit.as_secs().cast_signed(),
        tv_nsec: limit.subsec_nanos().into(),
    };
    loop {
        let mut pipe = [PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)];
        match poll(&mut pipe, Some(&limit)) {
            Err(Errno::INTR) => {}
            ready => return ready.is_ok_and(|count| count > 0),
        }
    }
}

/// The child's whole life.
fn serve(jobs: &[Job], out: RawFd) -> ! {
    // A child that hangs must not keep anything open that others wait for the end
    // of, such as the pipe that our output goes to.
    close_all_but(out);
    let mut message = Message::new();
    // SAFETY: `out` is the one descriptor that is open, and ends with this function.
    let out = unsafe { OwnedFd::from_raw_fd(out) };
    for job in jobs {
        message.ask(job);
        let written = message
            .parts()
            .into_iter()
            .all(|part| write_all(&out, part));
        if !written {
            break;
        }
    }
    // SAFETY: `_exit` ends the process without running anything of the parent's.
    unsafe { libc::_exit(0) }
}

fn close_all_but(kept: RawFd) {
    let close = |first: RawFd, last: libc::c_uint| {
        // SAFETY: no descriptor of the parent's is used by the child but `kept`.
        unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) == 0 }
    };
    let below = kept == 0 || close(0, kept.cast_unsigned() - 1);
    if below && close(kept + 1, libc::c_uint::MAX) {
        return;
    }
    for fd in (0..MAX_FDS).filter(|fd| *fd != kept) {
        // SAFETY: as above.
        unsafe { libc::close(fd) };
    }
}

fn write_all(out: &OwnedFd, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match rustix::io::write(out, bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
    true
}

#[cfg(test)]
impl Child {
    /// One that hangs until the other value is dropped.
    #[allow(clippy::zombie_processes)] // it is waited for by its pid
    pub(super) fn that_hangs() -> (Self, std::process::ChildStdin) {
        let (answers, _) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let mut command = std::process::Command::new("cat");
        let mut cat = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_raw(cat.id() as i32).unwrap();
        let ended = false;
        (
            Self {
                pid,
                answers,
                ended,
            },
            cat.stdin.take().unwrap(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::asking::Answer;
    use crate::node::superblock::Kind;
    use std::ffi::CString;
    use std::path::Path;
    use std::time::Instant;

    fn job(node: &Path) -> Job {
        Job {
            dev: 1,
            block_dev: 1,
            kind: Kind::Ext,
            nodes: vec![CString::new(node.to_str().unwrap()).unwrap()],
            mount_points: Vec::new(),
        }
    }

    #[test]
    fn all_jobs_are_answered_in_their_order() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("full"), [7; 10_000]).unwrap();
        let (full, none) = (job(&dir.path().join("full")), job(&dir.path().join("none")));
        let mut child = Child::start(&[none, full]).unwrap();
        let answers = child.answers(2, Duration::from_mins(1));
        let missing = Answer::Failed {
            node: 0,
            errno: libc::ENOENT,
        };
        let answers: Vec<Answer> = answers.into_iter().map(|reply| reply.answer).collect();
        assert_eq!(answers, [missing, Answer::Block([7; 4096].into())]);
        assert!(child.has_ended());
    }

    #[test]
    fn who_says_nothing_is_waited_for_no_longer_than_the_limit() {
        let (answers, _silent) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let child = Child::start(&[]).unwrap();
        let mut silent = Child { answers, ..child };
        let start = Instant::now();
        assert_eq!(silent.answers(1, Duration::from_millis(20)), []);
        assert!(start.elapsed() >= Duration::from_millis(20));
        while !silent.has_ended() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn who_ends_early_is_not_waited_for() {
        let mut child = Child::start(&[]).unwrap();
        assert_eq!(child.answers(1, Duration::from_mins(10)), []);
    }
}
