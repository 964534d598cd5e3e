//! The protocol between host and guest.
//!
//! Two virtio-serial ports. On [`AGENT_PORT`] the host asks and the guest's
//! `/init` answers; a message is one line of JSON, and a message that carries
//! bytes says how many follow the line. On [`HOST_PORT`] any process of the
//! guest asks something of the hypervisor in a line of text (`grow vdb 2G`)
//! and reads one line back.

use std::io::{BufRead, Write};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Name of the port on which the host drives the guest.
pub const AGENT_PORT: &str = "volprobe.agent";
/// Name of the port on which the guest asks the hypervisor.
pub const HOST_PORT: &str = "volprobe.host";

/// What the host asks of the guest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Run a command; answered by any number of [`Reply::Output`] and one
    /// [`Reply::Exit`].
    Run {
        /// Program and arguments.
        argv: Vec<String>,
    },
    /// Send a file; answered by [`Reply::File`] or [`Reply::Error`].
    Get {
        /// Path in the guest.
        path: String,
    },
}

/// What the guest answers.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The guest is up.
    Hello {
        /// Kernel release, as `uname -r` says.
        kernel: String,
    },
    /// Bytes written by the command.
    Output {
        /// 1 for stdout, 2 for stderr.
        stream: u8,
        /// Bytes that follow.
        len: usize,
    },
    /// The command is over.
    Exit {
        /// Its exit code, if it exited.
        code: Option<i32>,
        /// The signal that ended it, if one did.
        signal: Option<i32>,
    },
    /// A file.
    File {
        /// Bytes that follow.
        len: usize,
    },
    /// The request could not be carried out.
    Error {
        /// Why.
        message: String,
    },
}

impl Reply {
    fn payload(&self) -> usize {
        match self {
            Self::Output { len, .. } | Self::File { len } => *len,
            _ => 0,
        }
    }
}

/// Writes one message, and the bytes it announces.
pub fn send<M: Serialize>(to: &mut impl Write, message: &M, bytes: &[u8]) -> Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    line.extend_from_slice(bytes);
    to.write_all(&line)?;
    to.flush()?;
    Ok(())
}

/// Reads one message; `None` at the end of the stream.
pub fn receive<M: DeserializeOwned>(from: &mut impl BufRead) -> Result<Option<M>> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    if !line.ends_with('\n') {
        bail!("the peer stopped in the middle of a message: {line:?}");
    }
    let message =
        serde_json::from_str(&line).with_context(|| format!("not a message: {line:?}"))?;
    Ok(Some(message))
}

/// Reads one reply with the bytes it announces.
pub fn receive_reply(from: &mut impl BufRead) -> Result<Option<(Reply, Vec<u8>)>> {
    let Some(reply) = receive::<Reply>(from)? else {
        return Ok(None);
    };
    let mut bytes = vec![0; reply.payload()];
    from.read_exact(&mut bytes)?;
    Ok(Some((reply, bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_follow_their_message() {
        let mut wire = Vec::new();
        send(&mut wire, &Reply::Output { stream: 1, len: 3 }, b"a\nb").unwrap();
        send(
            &mut wire,
            &Reply::Exit {
                code: Some(7),
                signal: None,
            },
            b"",
        )
        .unwrap();
        let mut wire = wire.as_slice();
        let (first, bytes) = receive_reply(&mut wire).unwrap().unwrap();
        assert_eq!(
            (first, bytes.as_slice()),
            (Reply::Output { stream: 1, len: 3 }, &b"a\nb"[..])
        );
        let (second, _) = receive_reply(&mut wire).unwrap().unwrap();
        assert_eq!(
            second,
            Reply::Exit {
                code: Some(7),
                signal: None
            }
        );
        assert!(receive_reply(&mut wire).unwrap().is_none());
    }

    #[test]
    fn half_a_message_is_an_error() {
        assert!(receive_reply(&mut &b"{\"exit\""[..]).is_err());
        assert!(receive_reply(&mut &b"{\"file\":{\"len\":9}}\nabc"[..]).is_err());
    }
}
