use super::*;
use crate::probe::Reason;
use crate::probe::catalog::{self, Purpose};
use crate::probe::explain::Step;
use crate::probe::testing::{debian_6_12, missing_module};
use crate::probe::verdict::State;
use rustix::io::Errno;
use std::collections::BTreeSet;

/// Refuses the programs it is told to, and keeps what is loaded and runs.
#[derive(Default)]
struct Fake {
    refuses: Vec<(&'static str, Step, Errno)>,
    loaded: BTreeSet<&'static str>,
    running: BTreeSet<&'static str>,
}

impl Fake {
    fn check(&self, program: &Program, at: Step) -> Result<(), Refusal> {
        let refusal = self
            .refuses
            .iter()
            .find(|&&(name, step, _)| (name, step) == (program.name, at));
        match refusal {
            Some(&(_, step, errno)) => Err(Refusal {
                step,
                errno: Some(errno),
                said: errno.to_string(),
            }),
            None => Ok(()),
        }
    }
}

impl Driver for Fake {
    fn load(&mut self, program: &'static Program) -> Result<(), Refusal> {
        self.check(program, Step::Load)?;
        self.loaded.insert(program.name);
        Ok(())
    }

    fn attach(&mut self, program: &'static Program) -> Result<(), Refusal> {
        self.check(program, Step::Attach)?;
        assert!(self.loaded.contains(program.name));
        self.running.insert(program.name);
        Ok(())
    }

    fn detach(&mut self, program: &'static Program) {
        self.running.remove(program.name);
    }

    fn unload(&mut self, program: &'static Program) {
        self.detach(program);
        self.loaded.remove(program.name);
    }
}

fn purpose(probe: &str, what: &str) -> &'static Purpose {
    let purposes = catalog::find(probe).unwrap().purposes;
    purposes.iter().find(|p| p.what == what).unwrap()
}

fn establish_with(fake: &mut Fake, ground: &Ground, purpose: &'static Purpose) -> Outcome {
    establish(&ground.judge(purpose), ground, fake)
}

#[test]
fn the_first_way_is_gone() {
    let mut fake = Fake::default();
    let outcome = establish_with(&mut fake, &debian_6_12(), purpose("copy", "copies"));
    assert_eq!(outcome.attached.unwrap().how(), "fentry");
    assert_eq!(fake.running, BTreeSet::from(["copy_enter", "copy_exit"]));
}

#[test]
fn half_a_way_is_taken_back_and_the_next_one_gone() {
    let mut fake = Fake {
        refuses: vec![("copy_exit", Step::Attach, Errno::BUSY)],
        ..Fake::default()
    };
    let outcome = establish_with(&mut fake, &debian_6_12(), purpose("copy", "copies"));
    assert_eq!(outcome.attached.unwrap().how(), "kprobe");
    assert_eq!(
        fake.running,
        BTreeSet::from(["copy_enter_kp", "copy_exit_kp"])
    );
    assert_eq!(outcome.reasons.len(), 1);
}

#[test]
fn what_nothing_serves_has_failed_and_leaves_nothing_running() {
    let mut fake = Fake {
        refuses: vec![
            ("copy_enter", Step::Load, Errno::INVAL),
            ("copy_exit_kp", Step::Attach, Errno::ADDRNOTAVAIL),
        ],
        ..Fake::default()
    };
    let outcome = establish_with(&mut fake, &debian_6_12(), purpose("copy", "copies"));
    assert_eq!(outcome.state(), State::Failed);
    assert!(fake.running.is_empty() && fake.loaded.is_empty());
    assert!(matches!(outcome.reasons[1], Reason::Ambiguous { .. }));
}

#[test]
fn a_module_that_is_not_loaded_is_waited_for() {
    let ground = missing_module(debian_6_12(), "xfs");
    let outcome = establish_with(
        &mut Fake::default(),
        &ground,
        purpose("resize", "xfs growth"),
    );
    assert_eq!(outcome.state(), State::Waiting);
    assert_eq!(outcome.reasons, [Reason::NotLoaded("xfs".to_owned())]);
}

#[test]
fn a_module_that_went_in_between_is_waited_for() {
    let mut ground = missing_module(debian_6_12(), "xfs");
    ground.symbols = crate::kernel::Symbols::default();
    let mut fake = Fake {
        refuses: vec![("xfs_grow_enter_kp", Step::Attach, Errno::NOENT)],
        ..Fake::default()
    };
    let outcome = establish_with(&mut fake, &ground, purpose("resize", "xfs growth"));
    assert_eq!(outcome.state(), State::Waiting);
    assert_eq!(fake.loaded.len(), 2);
}
