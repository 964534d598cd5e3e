//! Volumes whose growth fails without a word, each in a way of its own, and what
//! is to be said of them.

use crate::guest::outside::Answer;

/// What lies on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Ext4,
    Xfs,
    /// ext4, mounted read-only.
    ReadOnly,
    /// ext4 in the only partition.
    Partition,
    /// ext4 on a logical volume of all of it.
    Lvm,
    /// ext4 on a LUKS mapping.
    Luks,
}

/// What the controller does about the claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// It calls for the claim's disk.
    Own(Answer),
    /// It calls for another disk.
    Other,
    /// It calls for none.
    None,
}

/// A size that a layer must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// None.
    No,
    Gib(u64),
    /// That of the device which is mounted, as it was at the start.
    Mounted,
    /// That of the file system which fills it.
    Filling,
}

use Size::{Filling, Gib, Mounted, No};

/// Name and state of a layer, and its size before and after.
pub(super) type Layer = (&'static str, &'static str, Size, Size);

/// One volume's story. Its disk has 1 GiB.
#[derive(Debug)]
pub(super) struct Plot {
    /// Name of the claim.
    pub claim: &'static str,
    pub content: Content,
    /// GiB that the claim is asked to have.
    pub wanted: u64,
    pub call: Call,
    /// Whether a tool runs on it before it grows.
    pub early: bool,
    /// Whether it grows.
    pub grows: bool,
    /// Whether a tool runs on it after it has grown.
    pub later: bool,
    /// Whether kubelet says that it succeeded.
    pub succeeded: bool,
    pub verdict: &'static str,
    pub confidence: &'static str,
    pub layers: &'static [Layer],
}

const REQUEST: Layer = ("request", "done", Gib(1), Gib(2));
const API: Layer = ("api", "done", No, Gib(2));
const GREW: Layer = ("capacity", "done", Gib(1), Gib(2));
const KEPT: Layer = ("capacity", "missing", Gib(1), Gib(1));
const CLAIMED: Layer = ("kubernetes", "done", Gib(1), Gib(2));
const WAITS: Layer = ("kubernetes", "missing", Gib(1), Gib(1));
const NO_PARTITION: Layer = ("partition", "not-applicable", No, No);
const NO_MAPPING: Layer = ("mapping", "not-applicable", No, No);

/// What most of them have in common: the call is taken, nothing grows, and
/// nobody does anything.
const ASKED: Plot = Plot {
    claim: "",
    content: Content::Ext4,
    wanted: 2,
    call: Call::Own(Answer::Accepted),
    early: false,
    grows: false,
    later: false,
    succeeded: false,
    verdict: "",
    confidence: "proven",
    layers: &[],
};

/// All of them.
pub(super) const PLOTS: &[Plot] = &[
    Plot {
        claim: "early-ext4",
        early: true,
        grows: true,
        succeeded: true,
        verdict: "resize/no-op-before-capacity",
        layers: &[
            REQUEST,
            API,
            GREW,
            NO_PARTITION,
            NO_MAPPING,
            ("filesystem", "no-op", Gib(1), Gib(1)),
            CLAIMED,
        ],
        ..ASKED
    },
    Plot {
        claim: "early-xfs",
        content: Content::Xfs,
        early: true,
        grows: true,
        succeeded: true,
        verdict: "resize/no-op-before-capacity",
        layers: &[
            REQUEST,
            API,
            GREW,
            ("filesystem", "no-op", Gib(1), Gib(1)),
            CLAIMED,
        ],
        ..ASKED
    },
    Plot {
        claim: "never",
        verdict: "resize/device-never-grew",
        layers: &[
            REQUEST,
            API,
            KEPT,
            ("filesystem", "missing", Gib(1), Gib(1)),
            WAITS,
        ],
        ..ASKED
    },
    Plot {
        claim: "partition",
        content: Content::Partition,
        grows: true,
        succeeded: true,
        verdict: "resize/partition-not-grown",
        layers: &[
            REQUEST,
            API,
            GREW,
            ("partition", "missing", Mounted, Mounted),
            NO_MAPPING,
            CLAIMED,
        ],
        ..ASKED
    },
    Plot {
        claim: "ext4",
        grows: true,
        succeeded: true,
        verdict: "resize/fs-not-grown",
        layers: &[
            REQUEST,
            API,
            GREW,
            ("filesystem", "missing", Gib(1), Gib(1)),
            CLAIMED,
        ],
        ..ASKED
    },
    Plot {
        claim: "xfs",
        content: Content::Xfs,
        grows: true,
        verdict: "resize/fs-not-grown",
        layers: &[
            REQUEST,
            API,
            GREW,
            ("filesystem", "missing", Gib(1), Gib(1)),
            WAITS,
        ],
        ..ASKED
    },
    Plot {
        claim: "luks",
        content: Content::Luks,
        grows: true,
        succeeded: true,
        verdict: "resize/mapping-not-grown",
        layers: &[
            GREW,
            NO_PARTITION,
            ("mapping", "missing", Mounted, Mounted),
            ("filesystem", "missing", Filling, Filling),
            CLAIMED,
        ],
        ..ASKED
    },
    Plot {
        claim: "lvm",
        content: Content::Lvm,
        grows: true,
        succeeded: true,
        verdict: "resize/mapping-not-grown",
        layers: &[
            GREW,
            NO_PARTITION,
            ("mapping", "missing", Mounted, Mounted),
            ("filesystem", "missing", Filling, Filling),
            CLAIMED,
        ],
        ..ASKED
    },
    Plot {
        claim: "read-only",
        content: Content::ReadOnly,
        grows: true,
        later: true,
        verdict: "resize/read-only-fs",
        layers: &[API, GREW, ("filesystem", "failed", Gib(1), Gib(1)), WAITS],
        ..ASKED
    },
    Plot {
        claim: "wrong-device",
        wanted: 3,
        call: Call::Other,
        early: true,
        succeeded: true,
        verdict: "resize/wrong-device",
        layers: &[
            ("request", "done", Gib(1), Gib(3)),
            ("api", "missing", No, No),
            KEPT,
            ("filesystem", "no-op", Gib(1), Gib(1)),
            ("kubernetes", "done", Gib(1), Gib(3)),
        ],
        ..ASKED
    },
    Plot {
        claim: "no-call",
        call: Call::None,
        verdict: "resize/no-api-call",
        confidence: "proven",
        layers: &[REQUEST, ("api", "missing", No, No), KEPT, WAITS],
        ..ASKED
    },
    Plot {
        claim: "refused",
        call: Call::Own(Answer::Refused("OperationDenied")),
        verdict: "resize/api-error",
        layers: &[REQUEST, ("api", "failed", No, Gib(2)), KEPT, WAITS],
        ..ASKED
    },
    Plot {
        claim: "offline",
        call: Call::Own(Answer::Offline),
        verdict: "resize/offline-needed",
        layers: &[REQUEST, API, KEPT, WAITS],
        ..ASKED
    },
    Plot {
        claim: "retried",
        early: true,
        grows: true,
        later: true,
        succeeded: true,
        verdict: "resize/late",
        layers: &[
            REQUEST,
            API,
            GREW,
            ("filesystem", "done", Gib(1), Gib(2)),
            CLAIMED,
        ],
        ..ASKED
    },
    Plot {
        claim: "well",
        content: Content::Xfs,
        grows: true,
        later: true,
        succeeded: true,
        verdict: "resize/ok",
        layers: &[
            REQUEST,
            API,
            GREW,
            ("filesystem", "done", Gib(1), Gib(2)),
            CLAIMED,
        ],
        ..ASKED
    },
];
