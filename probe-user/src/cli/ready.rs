//! Says when a capture has begun: every probe is settled, the first window is
//! handed on.

use crate::sample::probe_status::State;
use crate::sample::{ProbeStatus, Record, Window};
use crate::sink::Sink;
use log::warn;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::{env, io};
use tokio::sync::oneshot;

/// A sink that tells the user, systemd and the capture itself. To be added last.
#[derive(Debug)]
pub struct Ready {
    target: String,
    told: bool,
    begun: Option<oneshot::Sender<()>>,
}

impl Ready {
    /// `target` says where the stream goes: `to x.vprec`.
    pub fn new(target: impl Into<String>) -> Self {
        Self {
            target: target.into(),
            told: false,
            begun: None,
        }
    }

    /// Resolves when the capture has begun.
    pub fn begun(&mut self) -> oneshot::Receiver<()> {
        let (begun, receiver) = oneshot::channel();
        self.begun = Some(begun);
        receiver
    }
}

impl Sink for Ready {
    fn window(&mut self, window: &Window) -> anyhow::Result<()> {
        if !self.told {
            self.told = true;
            eprintln!("volprobe: recording {}: {}", self.target, states(window));
            if let Err(error) = notify("READY=1") {
                warn!("cannot notify systemd: {error}");
            }
            if let Some(begun) = self.begun.take() {
                // Nobody waits any more: the capture is ending already.
                let _ = begun.send(());
            }
        }
        Ok(())
    }
}

/// The probes by name, those that do not fully work with the reason.
fn states(window: &Window) -> String {
    let probes = window.samples.iter().filter_map(|sample| {
        let Some(Record::Probe(probe)) = &sample.record else {
            return None;
        };
        state(probe)
    });
    let probes: Vec<String> = probes.collect();
    if probes.is_empty() {
        "no probe".to_owned()
    } else {
        probes.join(", ")
    }
}

fn state(probe: &ProbeStatus) -> Option<String> {
    let word = match probe.state() {
        State::Off => return None,
        State::Attached => "",
        State::Partial => "partial",
        State::Waiting => "waiting",
        State::Unsupported => "unsupported",
        State::Failed => "failed",
    };
    let failed = probe.self_test.strip_prefix("failed: ");
    Some(match (word, failed) {
        ("", None) => probe.name.clone(),
        ("", Some(why)) => format!("{} (self-test failed: {why})", probe.name),
        (word, _) if probe.reason.is_empty() => format!("{} ({word})", probe.name),
        (word, _) => format!("{} ({word}: {})", probe.name, probe.reason),
    })
}

/// Tells the service manager, if one listens (`sd_notify(3)`).
fn notify(state: &str) -> io::Result<()> {
    let Some(socket) = env::var_os("NOTIFY_SOCKET") else {
        return Ok(());
    };
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(&socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(name: &str, state: State, reason: &str, self_test: &str) -> Record {
        Record::Probe(ProbeStatus {
            name: name.to_owned(),
            state: state.into(),
            reason: reason.to_owned(),
            self_test: self_test.to_owned(),
            ..ProbeStatus::default()
        })
    }

    #[test]
    fn what_does_not_work_says_why() {
        let records = [
            probe("copy", State::Attached, "", "passed"),
            probe("copy-entry", State::Off, "", ""),
            probe("resize", State::Waiting, "xfs is not loaded", ""),
            probe("exec", State::Attached, "", "failed: exec not seen"),
        ];
        let window = Window {
            samples: records.into_iter().map(Into::into).collect(),
            ..Window::default()
        };
        assert_eq!(
            states(&window),
            "copy, resize (waiting: xfs is not loaded), exec (self-test failed: exec not seen)"
        );
    }

    #[test]
    fn only_the_first_window_is_told() {
        let mut ready = Ready::new("to nowhere");
        let mut begun = ready.begun();
        assert!(begun.try_recv().is_err());
        ready.window(&Window::default()).unwrap();
        assert_eq!(begun.try_recv(), Ok(()));
        ready.window(&Window::default()).unwrap();
    }
}
