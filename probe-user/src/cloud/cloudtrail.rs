//! AWS CloudTrail: `ModifyVolume` of EC2, and EBS's own notifications.
//!
//! Sources: "CloudTrail record contents"; EC2 API `ModifyVolume`; "Amazon
//! EventBridge events for Amazon EBS". `eventTime` is cut to whole seconds and
//! is when the request completed. A record stands alone or in `Records`, in
//! `LookupEvents`' `CloudTrailEvent` as text, or in an `EventBridge` event's
//! `detail`.

use super::external::{ApiResize, ApiState, Detail};
use super::json::{gibibytes, text, time};
use super::{Intake, JsonSource};
use serde_json::Value;
use std::borrow::Cow;

pub(super) const SOURCE: JsonSource = JsonSource {
    name: "cloudtrail",
    time: |record| {
        let of_record = time(&event(record), "/eventTime");
        of_record.or_else(|_| time(record, "/time")).ok()
    },
    recognises,
    parse,
};

const GIB: u64 = 1 << 30;

/// The CloudTrail record itself, out of its wrapping.
fn event(record: &Value) -> Cow<'_, Value> {
    if let Some(Value::String(event)) = record.get("CloudTrailEvent") {
        return serde_json::from_str(event).map_or(Cow::Borrowed(record), Cow::Owned);
    }
    match record.get("detail") {
        Some(detail) if detail.get("eventName").is_some() => Cow::Borrowed(detail),
        _ => Cow::Borrowed(record),
    }
}

fn is_notification(record: &Value) -> bool {
    text(record, "/detail-type").as_deref() == Some("EBS Volume Notification")
}

fn recognises(record: &Value) -> bool {
    let event = event(record);
    let has = |name| event.get(name).is_some();
    is_notification(record) || (has("eventSource") && has("eventName") && has("awsRegion"))
}

fn parse(record: &Value, intake: &mut Intake) -> Result<(), String> {
    if is_notification(record) {
        return notification(record, intake);
    }
    let event = event(record);
    let action = text(&event, "/eventName").unwrap_or_default();
    if action != "ModifyVolume" {
        return Ok(());
    }
    let requested = |member: &str, other: &str| {
        let path = format!("/requestParameters/ModifyVolumeRequest/{member}");
        text(&event, &path).or_else(|| text(&event, &format!("/requestParameters/{other}")))
    };
    let modified = |member: &str| {
        let path = format!("/responseElements/ModifyVolumeResponse/volumeModification/{member}");
        gibibytes(&event, &path)
    };
    // Without a size it changes the type or the speed of the volume.
    let Some(size) = requested("Size", "size") else {
        return Ok(());
    };
    let size: u64 = size
        .parse()
        .map_err(|_| format!("Size '{size}' is not a number"))?;
    let error = text(&event, "/errorCode").filter(|code| !code.is_empty());
    let at = time(&event, "/eventTime")?;
    let detail = Detail::ApiResize(ApiResize {
        action,
        disk_id: requested("VolumeId", "volumeId"),
        from_bytes: modified("originalSize"),
        to_bytes: size.checked_mul(GIB),
        state: if error.is_some() {
            ApiState::Failed
        } else {
            ApiState::Accepted
        },
        error,
        request_id: text(&event, "/requestID"),
        actor: text(
            &event,
            "/userIdentity/sessionContext/sessionIssuer/userName",
        )
        .or_else(|| text(&event, "/userIdentity/userName"))
        .or_else(|| text(&event, "/userIdentity/arn")),
        offline: false,
    });
    intake.event(SOURCE.name, at, text(&event, "/eventID").as_deref(), detail)
}

/// `EBS Volume Notification` of `modifyVolume`: the size can be used from
/// `optimizing` on.
fn notification(record: &Value, intake: &mut Intake) -> Result<(), String> {
    if text(record, "/detail/event").as_deref() != Some("modifyVolume") {
        return Ok(());
    }
    let state = match text(record, "/detail/result").as_deref() {
        Some("optimizing" | "completed") => ApiState::Completed,
        Some("failed") => ApiState::Failed,
        _ => return Ok(()),
    };
    let at = time(record, "/time")?;
    let volume = text(record, "/resources/0");
    let detail = Detail::ApiResize(ApiResize {
        action: "modifyVolume".to_owned(),
        disk_id: volume.and_then(|arn| Some(arn.rsplit('/').next()?.to_owned())),
        from_bytes: None,
        to_bytes: None,
        error: (state == ApiState::Failed)
            .then(|| text(record, "/detail/cause").filter(|cause| !cause.is_empty()))
            .map(|cause| cause.unwrap_or_else(|| "failed".to_owned())),
        state,
        request_id: text(record, "/detail/request-id"),
        actor: None,
        offline: false,
    });
    intake.event(SOURCE.name, at, text(record, "/id").as_deref(), detail)
}
