//! `kubectl get pvc,pv,volumeattachment,events -o json`.
//!
//! Sources: Kubernetes API v1 `PersistentVolumeClaim`, `PersistentVolume`,
//! `Event`; storage.k8s.io/v1 `VolumeAttachment`.

use super::external::{Detail, Interval};
use super::json::{integer, text};
use super::objects::{Attachment, Claim, Volume};
use super::{Intake, JsonSource, quantity, time};
use serde_json::Value;

pub(super) const SOURCE: JsonSource = JsonSource {
    name: "kubernetes-objects",
    time: |_| None,
    recognises,
    parse,
};

/// Kinds whose objects are taken; others that a list holds are passed over.
const KINDS: &[&str] = &[
    "PersistentVolumeClaim",
    "PersistentVolume",
    "VolumeAttachment",
    "Event",
];

/// Parts of the reasons of events that are about a volume's size.
const REASONS: &[&str] = &[
    "Resiz",
    "Expand",
    "VolumeModif",
    "FileSystemResize",
    "VolumePermissionChange",
];

fn recognises(record: &Value) -> bool {
    // An audit record is of kind Event too, of another API.
    let api = text(record, "/apiVersion").unwrap_or_default();
    text(record, "/kind").is_some() && !api.starts_with("audit.k8s.io/") && !api.is_empty()
}

fn parse(object: &Value, intake: &mut Intake) -> Result<(), String> {
    let kind = text(object, "/kind").unwrap_or_default();
    if !KINDS.contains(&kind.as_str()) {
        return Ok(());
    }
    let name = text(object, "/metadata/name").ok_or_else(|| format!("a {kind} without a name"))?;
    if kind != "Event" {
        // The names and sizes that are taken of it.
        intake.keep(1024)?;
    }
    match kind.as_str() {
        "PersistentVolumeClaim" => {
            let namespace = text(object, "/metadata/namespace").unwrap_or_default();
            intake
                .objects
                .claims
                .insert((namespace, name), claim(object));
        }
        "PersistentVolume" => {
            intake.objects.volumes.insert(name, volume(object));
        }
        "VolumeAttachment" => {
            intake.objects.attachments.insert(name, attachment(object));
        }
        _ => event(object, &name, intake)?,
    }
    Ok(())
}

fn bytes(object: &Value, pointer: &str) -> Option<u64> {
    quantity::bytes(&text(object, pointer)?)
}

fn claim(object: &Value) -> Claim {
    let conditions = object
        .pointer("/status/conditions")
        .and_then(Value::as_array);
    Claim {
        request_bytes: bytes(object, "/spec/resources/requests/storage"),
        status_bytes: bytes(object, "/status/capacity/storage"),
        volume: text(object, "/spec/volumeName"),
        block_mode: text(object, "/spec/volumeMode").as_deref() == Some("Block"),
        resize_status: text(object, "/status/allocatedResourceStatuses/storage"),
        conditions: conditions
            .into_iter()
            .flatten()
            .filter(|condition| text(condition, "/status").as_deref() == Some("True"))
            .map(|condition| {
                let get = |pointer| text(condition, pointer).unwrap_or_default();
                (get("/type"), get("/message"))
            })
            .collect(),
    }
}

fn volume(object: &Value) -> Volume {
    let claim = |pointer| text(object, pointer);
    Volume {
        driver: text(object, "/spec/csi/driver"),
        handle: text(object, "/spec/csi/volumeHandle"),
        capacity_bytes: bytes(object, "/spec/capacity/storage"),
        claim: claim("/spec/claimRef/namespace").zip(claim("/spec/claimRef/name")),
    }
}

fn attachment(object: &Value) -> Attachment {
    let metadata = object
        .pointer("/status/attachmentMetadata")
        .and_then(Value::as_object);
    Attachment {
        volume: text(object, "/spec/source/persistentVolumeName"),
        node: text(object, "/spec/nodeName"),
        metadata: metadata
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
        error: text(object, "/status/attachError/message"),
    }
}

fn event(object: &Value, name: &str, intake: &mut Intake) -> Result<(), String> {
    let reason = text(object, "/reason").unwrap_or_default();
    if !REASONS.iter().any(|part| reason.contains(part)) {
        return Ok(());
    }
    let at = first_time(object, name).ok_or("an Event without a time")?;
    let involved = |member: &str| {
        text(object, &format!("/involvedObject/{member}"))
            .or_else(|| text(object, &format!("/regarding/{member}")))
            .unwrap_or_default()
    };
    let (kind, namespace, of) = (involved("kind"), involved("namespace"), involved("name"));
    let slash = if namespace.is_empty() { "" } else { "/" };
    let detail = Detail::KubeEvent {
        reason,
        message: text(object, "/message")
            .or_else(|| text(object, "/note"))
            .unwrap_or_default(),
        object: format!("{kind} {namespace}{slash}{of}"),
    };
    let id = text(object, "/metadata/uid").unwrap_or_else(|| name.to_owned());
    intake.event(SOURCE.name, at, Some(&id), detail.clone())?;
    // The same event again and again is one object that counts.
    match last_time(object) {
        Some(last) if at.is_before(&last) => {
            let id = format!("{id}/{}", last.start_ns);
            intake.event(SOURCE.name, last, Some(&id), detail)
        }
        _ => Ok(()),
    }
}

/// When an event that occurred more than once did so last.
fn last_time(object: &Value) -> Option<Interval> {
    let counts = ["/count", "/series/count"];
    let count = counts.iter().find_map(|pointer| integer(object, pointer))?;
    let times = ["/series/lastObservedTime", "/lastTimestamp"];
    let mut times = times.iter().filter_map(|pointer| text(object, pointer));
    times
        .find_map(|at| time::rfc3339(&at))
        .filter(|_| count > 1)
}

/// When an event happened first. Its name ends in the UnixNano of that moment
/// in hex (client-go `GenerateEventName`), on the recorder's clock.
fn first_time(object: &Value, name: &str) -> Option<Interval> {
    let stated = [
        "/eventTime",
        "/firstTimestamp",
        "/lastTimestamp",
        "/metadata/creationTimestamp",
    ]
    .iter()
    .find_map(|pointer| time::rfc3339(&text(object, pointer)?));
    let suffix = name.rsplit('.').next().unwrap_or_default();
    let from_name = i64::from_str_radix(suffix, 16)
        .ok()
        .filter(|_| suffix.len() == 16)
        .map(|start| Interval::truncated(start, 1));
    match (from_name, stated) {
        // Only where both tell the same moment: any name may end in hex.
        (Some(exact), Some(stated)) if exact.start_ns.abs_diff(stated.start_ns) < 2_000_000_000 => {
            Some(exact)
        }
        (_, stated) => stated,
    }
}
