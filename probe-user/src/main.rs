//! The `volprobe` binary.

fn main() {}
