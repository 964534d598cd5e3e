//! A value read again and again, kept as runs of equal readings.

/// Consecutive readings of the same value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// What was read.
    pub value: u64,
    /// Boot time of the first reading, ns.
    pub first_ns: u64,
    /// Boot time of the last reading, ns.
    pub last_ns: u64,
}

/// The readings of one quantity over time, in ascending order.
#[derive(Clone, Debug, Default)]
pub struct Runs(Vec<Run>);

impl Runs {
    /// Notes a reading. Readings come in ascending order, but for small
    /// overlaps; one that contradicts its neighbours' order is left out.
    pub fn note(&mut self, boot_ns: u64, value: u64) {
        match self.0.last_mut() {
            Some(run) if run.value == value => {
                run.last_ns = run.last_ns.max(boot_ns);
                run.first_ns = run.first_ns.min(boot_ns);
            }
            Some(run) if boot_ns < run.last_ns => {}
            _ => self.0.push(Run {
                value,
                first_ns: boot_ns,
                last_ns: boot_ns,
            }),
        }
    }

    /// All runs.
    pub fn all(&self) -> &[Run] {
        &self.0
    }

    /// The last value read.
    pub fn last(&self) -> Option<u64> {
        self.0.last().map(|run| run.value)
    }

    /// The last value read at or before a time.
    pub fn at(&self, boot_ns: u64) -> Option<u64> {
        let later = self.0.partition_point(|run| run.first_ns <= boot_ns);
        later.checked_sub(1).map(|last| self.0[last].value)
    }

    /// The run whose readings enclose the whole time: one at or before its
    /// start, one at or after its end, none between with another value.
    pub fn unchanged(&self, from_ns: u64, to_ns: u64) -> Option<Run> {
        let encloses = |run: &&Run| run.first_ns <= from_ns && to_ns <= run.last_ns;
        self.0.iter().find(encloses).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(readings: &[(u64, u64)]) -> Runs {
        let mut runs = Runs::default();
        for &(at, value) in readings {
            runs.note(at, value);
        }
        runs
    }

    #[test]
    fn equal_readings_are_one_run() {
        let runs = runs(&[(1, 20), (5, 20), (9, 40), (12, 40)]);
        assert_eq!(runs.all().len(), 2);
        assert_eq!(
            (runs.at(0), runs.at(5), runs.at(8), runs.at(9)),
            (None, Some(20), Some(20), Some(40))
        );
        assert_eq!(runs.last(), Some(40));
    }

    #[test]
    fn unchanged_needs_a_reading_on_either_side() {
        let runs = runs(&[(10, 20), (50, 20)]);
        assert!(runs.unchanged(10, 50).is_some());
        assert!(runs.unchanged(9, 50).is_none());
        assert!(runs.unchanged(10, 51).is_none());
    }

    #[test]
    fn a_change_and_back_is_a_change() {
        assert!(runs(&[(1, 20), (2, 30), (3, 20)]).unchanged(1, 3).is_none());
    }
}
