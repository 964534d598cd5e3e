//! What a contributor does, without shell scripts: `cargo xtask --help`.

use anyhow::Result;
use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo xtask", about, version)]
enum Command {}

fn main() -> Result<()> {
    match Command::parse() {}
}
