//! Kernel structure fields that the programs read.
//!
//! No layout of a kernel is compiled in: the loader writes each field's offset,
//! from the running kernel's BTF, into the instructions that use it (see
//! [`crate::patch`]). One list serves both sides: the kernel side makes a
//! constant of each row, user space a table to look the offsets up by.

/// Offset value for a field that this kernel does not have.
pub const ABSENT: u32 = i32::MAX as u32;

/// One field: the constant's name, the structure, and the path within it.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name of the constant on the kernel side.
    pub symbol: &'static str,
    /// Structure, without `struct`.
    pub structure: &'static str,
    /// Member path; a later entry is looked up inside the earlier one.
    pub path: &'static [&'static str],
}

/// Calls `$callback!` with every row: `SYMBOL: "structure" ["member", …];`.
#[macro_export]
macro_rules! for_each_field {
    ($callback:ident) => {
        $callback! {
            OFF_FILE_INODE: "file" ["f_inode"];
            OFF_FILE_OP: "file" ["f_op"];
            OFF_FILE_RA_PAGES: "file" ["f_ra", "ra_pages"];
            OFF_FOPS_COPY: "file_operations" ["copy_file_range"];
            OFF_MAPPING_HOST: "address_space" ["host"];
            OFF_RAC_FILE: "readahead_control" ["file"];
            OFF_RAC_MAPPING: "readahead_control" ["mapping"];
            OFF_RAC_INDEX: "readahead_control" ["_index"];
            OFF_RAC_PAGES: "readahead_control" ["_nr_pages"];
            OFF_INODE_SB: "inode" ["i_sb"];
            OFF_SB_DEV: "super_block" ["s_dev"];
            OFF_SB_BLOCKSIZE: "super_block" ["s_blocksize"];
            OFF_SB_FS_INFO: "super_block" ["s_fs_info"];
            OFF_SB_BDEV: "super_block" ["s_bdev"];
            OFF_SB_TYPE: "super_block" ["s_type"];
            OFF_SB_MAGIC: "super_block" ["s_magic"];
            OFF_SB_ID: "super_block" ["s_id"];
            OFF_SB_ROOT: "super_block" ["s_root"];
            OFF_FS_TYPE_NAME: "file_system_type" ["name"];
            OFF_FC_ROOT: "fs_context" ["root"];
            OFF_DENTRY_SB: "dentry" ["d_sb"];
            OFF_PATH_MNT: "path" ["mnt"];
            OFF_MNT_SB: "vfsmount" ["mnt_sb"];
            OFF_INODE_RDEV: "inode" ["i_rdev"];
            OFF_INODE_SIZE: "inode" ["i_size"];
            OFF_EXT4_SB_ES: "ext4_sb_info" ["s_es"];
            OFF_GENDISK_MAJOR: "gendisk" ["major"];
            OFF_GENDISK_FIRST_MINOR: "gendisk" ["first_minor"];
            OFF_GENDISK_NAME: "gendisk" ["disk_name"];
            OFF_GENDISK_PART0: "gendisk" ["part0"];
            OFF_GENDISK_BDI: "gendisk" ["bdi"];
            OFF_BDEV_DEV: "block_device" ["bd_dev"];
            OFF_BDEV_DISK: "block_device" ["bd_disk"];
            OFF_BDEV_NR_SECTORS: "block_device" ["bd_nr_sectors"];
            OFF_BDEV_INODE: "block_device" ["bd_inode"];
            OFF_BDEV_PART: "block_device" ["bd_part"];
            OFF_BDEV_BDI: "block_device" ["bd_bdi"];
            OFF_HD_NR_SECTS: "hd_struct" ["nr_sects"];
            OFF_QUEUE_BDI: "request_queue" ["backing_dev_info"];
            OFF_QUEUE_DISK: "request_queue" ["disk"];
            OFF_BDI_RA_PAGES: "backing_dev_info" ["ra_pages"];
            OFF_BDI_DEV_NAME: "backing_dev_info" ["dev_name"];
            OFF_DEVICE_DRVDATA: "device" ["driver_data"];
            OFF_TASK_PID: "task_struct" ["pid"];
            OFF_TASK_TGID: "task_struct" ["tgid"];
            OFF_TASK_NVCSW: "task_struct" ["nvcsw"];
            OFF_TASK_NIVCSW: "task_struct" ["nivcsw"];
            OFF_TASK_RUNTIME: "task_struct" ["se", "sum_exec_runtime"];
            OFF_TASK_FILES: "task_struct" ["files"];
            OFF_TASK_CGROUPS: "task_struct" ["cgroups"];
            OFF_CSS_SET_CGROUP: "css_set" ["dfl_cgrp"];
            OFF_CGROUP_LEVEL: "cgroup" ["level"];
            OFF_CGROUP_ANCESTOR_IDS: "cgroup" ["ancestor_ids"];
            OFF_FILES_FDT: "files_struct" ["fdt"];
            OFF_FDT_FD: "fdtable" ["fd"];
            OFF_FDT_MAX_FDS: "fdtable" ["max_fds"];
            OFF_TASK_MM: "task_struct" ["mm"];
            OFF_TASK_SIGNAL: "task_struct" ["signal"];
            OFF_TASK_GROUP_LEADER: "task_struct" ["group_leader"];
            OFF_TASK_EXIT_CODE: "task_struct" ["exit_code"];
            OFF_SIGNAL_LIVE: "signal_struct" ["live", "counter"];
            OFF_SIGNAL_FLAGS: "signal_struct" ["flags"];
            OFF_SIGNAL_GROUP_EXIT_CODE: "signal_struct" ["group_exit_code"];
            OFF_MM_ARG_START: "mm_struct" ["arg_start"];
            OFF_MM_ARG_END: "mm_struct" ["arg_end"];
            OFF_BPRM_FILENAME: "linux_binprm" ["filename"];
        }
    };
}

macro_rules! table {
    ($($symbol:ident: $structure:literal [$($member:literal),+];)+) => {
        /// Every field, in the order of the list.
        pub const FIELDS: &[Field] = &[
            $(Field {
                symbol: stringify!($symbol),
                structure: $structure,
                path: &[$($member),+],
            }),+
        ];
    };
}
for_each_field!(table);
