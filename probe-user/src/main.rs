//! The `volprobe` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    volprobe::cli::main()
}
