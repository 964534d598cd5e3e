//! What a command can end with, and the exit code of each.

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request or an input is at fault: wrong usage, an unreadable file.
    #[error("{0:#}")]
    Input(#[source] anyhow::Error),
    /// The kernel or the privileges do not allow it.
    #[error("{0:#}")]
    Kernel(#[source] anyhow::Error),
    /// It began, and then failed.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

impl Error {
    /// The process's exit code: 2, 3 or 4. (0 is done; 1 belongs to
    /// `--exit-code`; with `-- CMD` the command's own is passed on.)
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Input(_) => 2,
            Self::Kernel(_) => 3,
            Self::Failed(_) => 4,
        }
    }

    /// Whether the reader of our output went away, which is no failure:
    /// `volprobe report x.vprec | head`.
    pub fn is_broken_pipe(&self) -> bool {
        let (Self::Input(error) | Self::Kernel(error) | Self::Failed(error)) = self;
        error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
            .any(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}
