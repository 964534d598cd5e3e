//! Alibaba Cloud ActionTrail: management events of ECS.
//!
//! Source: ActionTrail, "Management event structure"; ECS API `ResizeDisk`.
//! `eventTime` is cut to whole seconds. A delivered event is a single object,
//! an array, `LookupEvents`' `{"Events": […]}`, or a log service's row with the
//! event in `event`, as an object or as text.

use super::external::{ApiResize, ApiState, Detail};
use super::json::{gibibytes, text, time};
use super::{Intake, JsonSource};
use serde_json::Value;
use std::borrow::Cow;

pub(super) const SOURCE: JsonSource = JsonSource {
    name: "actiontrail",
    time: |record| time(&event(record), "/eventTime").ok(),
    recognises,
    parse,
};

/// The event itself, out of a log service's row.
fn event(record: &Value) -> Cow<'_, Value> {
    match record.get("event") {
        Some(event @ Value::Object(_)) => Cow::Borrowed(event),
        Some(Value::String(event)) => {
            serde_json::from_str(event).map_or(Cow::Borrowed(record), Cow::Owned)
        }
        _ => Cow::Borrowed(record),
    }
}

fn recognises(record: &Value) -> bool {
    let event = event(record);
    let has = |name| event.get(name).is_some();
    has("eventName") && (has("acsRegion") || (has("serviceName") && has("eventRW")))
}

fn parse(record: &Value, intake: &mut Intake) -> Result<(), String> {
    let event = event(record);
    let action = text(&event, "/eventName").unwrap_or_default();
    if action != "ResizeDisk" {
        return Ok(());
    }
    let at = time(&event, "/eventTime")?;
    let error = text(&event, "/errorCode").filter(|code| !code.is_empty());
    let request_id =
        text(&event, "/requestId").or_else(|| text(&event, "/requestParameters/RequestId"));
    let state = if error.is_some() {
        ApiState::Failed
    } else {
        ApiState::Accepted
    };
    let id =
        text(&event, "/eventId").or_else(|| Some(format!("{}/{state:?}", request_id.as_ref()?)));
    let detail = Detail::ApiResize(ApiResize {
        action,
        disk_id: text(&event, "/requestParameters/DiskId")
            .or_else(|| text(&event, "/referencedResources/ACS::ECS::Disk/0"))
            .or_else(|| text(&event, "/resourceName")),
        from_bytes: None,
        to_bytes: gibibytes(&event, "/requestParameters/NewSize"),
        state,
        error,
        request_id,
        actor: text(&event, "/userIdentity/userName")
            .or_else(|| text(&event, "/userIdentity/principalId")),
        // The API's own default is offline: the disk grows at the next restart.
        offline: text(&event, "/requestParameters/Type").as_deref() != Some("online"),
    });
    intake.event(SOURCE.name, at, id.as_deref(), detail)
}
