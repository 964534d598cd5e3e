//! `copy_file_range`, and clones by ioctl.

use crate::settings;
use aya_ebpf::{macros::fexit, programs::FExitContext};

// ssize_t vfs_copy_file_range(struct file *file_in, loff_t pos_in,
//         struct file *file_out, loff_t pos_out, size_t len, unsigned int flags)
#[fexit(function = "vfs_copy_file_range")]
fn copy_exit(_ctx: FExitContext) -> u32 {
    let _ = settings::armed();
    0
}
