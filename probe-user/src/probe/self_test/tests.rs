use super::*;
use crate::probe::catalog;

/// Everything of a probe is attached, in the first way.
fn attached(probe: &str) -> Vec<Outcome> {
    let purposes = catalog::find(probe).unwrap().purposes;
    purposes
        .iter()
        .map(|purpose| Outcome {
            attached: Some(&purpose.ways[0]),
            reasons: Vec::new(),
        })
        .collect()
}

/// The child did what is named; every program but `unseen` ran.
fn seen(report: &str, unseen: &str) -> Seen {
    Seen {
        done: parse(report),
        runs: PROGRAMS
            .iter()
            .map(|program| u64::from(program.name != unseen))
            .collect(),
        broken: None,
    }
}

const ALL: &str = "copy\nclone\nrefused-copy\nreadahead\next4\nxfs\nexec\n";

#[test]
fn what_arrives_passes() {
    for probe in ["copy", "readahead", "resize", "exec"] {
        assert_eq!(
            judge(probe, &attached(probe), &seen(ALL, "")),
            SelfTest::Passed,
            "{probe}"
        );
    }
}

#[test]
fn what_does_not_arrive_fails_and_is_named() {
    let result = judge("copy", &attached("copy"), &seen(ALL, "copy_exit"));
    assert_eq!(
        result.to_string(),
        "failed: triggered, but not seen by copy_exit (vfs_copy_file_range)"
    );
}

#[test]
fn what_could_not_be_done_is_no_failure() {
    let report = "readahead\tthe binary lies on tmpfs";
    assert_eq!(
        judge("readahead", &attached("readahead"), &seen(report, "")).to_string(),
        "not_possible: the binary lies on tmpfs"
    );
}

#[test]
fn one_file_system_is_enough() {
    let report = "ext4\nxfs\tno xfs is mounted here";
    let outcomes = attached("resize");
    assert_eq!(
        judge("resize", &outcomes, &seen(report, "")),
        SelfTest::Passed
    );
}

#[test]
fn an_operation_that_the_child_lost_is_a_failure() {
    let result = judge("exec", &attached("exec"), &seen("copy\n", ""));
    assert!(matches!(result, SelfTest::Failed(_)), "{result}");
}

#[test]
fn what_is_not_attached_is_not_asked_of() {
    let outcomes: Vec<_> = attached("copy").into_iter().skip(1).collect();
    let result = judge("copy", &outcomes, &seen(ALL, "copy_exit"));
    assert_eq!(result, SelfTest::Passed);
}

#[test]
fn probes_that_would_do_harm_say_so() {
    for probe in ["capacity", "config"] {
        let result = judge(probe, &attached(probe), &seen(ALL, ""));
        assert!(
            matches!(result, SelfTest::NotPossible(_)),
            "{probe}: {result}"
        );
    }
}

#[test]
fn every_operation_is_of_a_hook_in_the_catalog() {
    let hooks: Vec<_> = catalog::PROBES
        .iter()
        .flat_map(|probe| probe.purposes)
        .flat_map(|purpose| purpose.ways)
        .flat_map(Way::hooks)
        .collect();
    for hook in OPERATIONS.iter().flat_map(|operation| operation.hooks) {
        assert!(hooks.contains(hook), "{hook}");
    }
}
