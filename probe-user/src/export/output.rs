//! Where exports go: nothing that exists is replaced unasked.

use super::Failure;
use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What was given with `-o`.
pub(super) struct Target {
    pub(super) path: PathBuf,
    pub(super) force: bool,
}

impl Target {
    /// Creates it as a file.
    pub(super) fn file(&self) -> Result<BufWriter<File>, Failure> {
        self.create(&self.path)
    }

    /// Creates it as a folder, unless it is one.
    pub(super) fn folder(&self) -> Result<(), Failure> {
        Ok(std::fs::create_dir_all(&self.path)?)
    }

    /// Creates a file in the folder.
    pub(super) fn file_in(&self, name: &str) -> Result<BufWriter<File>, Failure> {
        self.create(&self.path.join(name))
    }

    /// Readable by its owner only, as recordings are: it says as much.
    fn create(&self, path: &Path) -> Result<BufWriter<File>, Failure> {
        let mut options = OpenOptions::new();
        options.write(true).mode(0o600);
        if self.force {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        match options.open(path) {
            Ok(file) => Ok(BufWriter::new(file)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(Failure::Exists(path.to_owned()))
            }
            Err(error) => Err(error.into()),
        }
    }
}
