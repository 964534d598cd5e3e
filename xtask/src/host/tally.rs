//! Counting tests, from any thread, in one form.

use std::sync::{Mutex, PoisonError};

/// How one test ended.
#[derive(Debug)]
pub enum Verdict {
    /// As it should.
    Passed,
    /// Not as it should; with what helps to see why.
    Failed(String),
}

/// Prints each test as it ends, and counts.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    passed: u64,
    failed: u64,
    failures: Vec<String>,
}

impl Tally {
    /// Books one test.
    pub fn add(&self, name: &str, verdict: Verdict) {
        self.book(name, verdict, "");
    }

    /// Books one test that took a while.
    pub fn add_timed(&self, name: &str, verdict: Verdict, seconds: f64) {
        self.book(name, verdict, &format!(" ({seconds:.1} s)"));
    }

    /// Says that a test was not made, and why.
    pub fn skip(name: &str, why: &str) {
        println!("test {name} … skipped: {why}");
    }

    /// Books tests that another runner counted and printed.
    pub fn add_counted(&self, passed: u64, failed: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.passed += passed;
        counts.failed += failed;
    }

    fn book(&self, name: &str, verdict: Verdict, time: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match verdict {
            Verdict::Passed => {
                counts.passed += 1;
                println!("test {name} … ok{time}");
            }
            Verdict::Failed(why) => {
                counts.failed += 1;
                counts.failures.push(name.to_owned());
                println!("test {name} … FAILED{time}\n{why}\n");
            }
        }
    }

    /// Prints the names of what failed, and the last line of the run. Returns
    /// whether all passed.
    pub fn finish(&self) -> bool {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !counts.failures.is_empty() {
            println!("\nfailed:");
            for name in &counts.failures {
                println!("    {name}");
            }
        }
        println!("\n{} passed, {} failed", counts.passed, counts.failed);
        counts.failed == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_fails_the_run() {
        let tally = Tally::default();
        tally.add("a", Verdict::Passed);
        tally.add_counted(3, 0);
        assert!(tally.finish());
        tally.add("b", Verdict::Failed("why".to_owned()));
        assert!(!tally.finish());
    }
}
