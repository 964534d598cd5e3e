//! What could not be counted or sent, by kind. One counter each, cumulative.

/// A kind of loss. The number is the index in the kernel's `LOSSES` array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Loss {
    /// Ring buffer full: a resize event was dropped.
    RingResize = 0,
    /// Ring buffer full: a capacity or partition event was dropped.
    RingCapacity = 1,
    /// Ring buffer full: an exec or exit event was dropped.
    RingExec = 2,
    /// Ring buffer full: a configuration (read-ahead, mount) event was dropped.
    RingConfig = 3,
    /// No free series of `copy`: counted in the "other" series.
    CopySeries = 4,
    /// No free series of `readahead`: counted in the "other" series.
    ReadaheadSeries = 5,
    /// The overflow table of calls in flight is full: the call has no latency.
    InFlight = 6,
    /// A call began while an earlier one of its task was still noted: the
    /// earlier return was not seen.
    LostReturn = 7,
    /// The table of errors by errno is full.
    Errors = 8,
    /// The table of watched processes is full: a tool went unwatched.
    Watched = 9,
    /// The table of processes (`top`) is full.
    Top = 10,
    /// The table of read-ahead streams is full.
    Streams = 11,
    /// A resize ioctl was entered and its return not seen.
    ResizeReturn = 12,
    /// The table of the processes of a command is full: one went uncounted.
    Tree = 13,
}

impl Loss {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 14] = [
        Self::RingResize,
        Self::RingCapacity,
        Self::RingExec,
        Self::RingConfig,
        Self::CopySeries,
        Self::ReadaheadSeries,
        Self::InFlight,
        Self::LostReturn,
        Self::Errors,
        Self::Watched,
        Self::Top,
        Self::Streams,
        Self::ResizeReturn,
        Self::Tree,
    ];

    /// The name used in recordings and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RingResize => "ring/resize",
            Self::RingCapacity => "ring/capacity",
            Self::RingExec => "ring/exec",
            Self::RingConfig => "ring/config",
            Self::CopySeries => "series/copy",
            Self::ReadaheadSeries => "series/readahead",
            Self::InFlight => "in-flight",
            Self::LostReturn => "lost-return",
            Self::Errors => "errors",
            Self::Watched => "watched",
            Self::Top => "top",
            Self::Streams => "streams",
            Self::ResizeReturn => "resize/lost-return",
            Self::Tree => "tree",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Loss;

    #[test]
    fn all_is_in_the_order_of_the_numbers() {
        for (number, loss) in Loss::ALL.into_iter().enumerate() {
            assert_eq!(loss as usize, number);
        }
    }
}
