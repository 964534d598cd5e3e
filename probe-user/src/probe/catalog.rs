//! Every probe, the purposes of its hooks, and the ways to serve each.
//!
//! A way is a set of programs that are attached together; the first way that
//! this kernel can go is taken. What a kernel can do is decided by its own BTF
//! and symbols ([`super::plan`]), never by its version.

use probe_common::programs::{Kind, PROGRAMS, Program, number};

/// One thing that a user can choose to measure (`--probe`).
#[derive(Debug)]
pub struct Probe {
    /// The name in options, recordings and reports.
    pub name: &'static str,
    /// What it measures, for people.
    pub about: &'static str,
    /// Whether it is on without being asked for.
    pub default: bool,
    /// What its hooks are for.
    pub purposes: &'static [Purpose],
}

/// What hooks of a probe are for.
#[derive(Debug)]
pub struct Purpose {
    /// For people: what is not seen where this is missing. Every purpose of a
    /// probe is needed for the probe to be whole.
    pub what: &'static str,
    /// The module whose functions are hooked; without it there is nothing to
    /// see, so its hooks wait for it.
    pub module: Option<&'static str>,
    /// The ways, in order of preference.
    pub ways: &'static [Way],
}

/// Programs that serve a purpose together.
#[derive(Debug)]
pub struct Way {
    /// Numbers of the programs; entries before returns.
    programs: &'static [u32],
    /// On which kernels this is the way.
    pub when: When,
    /// The program whose missed runs are missing counts of the probe.
    counting: Option<u32>,
}

/// A condition on the prototypes of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Whatever the prototypes.
    Always,
    /// The function takes so many arguments.
    Arguments(&'static str, usize),
    /// The function's first argument points to this structure.
    FirstIs(&'static str, &'static str),
}

impl Way {
    /// The programs, in the order in which they are attached.
    pub fn programs(&self) -> impl Iterator<Item = &'static Program> + use<> {
        self.programs
            .iter()
            .map(|&number| &PROGRAMS[number as usize])
    }

    /// Whether it is attached to functions of the kernel, not to tracepoints.
    pub fn is_on_function(&self) -> bool {
        matches!(self.how(), "fentry" | "kprobe")
    }

    /// How the programs are attached, as recordings name it.
    pub fn how(&self) -> &'static str {
        match PROGRAMS[self.programs[0] as usize].kind {
            Kind::FEntry | Kind::FExit => "fentry",
            Kind::KProbe | Kind::KRetProbe => "kprobe",
            Kind::BtfTracePoint => "raw_tp",
            Kind::TracePoint => "tracepoint",
        }
    }

    /// The kernel functions or tracepoints, each once.
    pub fn hooks(&self) -> Vec<&'static str> {
        let mut hooks = Vec::new();
        for program in self.programs() {
            if !hooks.contains(&program.hook) {
                hooks.push(program.hook);
            }
        }
        hooks
    }

    /// Whether runs of `program` that the kernel skips are missing counts.
    pub fn is_counting(&self, program: &Program) -> bool {
        self.counting
            .is_some_and(|number| PROGRAMS[number as usize].name == program.name)
    }
}

/// `way!(enter, exit; when; counting exit)`: names are checked when this is
/// compiled.
macro_rules! way {
    ($($program:ident),+) => { way!($($program),+; Always) };
    ($($program:ident),+; $when:expr) => {
        Way { programs: &[$(number(stringify!($program))),+], when: $when, counting: None }
    };
    ($($program:ident),+; $when:expr; counting $counting:ident) => {
        Way {
            programs: &[$(number(stringify!($program))),+],
            when: $when,
            counting: Some(number(stringify!($counting))),
        }
    };
}

const fn purpose(what: &'static str, ways: &'static [Way]) -> Purpose {
    Purpose {
        what,
        module: None,
        ways,
    }
}

const fn in_module(module: &'static str, what: &'static str, ways: &'static [Way]) -> Purpose {
    Purpose {
        module: Some(module),
        ..purpose(what, ways)
    }
}

use When::{Always, Arguments, FirstIs};

/// The probe of calls that never reach a file system; off by default.
pub const COPY_ENTRY: &str = "copy-entry";

/// What the hook gives by which each mounting of a file system is told.
pub const MOUNTED: &str = "file systems mounted";

/// Every probe, in the order in which they are shown.
pub const PROBES: &[Probe] = &[
    Probe {
        name: "copy",
        about: "copy_file_range, and whole-file clones by ioctl",
        default: true,
        purposes: &[
            purpose(
                "copies",
                &[
                    way!(copy_enter, copy_exit; Always; counting copy_exit),
                    way!(copy_enter_kp, copy_exit_kp; Always; counting copy_exit_kp),
                ],
            ),
            purpose(
                "clones by ioctl",
                &[
                    way!(clone_enter, clone_exit, clone_inner; Always; counting clone_exit),
                    way!(clone_enter_kp, clone_exit_kp, clone_inner_kp; Always; counting clone_exit_kp),
                ],
            ),
            in_module("xfs", "clones inside copies on xfs", &[way!(xfs_cloned_kp)]),
            in_module(
                "btrfs",
                "clones inside copies on btrfs",
                &[way!(btrfs_cloned_kp)],
            ),
        ],
    },
    Probe {
        name: COPY_ENTRY,
        about: "copies refused in the system call's entry, which have no device",
        default: false,
        purposes: &[purpose(
            "system calls",
            &[
                way!(copy_entry_exit; Always; counting copy_entry_exit),
                way!(copy_entry_exit_kp; Always; counting copy_entry_exit_kp),
            ],
        )],
    },
    Probe {
        name: "readahead",
        about: "readahead windows: why, how large, how fast submitted",
        default: true,
        purposes: &[
            purpose(
                "windows and pages submitted",
                &[
                    way!(readahead_submit; Always; counting readahead_submit),
                    way!(readahead_submit_kp; Always; counting readahead_submit_kp),
                ],
            ),
            purpose(
                "readahead of missing pages",
                &[
                    way!(readahead_sync_enter, readahead_sync_exit; Arguments("page_cache_sync_ra", 2)),
                    way!(readahead_sync_enter, readahead_sync_exit_5_10; Arguments("page_cache_sync_ra", 3)),
                    way!(readahead_sync_enter_kp, readahead_sync_exit_kp; Arguments("page_cache_sync_ra", 2)),
                    way!(readahead_sync_enter_kp_5_10, readahead_sync_exit_kp; Arguments("page_cache_sync_ra", 3)),
                ],
            ),
            purpose(
                "readahead ahead of the reader",
                &[
                    way!(readahead_async_enter, readahead_async_exit; Arguments("page_cache_async_ra", 3)),
                    way!(readahead_async_enter, readahead_async_exit_5_10; Arguments("page_cache_async_ra", 4)),
                    way!(readahead_async_enter_kp, readahead_async_exit_kp; Arguments("page_cache_async_ra", 3)),
                    way!(readahead_async_enter_kp_5_10, readahead_async_exit_kp; Arguments("page_cache_async_ra", 4)),
                ],
            ),
            purpose(
                "readahead that was asked for",
                &[
                    way!(readahead_force_enter, readahead_force_exit; Arguments("force_page_cache_ra", 2)),
                    way!(readahead_force_enter, readahead_force_exit_5_10; Arguments("force_page_cache_ra", 3)),
                    way!(readahead_force_enter_kp, readahead_force_exit_kp; Arguments("force_page_cache_ra", 2)),
                    way!(readahead_force_enter_kp_5_10, readahead_force_exit_kp; Arguments("force_page_cache_ra", 3)),
                ],
            ),
            purpose(
                "readahead of mapped files",
                &[
                    way!(readahead_fault_enter, readahead_fault_exit),
                    way!(readahead_fault_enter_kp, readahead_fault_exit_kp),
                ],
            ),
        ],
    },
    Probe {
        name: "resize",
        about: "ext4 and xfs resizes: attempt, refusal, effect",
        default: true,
        purposes: &[
            purpose(
                "ext4 attempts and refusals",
                &[
                    way!(ext4_ioctl_enter, ext4_ioctl_exit),
                    way!(ext4_ioctl_enter_kp, ext4_ioctl_exit_kp),
                ],
            ),
            purpose(
                "ext4 growth",
                &[
                    way!(ext4_resize_enter, ext4_resize_exit),
                    way!(ext4_resize_enter_kp, ext4_resize_exit_kp),
                ],
            ),
            purpose(
                "ext4 growth of the last group",
                &[
                    way!(ext4_extend_enter, ext4_extend_exit),
                    way!(ext4_extend_enter_kp, ext4_extend_exit_kp),
                ],
            ),
            purpose(
                "ext4 growth by a group",
                &[
                    way!(ext4_add_enter, ext4_add_exit),
                    way!(ext4_add_enter_kp, ext4_add_exit_kp),
                ],
            ),
            in_module(
                "xfs",
                "xfs attempts and refusals",
                &[way!(xfs_ioctl_enter_kp, xfs_ioctl_exit_kp)],
            ),
            in_module(
                "xfs",
                "xfs growth",
                &[way!(xfs_grow_enter_kp, xfs_grow_exit_kp)],
            ),
        ],
    },
    Probe {
        name: "capacity",
        about: "capacity of disks, and their partitions",
        default: true,
        purposes: &[
            purpose(
                "disk capacity",
                &[
                    // 5.16 and later: everything passes here.
                    way!(capacity_bdev),
                    // dm sets the capacity without notifying.
                    way!(capacity_notify, capacity_set),
                    // 5.10: dm passes bd_set_nr_sectors, md the check.
                    way!(capacity_notify, capacity_bdev_5_10, capacity_check_5_10),
                    way!(capacity_bdev_kp),
                    way!(capacity_notify_kp, capacity_set_kp),
                    way!(
                        capacity_notify_kp,
                        capacity_bdev_5_10_kp,
                        capacity_check_5_10_kp
                    ),
                ],
            ),
            purpose(
                "partitions found or added",
                &[
                    way!(partition_added),
                    way!(partition_added_enter_kp, partition_added_exit_kp),
                ],
            ),
            purpose(
                "partitions refused",
                &[
                    way!(partition_refused; FirstIs("bdev_add_partition", "gendisk")),
                    way!(partition_refused_5_10; FirstIs("bdev_add_partition", "block_device")),
                    way!(partition_refused_enter_kp, partition_refused_exit_kp; FirstIs("bdev_add_partition", "gendisk")),
                    way!(partition_refused_enter_kp, partition_refused_exit_kp_5_10; FirstIs("bdev_add_partition", "block_device")),
                ],
            ),
            purpose(
                "partitions resized",
                &[
                    way!(partition_resized; FirstIs("bdev_resize_partition", "gendisk")),
                    way!(partition_resized_5_10; FirstIs("bdev_resize_partition", "block_device")),
                    way!(partition_resized_enter_kp, partition_resized_exit_kp; FirstIs("bdev_resize_partition", "gendisk")),
                    way!(partition_resized_enter_kp, partition_resized_exit_kp_5_10; FirstIs("bdev_resize_partition", "block_device")),
                ],
            ),
            purpose(
                "partitions deleted",
                &[
                    way!(partition_deleted; FirstIs("bdev_del_partition", "gendisk")),
                    way!(partition_deleted_5_10; FirstIs("bdev_del_partition", "block_device")),
                    way!(partition_deleted_enter_kp, partition_deleted_exit_kp; FirstIs("bdev_del_partition", "gendisk")),
                    way!(partition_deleted_enter_kp, partition_deleted_exit_kp_5_10; FirstIs("bdev_del_partition", "block_device")),
                ],
            ),
            purpose(
                "partition tables read again",
                &[
                    way!(disk_reread; FirstIs("bdev_disk_changed", "gendisk")),
                    way!(disk_reread_5_10; FirstIs("bdev_disk_changed", "block_device")),
                    way!(disk_reread_enter_kp, disk_reread_exit_kp; FirstIs("bdev_disk_changed", "gendisk")),
                    way!(disk_reread_enter_kp, disk_reread_exit_kp_5_10; FirstIs("bdev_disk_changed", "block_device")),
                ],
            ),
        ],
    },
    Probe {
        name: "exec",
        about: "tools that resize and mount: arguments, exit, what they were told",
        default: true,
        purposes: &[
            purpose(
                "start and end of tools",
                &[way!(tool_exec, tool_exit), way!(tool_exec_tp, tool_exit_tp)],
            ),
            purpose(
                "device sizes that tools were told",
                &[
                    way!(size_asked; FirstIs("blkdev_ioctl", "file")),
                    way!(size_asked_5_10; FirstIs("blkdev_ioctl", "block_device")),
                    way!(size_asked_enter_kp, size_asked_exit_kp; FirstIs("blkdev_ioctl", "file")),
                    way!(size_asked_enter_kp_5_10, size_asked_exit_kp_5_10; FirstIs("blkdev_ioctl", "block_device")),
                ],
            ),
        ],
    },
    Probe {
        name: "config",
        about: "who sets read-ahead; mounts and unmounts",
        default: true,
        purposes: &[
            purpose(
                "read-ahead set in sysfs of a queue",
                &[
                    way!(ra_queue_enter, ra_queue_exit; FirstIs("queue_ra_store", "gendisk")),
                    way!(ra_queue_enter_6_1, ra_queue_exit_6_1; FirstIs("queue_ra_store", "request_queue")),
                    way!(ra_queue_enter_kp, ra_queue_exit_kp; FirstIs("queue_ra_store", "gendisk")),
                    way!(ra_queue_enter_kp_6_1, ra_queue_exit_kp_6_1; FirstIs("queue_ra_store", "request_queue")),
                ],
            ),
            purpose(
                "read-ahead set in sysfs of a backing device",
                &[
                    way!(ra_bdi_enter, ra_bdi_exit),
                    way!(ra_bdi_enter_kp, ra_bdi_exit_kp),
                ],
            ),
            purpose(
                "read-ahead set by ioctl",
                &[
                    way!(ra_ioctl_enter, ra_ioctl_exit),
                    way!(ra_ioctl_enter_kp, ra_ioctl_exit_kp),
                ],
            ),
            purpose(
                MOUNTED,
                &[
                    way!(mount_added),
                    way!(mount_added_enter_kp, mount_added_exit_kp),
                ],
            ),
            purpose(
                "file systems gone",
                &[way!(mount_removed), way!(mount_removed_kp)],
            ),
            purpose(
                "refused unmounts",
                &[
                    way!(umount_refused),
                    way!(umount_refused_enter_kp, umount_refused_exit_kp),
                ],
            ),
        ],
    },
];

/// What follows the processes of a command: no probe that can be chosen, but used
/// by the filter `--tree`.
pub static TREE: Purpose = purpose(
    "processes of the command",
    &[
        way!(tree_forked, tree_exited),
        way!(tree_forked_kp, tree_exited_tp),
    ],
);

/// The probe of this name.
pub fn find(name: &str) -> Option<&'static Probe> {
    PROBES.iter().find(|probe| probe.name == name)
}

/// Every way of every purpose.
fn ways() -> impl Iterator<Item = &'static Way> {
    let purposes = PROBES.iter().flat_map(|probe| probe.purposes);
    purposes.chain([&TREE]).flat_map(|purpose| purpose.ways)
}

/// The kernel functions that any way hooks or asks the prototype of.
pub fn functions() -> Vec<&'static str> {
    let hooked = ways()
        .flat_map(Way::programs)
        .filter(|program| !is_tracepoint(program.kind))
        .map(|program| program.hook);
    let mut functions: Vec<_> = hooked.collect();
    functions.sort_unstable();
    functions.dedup();
    functions
}

/// The BTF tracepoints that any way hooks.
pub fn tracepoints() -> impl Iterator<Item = &'static str> {
    ways()
        .flat_map(Way::programs)
        .filter(|program| program.kind == Kind::BtfTracePoint)
        .map(|program| program.hook)
}

fn is_tracepoint(kind: Kind) -> bool {
    matches!(kind, Kind::BtfTracePoint | Kind::TracePoint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_program_has_a_use() {
        let used: HashSet<_> = ways().flat_map(Way::programs).map(|p| p.name).collect();
        let unused: Vec<_> = PROGRAMS
            .iter()
            .map(|program| program.name)
            .filter(|name| !used.contains(name))
            .collect();
        assert!(unused.is_empty(), "in no way of the catalog: {unused:?}");
    }

    #[test]
    fn names_are_unique() {
        let names: HashSet<_> = PROBES.iter().map(|probe| probe.name).collect();
        assert_eq!(names.len(), PROBES.len());
        for probe in PROBES {
            let purposes: HashSet<_> = probe.purposes.iter().map(|p| p.what).collect();
            assert_eq!(purposes.len(), probe.purposes.len(), "{}", probe.name);
        }
    }

    #[test]
    fn a_way_is_of_one_kind_and_in_one_place() {
        for purpose in PROBES.iter().flat_map(|probe| probe.purposes) {
            for way in purpose.ways {
                let kinds: HashSet<_> = way
                    .programs()
                    .map(|program| match program.kind {
                        Kind::FExit => Kind::FEntry,
                        Kind::KRetProbe => Kind::KProbe,
                        kind => kind,
                    })
                    .collect();
                assert_eq!(kinds.len(), 1, "{}", purpose.what);
                // aya attaches to functions of modules by name only.
                assert!(purpose.module.is_none() || way.how() == "kprobe");
            }
        }
    }

    #[test]
    fn every_purpose_has_a_way_without_the_kernels_btf() {
        for purpose in PROBES.iter().flat_map(|probe| probe.purposes) {
            let mut ways = purpose.ways.iter();
            let by_name = ways.any(|way| matches!(way.how(), "kprobe" | "tracepoint"));
            assert!(by_name, "{}", purpose.what);
        }
    }

    #[test]
    fn a_condition_is_on_a_function_of_the_way() {
        for way in ways() {
            if let When::Arguments(function, _) | FirstIs(function, _) = way.when {
                assert!(way.hooks().contains(&function), "{function}");
            }
        }
    }
}
