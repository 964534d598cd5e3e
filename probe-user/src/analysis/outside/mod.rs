//! What others say about one volume: the claim, the calls to the cloud, the
//! components' own words.

mod call;
mod words;

pub use call::Call;
pub use words::{Meaning, meaning};

use crate::cloud::external::{ClaimChange, Detail};
use crate::cloud::objects;
use crate::cloud::{External, Interval};
use std::collections::BTreeMap;

/// An event of an external input.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// Its id in the timeline.
    pub id: u64,
    /// What it says.
    pub event: &'a External,
}

/// Everything that was told about one volume.
#[derive(Clone, Debug, Default)]
pub struct Outside<'a> {
    /// The cloud's id of its disk.
    pub disk_id: Option<String>,
    /// Events, in order.
    pub told: Vec<Told<'a>>,
    /// The claim, as exported.
    pub claim: Option<&'a objects::Claim>,
    /// The persistent volume, as exported.
    pub volume: Option<&'a objects::Volume>,
    /// Calls that name a disk that nobody asked to grow, of any volume.
    pub strays: Vec<Call<'a>>,
    /// What each source covers.
    pub spans: BTreeMap<&'static str, Interval>,
}

/// A change of the claim's request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// When; `None` where only its outcome is known.
    pub told: Option<Told<'a>>,
    /// Who asked.
    pub actor: Option<&'a str>,
    /// Size before.
    pub from_bytes: Option<u64>,
    /// Size asked for.
    pub to_bytes: Option<u64>,
}

/// Sources that tell of calls to a cloud.
const TRAILS: &[&str] = &[
    "actiontrail",
    "cloudtrail",
    "gcp-audit",
    "azure-activity",
    "generic-json",
    "generic-csv",
];

impl<'a> Outside<'a> {
    /// The last time that the claim was asked to be larger.
    pub fn request(&self) -> Option<Request<'a>> {
        let changes = self.told.iter().rev().filter_map(|told| {
            let Detail::PvcSpec(change) = &told.event.detail else {
                return None;
            };
            (change.error.is_none()).then_some((told, change))
        });
        let grows = |change: &ClaimChange| match (change.from_bytes, change.to_bytes) {
            (Some(from), Some(to)) => to > from,
            _ => true,
        };
        let written = changes
            .filter(|(_, change)| grows(change))
            .map(|(told, change)| Request {
                told: Some(*told),
                actor: change.actor.as_deref(),
                from_bytes: change.from_bytes,
                to_bytes: change.to_bytes,
            });
        written.into_iter().next().or_else(|| self.begun())
    }

    /// A request of which only later traces are left: the claim is larger than
    /// its status, or a component says that it is resizing it.
    fn begun(&self) -> Option<Request<'a>> {
        let traces = [Meaning::Resizing, Meaning::NodeResizing];
        let told = traces.iter().find_map(|&wanted| self.first(wanted));
        let claim = self.claim?;
        let waits = claim.request_bytes > claim.status_bytes;
        (told.is_some() || waits).then_some(Request {
            told: None,
            actor: None,
            from_bytes: claim.status_bytes.filter(|_| waits),
            to_bytes: claim.request_bytes,
        })
    }

    /// Calls to the cloud's API for this disk, in order.
    pub fn calls(&self) -> Vec<Call<'a>> {
        call::of(&self.told)
    }

    /// The last call.
    pub fn last_call(&self) -> Option<Call<'a>> {
        self.calls().into_iter().next_back()
    }

    /// When someone first wanted this growth: the request, else the call.
    pub fn wanted_at(&self) -> Option<Interval> {
        let request = self.request().and_then(|request| request.told);
        let request = request.map(|told| told.event.at);
        request.or_else(|| self.last_call().map(|call| call.began()))
    }

    /// Size that was asked for.
    pub fn wanted_bytes(&self) -> Option<u64> {
        let request = self.request().and_then(|request| request.to_bytes);
        request.or_else(|| self.last_call().and_then(|call| call.to_bytes()))
    }

    /// The last of what components said that means this.
    pub fn last(&self, wanted: Meaning) -> Option<Told<'a>> {
        let mut told = self.told.iter().rev();
        told.find(|told| meaning(told.event) == Some(wanted))
            .copied()
    }

    /// The first of what components said that means this.
    pub fn first(&self, wanted: Meaning) -> Option<Told<'a>> {
        let mut told = self.told.iter();
        told.find(|told| meaning(told.event) == Some(wanted))
            .copied()
    }

    /// The last write of the claim's status.
    pub fn status_written(&self) -> Option<(Told<'a>, &'a ClaimChange)> {
        self.told
            .iter()
            .rev()
            .find_map(|told| match &told.event.detail {
                Detail::PvcStatus(change) => Some((*told, change)),
                _ => None,
            })
    }

    /// The last write of the persistent volume's capacity.
    pub fn capacity_written(&self) -> Option<(Told<'a>, &'a ClaimChange)> {
        self.told
            .iter()
            .rev()
            .find_map(|told| match &told.event.detail {
                Detail::Pv(change) => Some((*told, change)),
                _ => None,
            })
    }

    /// What all trails of calls cover together; `None` if none was given.
    pub fn trail(&self) -> Option<Interval> {
        let spans = TRAILS.iter().filter_map(|name| self.spans.get(name));
        spans.copied().reduce(|a, b| Interval {
            start_ns: a.start_ns.min(b.start_ns),
            end_ns: a.end_ns.max(b.end_ns),
        })
    }

    /// The event with this id, if it is one of these or of a stray call.
    pub fn event(&self, id: u64) -> Option<&'a External> {
        let strays = self.strays.iter().flat_map(Call::records);
        let mut told = self.told.iter().copied().chain(strays);
        told.find(|told| told.id == id).map(|told| told.event)
    }

    /// Whether anything at all was told.
    pub fn is_silent(&self) -> bool {
        self.told.is_empty() && self.claim.is_none() && self.volume.is_none()
    }

    /// Whether it is known to Kubernetes.
    pub fn is_claimed(&self) -> bool {
        let of_claim = |told: &Told| {
            matches!(
                told.event.detail,
                Detail::PvcSpec(_)
                    | Detail::PvcStatus(_)
                    | Detail::Pv(_)
                    | Detail::KubeEvent { .. }
            )
        };
        self.claim.is_some() || self.volume.is_some() || self.told.iter().any(of_claim)
    }
}
