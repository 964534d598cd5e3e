//! Why nothing could be attached at all.

use super::Reason;
use crate::kernel::btf::BtfError;

/// The kernel or the privileges do not allow it (exit code 3). Each message
/// names the cause and, where there is one, the way out.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// This process may not, or this kernel cannot.
    #[error("cannot trace this kernel: {0} (`volprobe doctor` tells more)")]
    Forbidden(Reason),
    /// The BTF cannot be used.
    #[error("cannot read the kernel's types")]
    Btf(#[from] BtfError),
    /// The kernel refused the maps, for a reason that the facts do not tell.
    #[error("the kernel refused the maps of the programs: {0} (`volprobe doctor` tells more)")]
    Load(String),
    /// The kernel's hooks cannot be told to the loader.
    #[error("cannot use the kernel's types: {0}")]
    Hooks(#[from] aya::BtfError),
    /// The object is not the one that this program was written for.
    #[error("the kernel programs in this binary do not fit it: {0}")]
    Object(String),
    /// The hooks of `--tree` cannot be attached, so it would count nothing.
    #[error("cannot follow the processes of a command (--tree): {0}")]
    Tree(String),
    /// Of the chosen probes none is attached.
    #[error("none of the chosen probes can be attached: {}", .0.join("; "))]
    Nothing(Vec<String>),
}

impl AttachError {
    /// The cause alone, for a reader who is at `doctor` already.
    pub fn cause(&self) -> String {
        match self {
            Self::Forbidden(reason) => reason.to_string(),
            Self::Load(why) => format!("the kernel refused the maps of the programs: {why}"),
            other => super::explain::chain(other),
        }
    }
}
