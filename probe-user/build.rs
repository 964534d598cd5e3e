//! Turns the `.proto` files into Rust, without needing `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let recording = protox::compile(["proto/volprobe.proto"], ["proto"])?;
    prost_build::Config::new()
        .btree_map(["."])
        // The largest record is many; the others need not be as large, and a box is
        // moved from the frame to the report.
        .boxed(".volprobe.v1.Sample.record.event")
        .boxed(".volprobe.v1.Sample.record.session")
        .type_attribute(".", "#[derive(serde::Serialize)]")
        .enum_attribute(".", "#[serde(rename_all = \"snake_case\")]")
        .compile_fds(recording)?;
    let perfetto = protox::compile(["proto/perfetto.proto"], ["proto"])?;
    prost_build::Config::new().compile_fds(perfetto)?;
    println!("cargo::rerun-if-changed=proto");
    Ok(())
}
