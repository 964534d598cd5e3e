//! Turns the recording's `.proto` into Rust, without needing `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let descriptors = protox::compile(["proto/volprobe.proto"], ["proto"])?;
    prost_build::Config::new()
        .btree_map(["."])
        .compile_fds(descriptors)?;
    println!("cargo::rerun-if-changed=proto/volprobe.proto");
    Ok(())
}
