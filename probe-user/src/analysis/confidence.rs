//! How sure a verdict is, by what it rests on: one measure for all rules.

use super::finding::{Evidence, Finding};
use crate::cloud::External;
use crate::cloud::external::Detail;
use serde::Serialize;

/// How sure a verdict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Every part of it was seen, and nothing was hidden: by the node's kernel, or,
    /// of what the cloud itself refused, in the cloud's own record.
    Proven,
    /// A part of it rests on sizes alone, or on the words of others.
    Likely,
    /// The evidence leaves other answers open.
    Possible,
}

/// What the cloud's record of a call says by itself, whatever the node did.
const SAID_BY_THE_CLOUD: &[&str] = &["resize/api-error", "resize/shrink-refused"];

/// How sure a finding is. `told` gives an event of the external inputs, and `None`
/// for one of the node's.
pub(super) fn confidence<'a>(
    finding: &Finding,
    told: impl Fn(u64) -> Option<&'a External>,
) -> Confidence {
    let open = ["resize/unknown", "clock/unsynchronised"].contains(&finding.rule);
    if open || finding.doubt.is_some() {
        return Confidence::Possible;
    }
    let any = |is: &dyn Fn(&Evidence) -> bool| finding.evidence.iter().any(is);
    let by_state = any(&|e| matches!(e, Evidence::Absence { basis: "state", .. }));
    let detail = |e: &Evidence| match e {
        Evidence::Event { id } => told(*id).map(|event| &event.detail),
        _ => None,
    };
    let by_words = any(&|e| {
        let detail = detail(e);
        detail.is_some_and(|d| matches!(d, Detail::LogLine { .. } | Detail::KubeEvent { .. }))
    });
    let by_kernel = any(&|e| match e {
        Evidence::Event { id } => told(*id).is_none(),
        Evidence::Absence { probes, .. } => !probes.is_empty(),
        _ => false,
    });
    let by_cloud = SAID_BY_THE_CLOUD.contains(&finding.rule)
        && any(&|e| detail(e).is_some_and(|d| matches!(d, Detail::ApiResize(_))));
    if (by_kernel || by_cloud) && !by_state && !by_words {
        Confidence::Proven
    } else {
        Confidence::Likely
    }
}
