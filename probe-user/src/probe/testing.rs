//! Grounds to plan and explain on, for tests: kernels as Debian builds them.

use super::catalog;
use super::plan::Ground;
use crate::kernel::btf::Prototype;
use crate::kernel::facts::{CgroupVersion, Lockdown};
use crate::kernel::symbols::Standing;
use crate::kernel::{Capabilities, Fact, KernelFacts, Prototypes, Symbols};
use std::collections::HashMap;

/// Functions of the catalog that 6.12 lacks.
const NOT_IN_6_12: [&str; 2] = ["bd_set_nr_sectors", "check_disk_size_change"];

/// Functions of the catalog that 5.10 lacks.
const NOT_IN_5_10: [&str; 2] = ["bdev_set_nr_sectors", "set_capacity"];

fn module_of(function: &str) -> Option<&'static str> {
    match function {
        f if f.starts_with("xfs_") => Some("xfs"),
        f if f.starts_with("btrfs_") => Some("btrfs"),
        _ => None,
    }
}

/// The first parameter and the number of parameters, where the catalog asks.
fn prototype(function: &str, is_5_10: bool) -> Prototype {
    let by_age = |new: (&'static str, usize), old| if is_5_10 { old } else { new };
    let (first, count) = match function {
        "page_cache_sync_ra" | "force_page_cache_ra" => {
            by_age(("readahead_control", 2), ("readahead_control", 3))
        }
        "page_cache_async_ra" => by_age(("readahead_control", 3), ("readahead_control", 4)),
        "blkdev_ioctl" => by_age(("file", 3), ("block_device", 4)),
        "queue_ra_store" => by_age(("gendisk", 3), ("request_queue", 3)),
        f if f.starts_with("bdev_") => by_age(("gendisk", 4), ("block_device", 4)),
        _ => ("", 1),
    };
    let mut parameters = vec![first.to_owned()];
    parameters.resize(count, String::new());
    Prototype {
        parameters,
        definitions: 1,
    }
}

fn debian(release: &str, lacks: &[&str], is_5_10: bool) -> Ground {
    let has = |function: &&str| !lacks.contains(function);
    let functions: Vec<_> = catalog::functions().into_iter().filter(has).collect();
    let described = functions
        .iter()
        .filter(|function| module_of(function).is_none())
        .map(|&function| (function.to_owned(), prototype(function, is_5_10)));
    let standing = functions.iter().map(|&function| {
        let module = module_of(function).map(str::to_owned);
        (function.to_owned(), Standing::Present(module))
    });
    let traceable = functions.iter().map(|&function| function.to_owned());
    Ground {
        facts: KernelFacts {
            release: release.to_owned(),
            machine: "x86_64".to_owned(),
            btf: true,
            lockdown: Fact::Known(Lockdown::None),
            capabilities: Fact::Known(Capabilities(u64::MAX)),
            initial_user_namespace: Fact::Known(true),
            seccomp: Fact::Known(false),
            unprivileged_bpf_disabled: Fact::Known(2),
            perf_event_paranoid: Fact::Known(3),
            tracefs: Fact::Known("/sys/kernel/tracing".into()),
            private_pid_namespace: Fact::Known(false),
            cgroup: Fact::Known(CgroupVersion::V2),
            private_cgroup_namespace: Fact::Known(false),
            online_cpus: Fact::Known(2),
            possible_cpus: Fact::Known(2),
            pid_max: Fact::Known(32768),
            modules: Fact::Known(["xfs", "btrfs"].map(str::to_owned).into()),
        },
        prototypes: Prototypes::Known {
            functions: described.collect(),
            tracepoints: catalog::tracepoints().map(str::to_owned).collect(),
        },
        symbols: Symbols::from_known(standing, Some(traceable.collect())),
    }
}

pub(crate) fn debian_6_12() -> Ground {
    debian("6.12.117+deb13-cloud-amd64", &NOT_IN_6_12, false)
}

pub(crate) fn debian_5_10() -> Ground {
    debian("5.10.0-46-cloud-amd64", &NOT_IN_5_10, true)
}

/// The same kernel without the module.
pub(crate) fn missing_module(mut ground: Ground, module: &str) -> Ground {
    if let Fact::Known(modules) = &mut ground.facts.modules {
        modules.remove(module);
    }
    for function in catalog::functions() {
        if module_of(function) == Some(module) {
            ground = with_standing(ground, function, Standing::Absent);
        }
    }
    ground
}

/// The same kernel with another standing of one function.
pub(crate) fn with_standing(mut ground: Ground, function: &str, standing: Standing) -> Ground {
    let functions = catalog::functions();
    let all: HashMap<_, _> = functions
        .iter()
        .map(|&f| (f.to_owned(), ground.symbols.standing(f)))
        .chain([(function.to_owned(), standing)])
        .collect();
    let traceable = functions.iter().map(|&f| f.to_owned());
    ground.symbols = Symbols::from_known(all, Some(traceable.collect()));
    ground
}
