//! The host's side: kernels, initramfs, QEMU.

pub mod apt;
pub mod bench;
pub mod build;
pub mod build_ebpf;
pub mod cache;
pub mod cpio;
pub mod demo;
pub mod dist;
pub mod drift;
pub mod fuzz;
pub mod initramfs;
pub mod kernels;
pub mod machine;
pub mod modules;
pub mod power_cut;
pub mod python;
pub mod qemu;
pub mod qmp;
pub mod readme;
pub mod run;
pub mod scenarios;
pub mod sources;
pub mod tally;
pub mod test;
pub mod vm;
pub mod write_log;

/// Prints one line of progress on stderr.
pub fn progress(text: impl std::fmt::Display) {
    eprintln!("xtask: {text}");
}
