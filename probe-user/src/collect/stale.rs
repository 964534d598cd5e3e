//! Calls in flight of threads that are gone: their return was not seen, and
//! their slot would be taken for ever.

use super::top::InFlight;
use std::collections::HashMap;
use std::path::Path;

/// Inode of the initial pid namespace (`PROC_PID_INIT_INO`).
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// Whether `/proc` shows every thread of the node: otherwise nothing can be said
/// of a thread that is not in it.
pub fn sees_all_threads() -> bool {
    rustix::fs::stat("/proc/self/ns/pid").is_ok_and(|ns| ns.st_ino == INITIAL_PID_NAMESPACE)
}

/// Whether a process or thread of this number lives.
pub fn lives(tid: u32) -> bool {
    Path::new(&format!("/proc/{tid}")).exists()
}

/// Remembers the calls in flight from one look to the next.
#[derive(Debug, Default)]
pub struct Stale {
    before: HashMap<usize, InFlight>,
}

impl Stale {
    /// The calls that were in flight at the last look as well, and whose thread
    /// no longer lives.
    pub fn find(&mut self, in_flight: &[InFlight], lives: impl Fn(u32) -> bool) -> Vec<InFlight> {
        let old = in_flight.iter().filter(|call| {
            let before = self.before.get(&call.slot);
            before.is_some_and(|before| before == *call) && !lives(call.tid)
        });
        let stale = old.copied().collect();
        self.before = in_flight.iter().map(|call| (call.slot, *call)).collect();
        stale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: InFlight = InFlight {
        slot: 7,
        tid: 7,
        word: 7,
        start_ns: 1,
    };

    #[test]
    fn only_an_old_call_of_a_dead_thread_is_stale() {
        let mut stale = Stale::default();
        assert_eq!(stale.find(&[CALL], |_| false), []);
        assert_eq!(stale.find(&[CALL], |_| true), []);
        assert_eq!(stale.find(&[CALL], |_| false), [CALL]);
    }

    #[test]
    fn a_new_call_in_the_same_slot_is_another() {
        let mut stale = Stale::default();
        stale.find(&[CALL], |_| false);
        let later = InFlight {
            start_ns: 2,
            ..CALL
        };
        assert_eq!(stale.find(&[later], |_| false), []);
    }

    #[test]
    fn this_process_lives() {
        assert!(lives(std::process::id()));
        assert!(!lives(u32::MAX));
    }
}
