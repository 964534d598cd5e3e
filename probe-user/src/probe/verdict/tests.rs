use super::*;
use crate::probe::catalog;

fn served(purpose: &'static Purpose, way: usize, reasons: Vec<Reason>) -> Outcome {
    Outcome {
        attached: Some(&purpose.ways[way]),
        reasons,
    }
}

fn unserved(reasons: Vec<Reason>) -> Outcome {
    Outcome {
        attached: None,
        reasons,
    }
}

/// Outcomes of a probe: all served in the first way, but for those given.
fn outcomes(probe: &'static Probe, others: &[(&str, Outcome)]) -> Vec<Outcome> {
    let outcome = |purpose: &'static Purpose| {
        let other = others.iter().find(|(what, _)| *what == purpose.what);
        other.map_or_else(
            || served(purpose, 0, Vec::new()),
            |(_, other)| other.clone(),
        )
    };
    probe.purposes.iter().map(outcome).collect()
}

fn resize(others: &[(&str, Outcome)]) -> ProbeStatus {
    let probe = catalog::find("resize").unwrap();
    status(probe, &outcomes(probe, others))
}

fn waiting() -> Outcome {
    unserved(vec![Reason::NotLoaded("xfs".to_owned())])
}

#[test]
fn everything_served_is_attached_without_a_word() {
    let status = resize(&[]);
    assert_eq!(status.state(), State::Attached);
    assert_eq!(status.reason, "");
    assert!(status.hooks.iter().all(|hook| hook.reason.is_empty()));
}

#[test]
fn waiting_for_a_module_is_no_gap() {
    let status = resize(&[
        ("xfs attempts and refusals", waiting()),
        ("xfs growth", waiting()),
    ]);
    assert_eq!(status.state(), State::Attached);
    let xfs: Vec<_> = status.hooks.iter().filter(|h| h.module == "xfs").collect();
    assert_eq!(xfs.len(), 2);
    for hook in xfs {
        assert_eq!(hook.state(), State::Waiting);
        assert!(hook.reason.contains("module xfs is not loaded"));
    }
}

#[test]
fn a_missing_purpose_is_a_gap_that_is_named() {
    let missing = unserved(vec![Reason::Missing("ext4_group_add".to_owned())]);
    let status = resize(&[("ext4 growth by a group", missing)]);
    assert_eq!(status.state(), State::Partial);
    assert_eq!(
        status.reason,
        "no ext4 growth by a group: this kernel has no function ext4_group_add"
    );
}

#[test]
fn what_broke_is_told_apart_from_what_the_kernel_lacks() {
    let probe = catalog::find("copy").unwrap();
    let all = |outcome: Outcome| {
        let outcomes = vec![outcome; probe.purposes.len()];
        status(probe, &outcomes)
    };
    let lacking = all(unserved(vec![Reason::NoBtf]));
    assert_eq!(lacking.state(), State::Unsupported);
    let broken = all(unserved(vec![
        Reason::NoBtf,
        Reason::Refused {
            hook: "vfs_copy_file_range".to_owned(),
            said: "device or resource busy".to_owned(),
        },
    ]));
    assert_eq!(broken.state(), State::Failed);
    // One cause for everything is said once.
    assert_eq!(
        broken.reason,
        "vfs_copy_file_range: device or resource busy"
    );
}

#[test]
fn the_way_of_other_kernels_is_not_mentioned_on_this_one() {
    let probe = catalog::find("exec").unwrap();
    let what = "device sizes that tools were told";
    let purpose = probe.purposes.iter().find(|p| p.what == what).unwrap();
    let old = served(
        purpose,
        1,
        vec![Reason::OtherArguments("blkdev_ioctl".to_owned())],
    );
    let status = status(probe, &outcomes(probe, &[(what, old)]));
    assert_eq!(status.state(), State::Attached);
    assert!(status.hooks.iter().all(|hook| hook.reason.is_empty()));
}

#[test]
fn a_second_choice_says_why() {
    let probe = catalog::find("copy").unwrap();
    let refused = Reason::Refused {
        hook: "vfs_copy_file_range".to_owned(),
        said: "argument list too long".to_owned(),
    };
    let second = served(&probe.purposes[0], 1, vec![refused]);
    let status = status(probe, &outcomes(probe, &[("copies", second)]));
    assert_eq!(status.hooks[0].how, "kprobe");
    assert_eq!(
        status.hooks[0].reason,
        "second choice, because vfs_copy_file_range: argument list too long"
    );
}

#[test]
fn a_probe_that_was_not_chosen_is_off() {
    let status = off(catalog::find("copy-entry").unwrap());
    assert_eq!(status.state(), State::Off);
    assert_eq!(status.reason, "not selected");
}

#[test]
fn causes_are_said_once() {
    let paranoid = || unserved(vec![Reason::Paranoid(3)]);
    let status = resize(&[
        ("xfs attempts and refusals", paranoid()),
        ("xfs growth", paranoid()),
    ]);
    assert_eq!(status.state(), State::Partial);
    let start = "no xfs attempts and refusals, no xfs growth: kernel.perf_event_paranoid is 3";
    assert!(status.reason.starts_with(start), "{}", status.reason);
    assert_eq!(status.reason.matches("paranoid is 3").count(), 1);
}

#[test]
fn what_is_attached_and_does_not_fire_is_a_gap() {
    let failed = SelfTest::Failed("triggered, but not seen by copy_exit".to_owned());
    let after = after_self_test(resize(&[]), &failed);
    assert_eq!(after.state(), State::Partial);
    assert!(after.reason.contains("not seen by copy_exit"));
    let passed = after_self_test(resize(&[]), &SelfTest::Passed);
    assert_eq!(passed.state(), State::Attached);
    assert_eq!(passed.self_test, "passed");
}
