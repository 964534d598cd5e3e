//! Which names are of the same volume: the cloud's id of a disk, the persistent
//! volume, and its claim.

use crate::cloud::external::Detail;
use crate::cloud::{External, Intake};
use crate::model::Recording;
use crate::node::disk_id;

/// The names of one volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// As the cloud calls the disk.
    pub disk_id: Option<String>,
    /// Persistent volume.
    pub pv: Option<String>,
    /// Namespace and name of the claim.
    pub claim: Option<(String, String)>,
}

/// The names of all volumes.
#[derive(Clone, Debug, Default)]
pub struct Register(Vec<Names>);

/// Whether two ids are of one disk: clouds and drivers write a disk's path or
/// only its name, and Azure in any case.
pub(in crate::analysis) fn same_disk(a: &str, b: &str) -> bool {
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_lowercase();
    a.eq_ignore_ascii_case(b) || (a.contains('/') != b.contains('/') && last(a) == last(b))
}

impl Register {
    /// Everything that recordings and external inputs name.
    pub fn of<'a>(
        recordings: impl Iterator<Item = &'a Recording> + Clone,
        intake: &Intake,
    ) -> Self {
        let mut register = Self::default();
        for (name, volume) in &intake.objects.volumes {
            register.add(Names {
                disk_id: volume.handle.clone(),
                pv: Some(name.clone()),
                claim: volume.claim.clone(),
            });
        }
        for (claim, object) in &intake.objects.claims {
            register.add(Names {
                disk_id: None,
                pv: object.volume.clone(),
                claim: Some(claim.clone()),
            });
        }
        for recording in recordings.clone() {
            for volume in recording.devices().volumes() {
                register.add(Names {
                    disk_id: Some(volume.handle.clone()).filter(|handle| !handle.is_empty()),
                    pv: volume.pv.clone(),
                    claim: None,
                });
            }
        }
        for event in &intake.events {
            register.add(named_by(event));
        }
        for recording in recordings {
            for (_, disk) in recording.devices().all() {
                register.add(Names {
                    disk_id: disk_id::of(disk),
                    ..Names::default()
                });
            }
        }
        register
    }

    /// The volumes, in no particular order.
    pub fn volumes(&self) -> &[Names] {
        &self.0
    }

    /// These names are of one volume.
    fn add(&mut self, mut names: Names) {
        if names == Names::default() {
            return;
        }
        let (same, others) = std::mem::take(&mut self.0)
            .into_iter()
            .partition::<Vec<_>, _>(|known| known.shares(&names));
        self.0 = others;
        for known in same {
            // The longer form of an id says more.
            let ids = [known.disk_id, names.disk_id].into_iter().flatten();
            names.disk_id = ids.reduce(|a, b| if b.len() > a.len() { b } else { a });
            names.pv = known.pv.or(names.pv);
            names.claim = known.claim.or(names.claim);
        }
        self.0.push(names);
    }
}

impl Names {
    fn shares(&self, other: &Self) -> bool {
        let disks = self.disk_id.as_deref().zip(other.disk_id.as_deref());
        let both = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
        disks.is_some_and(|(a, b)| same_disk(a, b))
            || both(&self.pv, &other.pv)
            || self.claim.is_some() && self.claim == other.claim
    }

    /// Whether a person may mean this volume by that name.
    pub fn is_called(&self, name: &str) -> bool {
        let claim = self
            .claim
            .as_ref()
            .map(|(ns, claim)| format!("{ns}/{claim}"));
        self.disk_id
            .as_deref()
            .is_some_and(|id| same_disk(id, name))
            || self.pv.as_deref() == Some(name)
            || claim.as_deref() == Some(name)
    }

    /// Whether an event is about this volume.
    pub fn concerns(&self, event: &External) -> bool {
        match &event.detail {
            Detail::ApiResize(call) => self.has_disk(call.disk_id.as_deref()),
            Detail::PvcSpec(change) | Detail::PvcStatus(change) => {
                let claim = (change.namespace.as_str(), change.name.as_str());
                self.claim_parts() == Some(claim)
            }
            Detail::Pv(change) => self.pv.as_deref() == Some(&change.name),
            Detail::KubeEvent {
                object, message, ..
            } => self.is_object(object) || self.is_mentioned(message),
            Detail::LogLine { message, .. } => self.is_mentioned(message),
        }
    }

    fn has_disk(&self, id: Option<&str>) -> bool {
        let ids = self.disk_id.as_deref().zip(id);
        ids.is_some_and(|(own, other)| same_disk(own, other))
    }

    fn claim_parts(&self) -> Option<(&str, &str)> {
        let (namespace, name) = self.claim.as_ref()?;
        Some((namespace, name))
    }

    /// `PersistentVolumeClaim db/data`, `PersistentVolume pv-1`.
    fn is_object(&self, object: &str) -> bool {
        let Some((kind, name)) = object.split_once(' ') else {
            return false;
        };
        match kind {
            "PersistentVolumeClaim" => name.split_once('/') == self.claim_parts(),
            "PersistentVolume" => Some(name) == self.pv.as_deref(),
            _ => false,
        }
    }

    fn is_mentioned(&self, message: &str) -> bool {
        let claim = self.claim.as_ref().map(|(ns, name)| format!("{ns}/{name}"));
        let names = [
            self.disk_id.as_deref(),
            self.pv.as_deref(),
            claim.as_deref(),
        ];
        names
            .into_iter()
            .flatten()
            .any(|name| mentions(message, name))
    }
}

/// Whether a name stands in a text as a word of its own.
fn mentions(text: &str, name: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + name.len()..].chars().next();
            !before.is_some_and(part_of_name) && !after.is_some_and(part_of_name)
        })
}

/// The names that one event says belong together.
fn named_by(event: &External) -> Names {
    match &event.detail {
        Detail::ApiResize(call) => Names {
            disk_id: call.disk_id.clone(),
            ..Names::default()
        },
        Detail::PvcSpec(change) | Detail::PvcStatus(change) => Names {
            claim: Some((change.namespace.clone(), change.name.clone())),
            pv: change.volume.clone(),
            disk_id: None,
        },
        Detail::Pv(change) => Names {
            pv: Some(change.name.clone()),
            ..Names::default()
        },
        Detail::KubeEvent {
            object, message, ..
        } => {
            let claim = object
                .strip_prefix("PersistentVolumeClaim ")
                .and_then(|name| name.split_once('/'));
            // What external-resizer says of a claim (pkg/controller).
            let pv = message
                .strip_prefix("External resizer is resizing volume ")
                .map(|name| name.trim().to_owned());
            Names {
                pv: pv.filter(|_| claim.is_some()),
                claim: claim.map(|(ns, name)| (ns.to_owned(), name.to_owned())),
                ..unique_name(message)
            }
        }
        Detail::LogLine { message, .. } => unique_name(message),
    }
}

/// `volume "<pv>" (UniqueName: "kubernetes.io/csi/<driver>^<handle>")`, as
/// kubelet writes it; the quotes may be escaped.
fn unique_name(message: &str) -> Names {
    let quoted = |after: &str| {
        let rest = message.split_once(after)?.1;
        let rest = rest.trim_start_matches(['\\', '"']);
        let end = rest.find(['\\', '"'])?;
        Some(rest[..end].to_owned())
    };
    let handle = quoted("UniqueName: ").and_then(|name| {
        let (driver, handle) = name.split_once('^')?;
        driver
            .starts_with("kubernetes.io/csi/")
            .then(|| handle.to_owned())
    });
    let pv = handle.as_ref().and_then(|_| quoted("volume "));
    Names {
        disk_id: handle,
        pv,
        claim: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Interval;

    fn log(message: &str) -> External {
        External {
            at: Interval::truncated(0, 1),
            source: "klog",
            file: "".into(),
            line: 1,
            detail: Detail::LogLine {
                component: "kubelet".to_owned(),
                message: message.to_owned(),
            },
        }
    }

    #[test]
    fn one_disk_has_many_spellings() {
        let azure = "/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/disks/PVC-5b1f";
        assert!(same_disk(azure, "pvc-5B1F"));
        assert!(same_disk(azure, &azure.to_uppercase()));
        assert!(!same_disk(azure, &azure.replace("/G/", "/H/")));
        assert!(!same_disk("d-bp1", "d-bp12"));
    }

    #[test]
    fn kubelet_tells_which_disk_a_volume_is() {
        let line = log(
            "\"MountVolume.NodeExpandVolume succeeded for volume \\\"pvc-77\\\" (UniqueName: \
             \\\"kubernetes.io/csi/disk.example^d-bp1\\\") pod \\\"mysql-0\\\"",
        );
        let names = named_by(&line);
        assert_eq!(names.disk_id.as_deref(), Some("d-bp1"));
        assert_eq!(names.pv.as_deref(), Some("pvc-77"));
        assert!(names.concerns(&line));
    }

    #[test]
    fn names_that_share_one_are_one_volume_in_whatever_order_they_come() {
        let names = |disk: &str, pv: &str, claim: &str| {
            let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
            Names {
                disk_id: some(disk),
                pv: some(pv),
                claim: some(claim).map(|name| ("db".to_owned(), name)),
            }
        };
        let mut register = Register::default();
        register.add(names("d-1", "", ""));
        register.add(names("", "", "data"));
        register.add(names("d-2", "pv-2", ""));
        register.add(names("d-1", "pv-1", ""));
        register.add(names("", "pv-1", "data"));
        assert_eq!(
            register.volumes(),
            [names("d-2", "pv-2", ""), names("d-1", "pv-1", "data")]
        );
    }

    #[test]
    fn a_longer_name_is_another() {
        assert!(mentions("volume d-bp1, device", "d-bp1"));
        assert!(!mentions("volume d-bp12", "d-bp1"));
        assert!(!mentions("anything", ""));
    }
}
