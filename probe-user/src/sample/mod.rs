//! The one stream: what leaves the collector, what a recording holds, what
//! every view and report is computed from.
//!
//! The records are generated from `proto/volprobe.proto`, which is also the
//! format of the recording: there is no second set of types to keep in step.

mod dev;
mod errno;

pub use dev::Dev;
pub use errno::errno_name;

#[allow(missing_docs, clippy::pedantic)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/volprobe.v1.rs"));
}

pub use generated::*;
pub use sample::Record;

impl FsResize {
    /// What stands for the error where the call's return was not seen.
    pub const LOST_RETURN: &str = "LOST_RETURN";

    /// Whether it is known how the call ended.
    pub fn has_returned(&self) -> bool {
        self.error != Self::LOST_RETURN
    }
}

impl Event {
    /// The kind of its entry in a timeline; empty for one of a kind that this
    /// version does not know.
    pub fn kind(&self) -> &'static str {
        match &self.detail {
            None => "",
            Some(event::Detail::FsResizeBegin(_) | event::Detail::FsResize(_)) => "fs.resize",
            Some(event::Detail::DeviceCapacity(_)) => "device.capacity",
            Some(event::Detail::PartitionChange(_)) => "partition.change",
            Some(event::Detail::ExecStart(_)) => "exec.start",
            Some(event::Detail::ExecExit(_)) => "exec.exit",
            Some(event::Detail::ReadAhead(_)) => "config.read_ahead_kb",
            Some(event::Detail::Mount(change)) => match change.op.as_str() {
                "add" => "mount.add",
                "remove" => "mount.remove",
                _ => "mount.umount_failed",
            },
            Some(event::Detail::Module(_)) => "module",
        }
    }
}

impl Record {
    /// Belongs to the timeline: rare, and needed by whoever reads only that.
    pub fn is_timeline(&self) -> bool {
        match self {
            Self::Session(_)
            | Self::Schema(_)
            | Self::Probe(_)
            | Self::Event(_)
            | Self::Inventory(_)
            | Self::Loss(_)
            | Self::Missed(_)
            | Self::Gap(_)
            | Self::End(_) => true,
            Self::Series(_) | Self::Delta(_) | Self::Anchor(_) | Self::Process(_) => false,
        }
    }
}

impl From<Event> for Record {
    fn from(event: Event) -> Self {
        Self::Event(Box::new(event))
    }
}

impl From<Session> for Record {
    fn from(session: Session) -> Self {
        Self::Session(Box::new(session))
    }
}

impl From<Record> for Sample {
    fn from(record: Record) -> Self {
        Self {
            record: Some(record),
        }
    }
}
