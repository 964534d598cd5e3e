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

/// What may happen on the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The tool that resizes the file system runs, whatever comes of it.
    Tool,
    /// The disk grows.
    Growth,
    /// kubelet says that it succeeded, and writes the claim's status.
    Success,
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
use Step::{Growth, Success, Tool};

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
    /// What happens on the node, in order.
    pub node: &'static [Step],
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
    node: &[],
    verdict: "",
    confidence: "proven",
    layers: &[],
};

/// All of them.
pub(super) const PLOTS: &[Plot] = &[
    Plot {
        claim: "early-ext4",
        node: &[Tool, Success, Growth],
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
        node: &[Tool, Success, Growth],
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
        node: &[Success, Growth],
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
        node: &[Success, Growth],
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
        node: &[Growth],
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
        node: &[Success, Growth],
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
        node: &[Success, Growth],
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
        node: &[Growth, Tool],
        verdict: "resize/read-only-fs",
        layers: &[API, GREW, ("filesystem", "failed", Gib(1), Gib(1)), WAITS],
        ..ASKED
    },
    Plot {
        claim: "wrong-device",
        wanted: 3,
        call: Call::Other,
        node: &[Tool, Success],
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
        node: &[Tool, Growth, Tool, Success],
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
        node: &[Growth, Tool, Success],
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
