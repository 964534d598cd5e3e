//! The scenarios: each is a test of its own, in a machine that it finds clean.

mod by_name;
mod capacity;
mod copy;
pub mod diff;
mod endure;
mod exec;
mod filters;
mod in_flight;
mod machine;
mod mounts;
mod network;
mod privileges;
mod readahead;
mod resize;
mod session;
mod short;
mod silent;
mod volumes;
mod xfs_module;

use anyhow::{Context, Result, bail};

use super::stage::Stage;

/// On which kernels a scenario runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// On all: what it shows depends on the kernel.
    All,
    /// On the main series: it does not.
    Main,
    /// On these series: it is about them.
    Only(&'static [&'static str]),
}

/// One test.
#[derive(Debug)]
pub struct Scenario {
    /// Its name, as in `vm::6.12::NAME`.
    pub name: &'static str,
    /// On which kernels it runs.
    pub on: On,
    /// Whether the machine is good for nothing afterwards.
    pub spoils: bool,
    /// A file in the machine that it leaves for the host.
    pub leaves: Option<&'static str>,
    play: fn(&mut Stage) -> Result<()>,
}

const fn all(name: &'static str, play: fn(&mut Stage) -> Result<()>) -> Scenario {
    Scenario {
        name,
        on: On::All,
        spoils: false,
        leaves: None,
        play,
    }
}

const fn main(name: &'static str, play: fn(&mut Stage) -> Result<()>) -> Scenario {
    Scenario {
        name,
        on: On::Main,
        spoils: false,
        leaves: None,
        play,
    }
}

/// All scenarios, in the order in which they run.
pub const ALL: &[Scenario] = &[
    all(
        "machine_is_what_it_should_be",
        machine::is_what_it_should_be,
    ),
    all("copy_counts_ext4", copy::counts_ext4),
    all("copy_counts_xfs", copy::counts_xfs),
    main("copy_counts_tmpfs", copy::counts_tmpfs),
    all("copy_counts_overlay", copy::counts_overlay),
    main("copy_counts_preempted", copy::counts_preempted),
    all("copy_in_flight", in_flight::copies),
    all("copy_refused_in_the_entry", copy::refused_in_the_entry),
    main("copy_by_go", copy::by_go),
    main("copy_cp_of_many_files", short::cp_of_many_files),
    all("cp_on_ext4", readahead::cp_on_ext4),
    all("cp_on_xfs", readahead::cp_on_xfs),
    all("nfs", network::nfs),
    all("readahead_kinds", readahead::kinds),
    main("readahead_of_a_file", readahead::of_a_file),
    all("read_ahead_writers", readahead::writers),
    all("ext4_grows_twice", resize::ext4_grows_twice),
    all("xfs_grows_twice", resize::xfs_grows_twice),
    main("diff_slow_copy_on_nfs", diff::slow_copy_on_nfs),
    main("diff_read_ahead_of_a_disk", diff::read_ahead_of_a_disk),
    main("diff_nfs_to_nfs", diff::nfs_to_nfs),
    main("diff_not_the_read_ahead", diff::not_the_read_ahead),
    main("diff_unpaced", diff::unpaced),
    main("diff_xfs", diff::xfs),
    main("diff_overlay", diff::overlay),
    Scenario {
        name: "diff_drift",
        on: On::Only(&[diff::BEFORE.0, diff::AFTER.0]),
        spoils: false,
        leaves: Some(diff::FILE),
        play: diff::kernels_default,
    },
    all("resize_with_nothing_to_do", resize::nothing_to_do),
    all("resized_too_early", resize::resized_too_early),
    all("xfs_loaded_late", xfs_module::loaded_late),
    all("xfs_reloaded", xfs_module::reloaded),
    all("resize_refused", resize::refused),
    main("resize_busy", resize::busy),
    all("resize_refused_by_xfs", resize::refused_by_xfs),
    main("ext4_tiny", resize::tiny_ext4),
    main("xfs_tiny", resize::tiny_xfs),
    main("resize_several_tib", resize::several_tib),
    all("partition_mounted", capacity::mounted_partition),
    all("partition_unmounted", capacity::unmounted_partition),
    all("partition_calls", capacity::partition_calls),
    all("device_mapper", capacity::device_mapper),
    all("loop_device", capacity::loop_device),
    all("exec_tools", exec::tools),
    main("exec_further_tool", exec::further_tool),
    all("mounts", mounts::come_and_go),
    all("no_btf", by_name::no_btf),
    all("by_name_copies", by_name::copies),
    all(
        "by_name_copies_refused_in_the_entry",
        by_name::copies_refused_in_the_entry,
    ),
    all("by_name_reads", by_name::reads),
    all("by_name_kinds", by_name::kinds),
    all("by_name_writers", by_name::writers),
    all("by_name_grows", by_name::grows),
    all("by_name_nothing_to_do", by_name::nothing_to_do),
    all("by_name_partition", by_name::partition),
    all("by_name_partition_table", by_name::partition_table),
    all("by_name_partition_calls", by_name::partition_calls),
    all("by_name_mapping", by_name::mapping),
    all("by_name_tools", by_name::tools),
    all("by_name_mounts", by_name::mounting),
    main("by_name_tree", by_name::tree),
    main("record_command", session::of_a_command),
    main("record_ends", session::ends),
    main("record_killed", endure::killed),
    main("record_cut_off", endure::cut_off),
    main("record_bad_places", endure::bad_places),
    main("record_clock_set", endure::clock_set),
    main("record_suspended", endure::suspended),
    main("record_rotated", endure::rotated),
    main("record_slow_writer", endure::slow_writer),
    main("record_filters", filters::narrow),
    all("record_tree", filters::tree),
    all("self_test", session::self_test),
    all("events_lost", endure::loss),
    main("many_series", session::many_series),
    main("live", session::live),
    main("live_attribution", session::live_attribution),
    main("live_findings", session::live_findings),
    main("volumes", session::volumes),
    all("volumes_not_grown", volumes::not_grown),
    all("volumes_hanging_disk", volumes::hanging_disk),
    main("volumes_hanging_nfs", volumes::hanging_nfs),
    main("volumes_in_a_container", volumes::in_a_container),
    all("silent_failures", silent::failures),
    main("silent_late", silent::late),
    main("silent_blind", silent::blind),
    main("silent_lossy", silent::lossy),
    all("doctor", privileges::doctor),
    main("no_capability", privileges::no_capability),
    main("perf_event_paranoid", privileges::perf_event_paranoid),
    main("user_namespace", privileges::user_namespace),
    main("container", privileges::container),
    // Cannot be taken back.
    Scenario {
        name: "lockdown",
        on: On::All,
        spoils: true,
        leaves: None,
        play: privileges::lockdown,
    },
];

/// Plays the scenario that `args` name; the outcome is the exit status.
pub(super) fn run(args: &[String]) -> Result<()> {
    let [name] = args else {
        bail!("usage: scenario NAME")
    };
    let scenario = ALL
        .iter()
        .find(|scenario| scenario.name == name)
        .with_context(|| format!("no scenario {name:?}"))?;
    let mut stage = Stage::new()?;
    (scenario.play)(&mut stage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ() {
        let mut names: Vec<_> = ALL.iter().map(|scenario| scenario.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
