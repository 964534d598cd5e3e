//! `/init` of the test machines; also `host` (asks the hypervisor).

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::guest::main()
}
