//! The compiler as cargo is to call it: a crate's symbols must not depend on
//! the folder it is built in.
//!
//! Cargo hashes a package's absolute path and all flags into `-C metadata`, the
//! compiler that into every mangled name, and the names stand in the object's
//! symbols and BTF. So this program puts itself between the two (as
//! `RUSTC_WRAPPER`) and gives the package's name and version instead.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// Set where this program is called in the compiler's place.
pub(super) const CALLED_AS_RUSTC: &str = "VOLPROBE_XTASK_IS_RUSTC";

/// Becomes the compiler, if cargo called this program in its place.
pub fn become_rustc() -> Option<ExitCode> {
    env::var_os(CALLED_AS_RUSTC)?;
    let mut arguments = env::args_os().skip(1);
    let rustc = arguments.next()?;
    let package = |name: &str| env::var(name).unwrap_or_default();
    let identity = format!(
        "metadata={}-{}",
        package("CARGO_PKG_NAME"),
        package("CARGO_PKG_VERSION")
    );
    let error = Command::new(rustc)
        .args(arguments.map(|argument| {
            let is_metadata = argument.to_string_lossy().starts_with("metadata=");
            if is_metadata {
                identity.clone().into()
            } else {
                argument
            }
        }))
        .exec();
    eprintln!("xtask: cannot start rustc: {error}");
    Some(ExitCode::FAILURE)
}
