//! Every kernel program of the object, once.
//!
//! The order is the numbering: the self-test counts what arrived by it, so a
//! program is only ever appended within its section. Which of them are used on
//! a kernel, and for what, is user space's catalog; a unit test there compares
//! both with the built object.

/// How a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Entry of a function, by BTF.
    FEntry,
    /// Return of a function, by BTF.
    FExit,
    /// Entry of a function, by name.
    KProbe,
    /// Return of a function, by name.
    KRetProbe,
    /// A tracepoint by BTF; `hook` is its name without category.
    BtfTracePoint,
    /// A tracepoint of tracefs; `hook` is `category:name`.
    TracePoint,
}

/// One kernel program.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Name in the object.
    pub name: &'static str,
    /// The kernel function or tracepoint it is written for.
    pub hook: &'static str,
    /// How it is attached.
    pub kind: Kind,
}

macro_rules! programs {
    ($($kind:ident $name:ident $hook:literal;)*) => {
        /// Every program, in the order of the numbers.
        pub const PROGRAMS: &[Program] = &[
            $(Program { name: stringify!($name), hook: $hook, kind: Kind::$kind }),*
        ];
    };
}

programs! {
    // copy
    FEntry copy_enter "vfs_copy_file_range";
    FExit copy_exit "vfs_copy_file_range";
    KProbe copy_enter_kp "vfs_copy_file_range";
    KRetProbe copy_exit_kp "vfs_copy_file_range";
    FEntry clone_enter "ioctl_file_clone";
    FExit clone_exit "ioctl_file_clone";
    FExit clone_inner "vfs_clone_file_range";
    KProbe clone_enter_kp "ioctl_file_clone";
    KRetProbe clone_exit_kp "ioctl_file_clone";
    KProbe clone_inner_kp "vfs_clone_file_range";
    KProbe xfs_cloned_kp "xfs_reflink_update_dest";
    KProbe btrfs_cloned_kp "btrfs_clone";
    FExit copy_entry_exit "__x64_sys_copy_file_range";
    KRetProbe copy_entry_exit_kp "__x64_sys_copy_file_range";

    // readahead
    FEntry readahead_sync_enter "page_cache_sync_ra";
    FExit readahead_sync_exit "page_cache_sync_ra";
    FExit readahead_sync_exit_5_10 "page_cache_sync_ra";
    FEntry readahead_async_enter "page_cache_async_ra";
    FExit readahead_async_exit "page_cache_async_ra";
    FExit readahead_async_exit_5_10 "page_cache_async_ra";
    FEntry readahead_force_enter "force_page_cache_ra";
    FExit readahead_force_exit "force_page_cache_ra";
    FExit readahead_force_exit_5_10 "force_page_cache_ra";
    FEntry readahead_submit "read_pages";
    FEntry readahead_fault_enter "filemap_fault";
    FExit readahead_fault_exit "filemap_fault";
    KProbe readahead_sync_enter_kp "page_cache_sync_ra";
    KProbe readahead_sync_enter_kp_5_10 "page_cache_sync_ra";
    KRetProbe readahead_sync_exit_kp "page_cache_sync_ra";
    KProbe readahead_async_enter_kp "page_cache_async_ra";
    KProbe readahead_async_enter_kp_5_10 "page_cache_async_ra";
    KRetProbe readahead_async_exit_kp "page_cache_async_ra";
    KProbe readahead_force_enter_kp "force_page_cache_ra";
    KProbe readahead_force_enter_kp_5_10 "force_page_cache_ra";
    KRetProbe readahead_force_exit_kp "force_page_cache_ra";
    KProbe readahead_submit_kp "read_pages";
    KProbe readahead_fault_enter_kp "filemap_fault";
    KRetProbe readahead_fault_exit_kp "filemap_fault";

    // resize
    FEntry ext4_ioctl_enter "__ext4_ioctl";
    FExit ext4_ioctl_exit "__ext4_ioctl";
    FEntry ext4_resize_enter "ext4_resize_fs";
    FExit ext4_resize_exit "ext4_resize_fs";
    FEntry ext4_extend_enter "ext4_group_extend";
    FExit ext4_extend_exit "ext4_group_extend";
    FEntry ext4_add_enter "ext4_group_add";
    FExit ext4_add_exit "ext4_group_add";
    KProbe ext4_ioctl_enter_kp "__ext4_ioctl";
    KRetProbe ext4_ioctl_exit_kp "__ext4_ioctl";
    KProbe ext4_resize_enter_kp "ext4_resize_fs";
    KRetProbe ext4_resize_exit_kp "ext4_resize_fs";
    KProbe ext4_extend_enter_kp "ext4_group_extend";
    KRetProbe ext4_extend_exit_kp "ext4_group_extend";
    KProbe ext4_add_enter_kp "ext4_group_add";
    KRetProbe ext4_add_exit_kp "ext4_group_add";
    KProbe xfs_ioctl_enter_kp "xfs_file_ioctl";
    KRetProbe xfs_ioctl_exit_kp "xfs_file_ioctl";
    KProbe xfs_grow_enter_kp "xfs_growfs_data";
    KRetProbe xfs_grow_exit_kp "xfs_growfs_data";

    // capacity and partitions
    FEntry capacity_bdev "bdev_set_nr_sectors";
    FEntry capacity_notify "set_capacity_and_notify";
    FEntry capacity_set "set_capacity";
    FEntry capacity_bdev_5_10 "bd_set_nr_sectors";
    FEntry capacity_check_5_10 "check_disk_size_change";
    FExit partition_added "add_partition";
    FExit partition_refused "bdev_add_partition";
    FExit partition_refused_5_10 "bdev_add_partition";
    FExit partition_resized "bdev_resize_partition";
    FExit partition_resized_5_10 "bdev_resize_partition";
    FExit partition_deleted "bdev_del_partition";
    FExit partition_deleted_5_10 "bdev_del_partition";
    FExit disk_reread "bdev_disk_changed";
    FExit disk_reread_5_10 "bdev_disk_changed";
    KProbe capacity_bdev_kp "bdev_set_nr_sectors";
    KProbe capacity_notify_kp "set_capacity_and_notify";
    KProbe capacity_set_kp "set_capacity";
    KProbe capacity_bdev_5_10_kp "bd_set_nr_sectors";
    KProbe capacity_check_5_10_kp "check_disk_size_change";
    KProbe partition_added_enter_kp "add_partition";
    KRetProbe partition_added_exit_kp "add_partition";
    KProbe partition_refused_enter_kp "bdev_add_partition";
    KRetProbe partition_refused_exit_kp "bdev_add_partition";
    KRetProbe partition_refused_exit_kp_5_10 "bdev_add_partition";
    KProbe partition_resized_enter_kp "bdev_resize_partition";
    KRetProbe partition_resized_exit_kp "bdev_resize_partition";
    KRetProbe partition_resized_exit_kp_5_10 "bdev_resize_partition";
    KProbe partition_deleted_enter_kp "bdev_del_partition";
    KRetProbe partition_deleted_exit_kp "bdev_del_partition";
    KRetProbe partition_deleted_exit_kp_5_10 "bdev_del_partition";
    KProbe disk_reread_enter_kp "bdev_disk_changed";
    KRetProbe disk_reread_exit_kp "bdev_disk_changed";
    KRetProbe disk_reread_exit_kp_5_10 "bdev_disk_changed";

    // exec and exit
    BtfTracePoint tool_exec "sched_process_exec";
    BtfTracePoint tool_exit "sched_process_exit";
    TracePoint tool_exec_tp "sched:sched_process_exec";
    TracePoint tool_exit_tp "sched:sched_process_exit";
    FExit size_asked "blkdev_ioctl";
    FExit size_asked_5_10 "blkdev_ioctl";
    KProbe size_asked_enter_kp "blkdev_ioctl";
    KProbe size_asked_enter_kp_5_10 "blkdev_ioctl";
    KRetProbe size_asked_exit_kp "blkdev_ioctl";
    KRetProbe size_asked_exit_kp_5_10 "blkdev_ioctl";

    // the processes of one command
    FEntry tree_forked "wake_up_new_task";
    KProbe tree_forked_kp "wake_up_new_task";
    BtfTracePoint tree_exited "sched_process_exit";
    TracePoint tree_exited_tp "sched:sched_process_exit";

    // configuration: read-ahead writers, mounts
    FEntry ra_queue_enter "queue_ra_store";
    FExit ra_queue_exit "queue_ra_store";
    FEntry ra_queue_enter_6_1 "queue_ra_store";
    FExit ra_queue_exit_6_1 "queue_ra_store";
    FEntry ra_bdi_enter "read_ahead_kb_store";
    FExit ra_bdi_exit "read_ahead_kb_store";
    FEntry ra_ioctl_enter "blkdev_common_ioctl";
    FExit ra_ioctl_exit "blkdev_common_ioctl";
    FExit mount_added "vfs_get_tree";
    FEntry mount_removed "generic_shutdown_super";
    FExit umount_refused "path_umount";
    KProbe ra_queue_enter_kp "queue_ra_store";
    KRetProbe ra_queue_exit_kp "queue_ra_store";
    KProbe ra_queue_enter_kp_6_1 "queue_ra_store";
    KRetProbe ra_queue_exit_kp_6_1 "queue_ra_store";
    KProbe ra_bdi_enter_kp "read_ahead_kb_store";
    KRetProbe ra_bdi_exit_kp "read_ahead_kb_store";
    KProbe ra_ioctl_enter_kp "blkdev_common_ioctl";
    KRetProbe ra_ioctl_exit_kp "blkdev_common_ioctl";
    KProbe mount_added_enter_kp "vfs_get_tree";
    KRetProbe mount_added_exit_kp "vfs_get_tree";
    KProbe mount_removed_kp "generic_shutdown_super";
    KProbe umount_refused_enter_kp "path_umount";
    KRetProbe umount_refused_exit_kp "path_umount";
}

/// The number of the program called `name`; a name that is not in the table
/// does not compile where this is evaluated as a constant.
///
/// # Panics
///
/// If there is no such program.
pub const fn number(name: &str) -> u32 {
    let mut i = 0;
    while i < PROGRAMS.len() {
        if equal(PROGRAMS[i].name.as_bytes(), name.as_bytes()) {
            return i as u32;
        }
        i += 1;
    }
    panic!("no such program");
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::PROGRAMS;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique() {
        let names: HashSet<_> = PROGRAMS.iter().map(|p| p.name).collect();
        assert_eq!(names.len(), PROGRAMS.len());
    }
}
