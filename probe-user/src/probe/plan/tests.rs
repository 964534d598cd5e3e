use super::*;
use crate::kernel::{Capabilities, Fact};
use crate::probe::testing::{debian_5_10, debian_6_12, missing_module, with_standing};

fn planned(ground: &Ground, what: &str) -> PlannedPurpose {
    let purposes = plan(&Selection::default(), false, ground)
        .probes
        .into_iter()
        .flat_map(|probe| probe.purposes);
    purposes
        .into_iter()
        .find(|p| p.purpose.what == what)
        .unwrap()
}

/// The programs of the way that would be gone.
fn chosen(ground: &Ground, what: &str) -> Vec<&'static str> {
    let planned = planned(ground, what);
    let way = planned.usable().next();
    way.map(|way| way.programs().map(|p| p.name).collect())
        .unwrap_or_default()
}

/// What speaks against the first way.
fn against(ground: &Ground, what: &str) -> Reason {
    planned(ground, what).ways[0].1.clone().unwrap()
}

#[test]
fn each_kernel_gets_the_programs_for_its_prototypes() {
    let (old, new) = (debian_5_10(), debian_6_12());
    assert_eq!(
        chosen(&new, "readahead of missing pages"),
        ["readahead_sync_enter", "readahead_sync_exit"]
    );
    assert_eq!(
        chosen(&old, "readahead of missing pages"),
        ["readahead_sync_enter", "readahead_sync_exit_5_10"]
    );
    assert_eq!(chosen(&new, "disk capacity"), ["capacity_bdev"]);
    assert_eq!(
        chosen(&old, "disk capacity"),
        [
            "capacity_notify",
            "capacity_bdev_5_10",
            "capacity_check_5_10"
        ]
    );
    assert_eq!(
        chosen(&new, "device sizes that tools were told"),
        ["size_asked"]
    );
    assert_eq!(
        chosen(&old, "device sizes that tools were told"),
        ["size_asked_5_10"]
    );
}

#[test]
fn every_purpose_is_served_on_both() {
    for ground in [debian_5_10(), debian_6_12()] {
        for probe in plan(&Selection::default(), false, &ground).probes {
            for purpose in &probe.purposes {
                assert!(
                    purpose.usable().next().is_some(),
                    "{}: {}",
                    ground.facts.release,
                    purpose.purpose.what
                );
            }
        }
    }
}

#[test]
fn only_what_is_selected_is_marked() {
    let selection = Selection::parse(&["resize"]).unwrap();
    let plan = plan(&selection, false, &debian_6_12());
    let selected: Vec<_> = plan.probes.iter().filter(|p| p.selected).collect();
    assert_eq!(selected.len(), 1);
    assert_eq!(selected[0].probe.name, "resize");
}

#[test]
fn a_symbol_that_cannot_be_hooked_has_its_own_reason() {
    let function = "vfs_copy_file_range";
    let ground = |standing| with_standing(debian_6_12(), function, standing);
    assert_eq!(
        against(&ground(Standing::Ambiguous(2)), "copies"),
        Reason::Ambiguous {
            function: function.to_owned(),
            count: 2
        }
    );
    let variant = format!("{function}.isra.0");
    assert_eq!(
        against(&ground(Standing::Variant(variant.clone())), "copies"),
        Reason::Inlined {
            function: function.to_owned(),
            variant: Some(variant)
        }
    );
    assert_eq!(
        against(&ground(Standing::Absent), "copies"),
        Reason::Inlined {
            function: function.to_owned(),
            variant: None
        }
    );
}

#[test]
fn a_function_that_ftrace_leaves_out_is_taken_by_kprobe() {
    let mut ground = debian_6_12();
    let standing = [("vfs_copy_file_range".to_owned(), Standing::Present(None))];
    ground.symbols = Symbols::from_known(standing, Some([].into()));
    assert_eq!(
        against(&ground, "copies"),
        Reason::NoTrace("vfs_copy_file_range".to_owned())
    );
    assert_eq!(chosen(&ground, "copies"), ["copy_enter_kp", "copy_exit_kp"]);
}

#[test]
fn without_symbols_the_kernel_decides() {
    let mut ground = debian_6_12();
    ground.symbols = Symbols::default();
    assert_eq!(chosen(&ground, "copies"), ["copy_enter", "copy_exit"]);
}

#[test]
fn a_btf_file_gives_offsets_but_no_fentry() {
    let mut ground = debian_6_12();
    ground.facts.btf = false;
    assert_eq!(against(&ground, "copies"), Reason::NeedsKernelBtf);
    assert_eq!(chosen(&ground, "copies"), ["copy_enter_kp", "copy_exit_kp"]);
    assert_eq!(
        chosen(&ground, "start and end of tools"),
        ["tool_exec_tp", "tool_exit_tp"]
    );
}

#[test]
fn a_module_that_is_not_loaded_is_no_missing_function() {
    let ground = missing_module(debian_6_12(), "xfs");
    assert_eq!(
        against(&ground, "xfs growth"),
        Reason::NotLoaded("xfs".to_owned())
    );
    // A loaded module without the function is another matter.
    let ground = with_standing(debian_6_12(), "xfs_growfs_data", Standing::Absent);
    assert_eq!(
        against(&ground, "xfs growth"),
        Reason::Missing("xfs_growfs_data".to_owned())
    );
}

#[test]
fn debians_paranoia_is_named_where_sys_admin_is_missing() {
    let mut ground = debian_6_12();
    assert_eq!(chosen(&ground, "xfs growth").len(), 2);
    // CAP_BPF and CAP_PERFMON.
    ground.facts.capabilities = Fact::Known(Capabilities(3 << 38));
    assert_eq!(against(&ground, "xfs growth"), Reason::Paranoid(3));
    assert_eq!(chosen(&ground, "copies"), ["copy_enter", "copy_exit"]);
    ground.facts.perf_event_paranoid = Fact::Known(2);
    assert_eq!(chosen(&ground, "xfs growth").len(), 2);
}
