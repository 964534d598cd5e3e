//! The Kubernetes audit log: who changed the size of a claim, its status, or a
//! persistent volume.
//!
//! Source: audit.k8s.io/v1 `Event`. One request is logged at several stages
//! with one `auditID`; only `ResponseComplete` counts. The times are the API
//! server's, in µs: the request lies between its receipt and its completion.

use super::external::{ClaimChange, Detail, Interval};
use super::json::{integer, text, time};
use super::{Intake, JsonSource, quantity};
use serde_json::Value;

pub(super) const SOURCE: JsonSource = JsonSource {
    name: "kubernetes-audit",
    time: |record| {
        let done = time(record, "/stageTimestamp");
        done.or_else(|_| time(record, "/requestReceivedTimestamp"))
            .ok()
    },
    recognises,
    parse,
};

fn recognises(record: &Value) -> bool {
    record.get("auditID").is_some()
        || text(record, "/apiVersion").is_some_and(|api| api.starts_with("audit.k8s.io/"))
}

fn parse(record: &Value, intake: &mut Intake) -> Result<(), String> {
    let is = |member: &str, wanted: &[&str]| {
        text(record, member).is_some_and(|found| wanted.contains(&found.as_str()))
    };
    if !is("/stage", &["ResponseComplete"]) || !is("/verb", &["patch", "update", "apply"]) {
        return Ok(());
    }
    let resource = text(record, "/objectRef/resource").unwrap_or_default();
    let is_status = text(record, "/objectRef/subresource").as_deref() == Some("status");
    let (member, make): (&str, fn(ClaimChange) -> Detail) = match resource.as_str() {
        "persistentvolumeclaims" if is_status => ("/status/capacity/storage", Detail::PvcStatus),
        "persistentvolumeclaims" => ("/spec/resources/requests/storage", Detail::PvcSpec),
        "persistentvolumes" if !is_status => ("/spec/capacity/storage", Detail::Pv),
        _ => return Ok(()),
    };
    let Some(size) = written(record, member) else {
        return Ok(());
    };
    let to_bytes = quantity::bytes(&size).ok_or_else(|| format!("'{size}' is not a quantity"))?;
    let name = text(record, "/objectRef/name").ok_or("no objectRef.name")?;
    let namespace = text(record, "/objectRef/namespace").unwrap_or_default();
    let error = integer(record, "/responseStatus/code")
        .filter(|&code| code >= 400)
        .map(|code| text(record, "/responseStatus/reason").unwrap_or_else(|| code.to_string()));
    let key = format!("{member}/{namespace}/{name}");
    let from_bytes = intake.known_size(&key).or_else(|| {
        // What the claim has is what its request was, until somebody changed that.
        let has = capacity(record)?;
        (has != to_bytes && !is_status && resource == "persistentvolumeclaims").then_some(has)
    });
    if let (Some(has), false) = (capacity(record), is_status) {
        let status = format!("/status/capacity/storage/{namespace}/{name}");
        if resource == "persistentvolumeclaims" && intake.known_size(&status).is_none() {
            intake.note_size(&status, has);
        }
    }
    if error.is_none() {
        if from_bytes == Some(to_bytes) || is_unchanged_put(record, member, to_bytes, from_bytes) {
            intake.note_size(&key, to_bytes);
            return Ok(());
        }
        intake.note_size(&key, to_bytes);
    }
    let change = ClaimChange {
        namespace,
        name,
        from_bytes,
        to_bytes: Some(to_bytes),
        error,
        actor: text(record, "/impersonatedUser/username")
            .or_else(|| text(record, "/user/username")),
        volume: text(record, "/responseObject/spec/volumeName").filter(|name| !name.is_empty()),
    };
    let id = text(record, "/auditID");
    intake.event(SOURCE.name, when(record)?, id.as_deref(), make(change))
}

/// A PUT writes the whole object; where nothing is known of before, a request
/// that equals the status is none that grows.
fn is_unchanged_put(record: &Value, member: &str, to_bytes: u64, from_bytes: Option<u64>) -> bool {
    text(record, "/verb").as_deref() == Some("update")
        && member.starts_with("/spec/resources")
        && from_bytes.is_none()
        && capacity(record) == Some(to_bytes)
}

/// The size in the status of the claim that the record shows.
fn capacity(record: &Value) -> Option<u64> {
    let objects = ["/responseObject", "/requestObject"];
    objects.iter().find_map(|object| {
        quantity::bytes(&text(record, &format!("{object}/status/capacity/storage"))?)
    })
}

/// The size that the request wrote: an object, a merge patch, or a JSON patch.
fn written(record: &Value, member: &str) -> Option<String> {
    let request = record.get("requestObject")?;
    let Some(operations) = request.as_array() else {
        return text(request, member);
    };
    operations.iter().rev().find_map(|operation| {
        let operator = text(operation, "/op")?;
        let path = text(operation, "/path").filter(|_| operator != "test")?;
        let rest = member.strip_prefix(path.as_str())?;
        text(operation, &format!("/value{rest}"))
    })
}

fn when(record: &Value) -> Result<Interval, String> {
    let received = time(record, "/requestReceivedTimestamp")?;
    let done = time(record, "/stageTimestamp").unwrap_or(received);
    let end_ns = done.end_ns.max(received.end_ns);
    Ok(Interval {
        start_ns: received.start_ns,
        end_ns,
    })
}
