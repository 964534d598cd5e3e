//! Azure Activity Log: writes of managed disks.
//!
//! Source: "Azure Activity Log event schema", in the REST shape
//! (`operationName.value`) and that of diagnostic settings (`records[]`, in
//! which names are upper case). The size is in no field of its own: it is
//! `properties.diskSizeGB` of the request's or response's body, JSON as text.
//! One operation is several events with one `correlationId`.

use super::external::{ApiResize, ApiState, Detail};
use super::json::{gibibytes, text, time};
use super::{Intake, JsonSource};
use serde_json::Value;

pub(super) const SOURCE: JsonSource = JsonSource {
    name: "azure-activity",
    time: |record| {
        let rest = time(record, "/eventTimestamp");
        rest.or_else(|_| time(record, "/time")).ok()
    },
    recognises,
    parse,
};

/// The operation; diagnostic settings write it in upper case.
const WRITE: &str = "Microsoft.Compute/disks/write";

/// A member that is an object with `value`, or the text itself.
fn value(record: &Value, member: &str) -> Option<String> {
    text(record, &format!("/{member}/value")).or_else(|| text(record, &format!("/{member}")))
}

fn recognises(record: &Value) -> bool {
    value(record, "operationName").is_some()
        && (record.get("eventTimestamp").is_some() || record.get("resultType").is_some())
}

fn parse(record: &Value, intake: &mut Intake) -> Result<(), String> {
    let action = value(record, "operationName").unwrap_or_default();
    if !action.eq_ignore_ascii_case(WRITE) {
        return Ok(());
    }
    // Diagnostic settings call it `time`.
    let is_rest = record.get("eventTimestamp").is_some();
    let at = time(record, if is_rest { "/eventTimestamp" } else { "/time" })?;
    let status = value(record, "status").or_else(|| text(record, "/resultType"));
    let state = match status.unwrap_or_default().to_lowercase().as_str() {
        "started" | "start" => ApiState::Requested,
        "accepted" | "accept" => ApiState::Accepted,
        "succeeded" | "success" => ApiState::Completed,
        "failed" | "failure" => ApiState::Failed,
        other => return Err(format!("unknown status '{other}'")),
    };
    let resource = ["/resourceId", "/resourceUri", "/resource_id"]
        .iter()
        .find_map(|member| text(record, member))
        .unwrap_or_default();
    // Resource ids differ in case between the events of one operation.
    let disk_id = resource
        .rsplit('/')
        .next()
        .map(str::to_lowercase)
        .filter(|id| !id.is_empty());
    let detail = Detail::ApiResize(ApiResize {
        action: WRITE.to_owned(),
        disk_id,
        from_bytes: None,
        to_bytes: size(record),
        state,
        error: (state == ApiState::Failed).then(|| error(record)),
        request_id: text(record, "/correlationId"),
        actor: text(record, "/caller").or_else(|| text(record, "/identity/claims/appid")),
        offline: false,
    });
    intake.event(
        SOURCE.name,
        at,
        text(record, "/eventDataId").as_deref(),
        detail,
    )
}

/// Bytes by `diskSizeGB` of the first body that has it.
fn size(record: &Value) -> Option<u64> {
    let properties = record.get("properties")?.as_object()?;
    properties
        .iter()
        .filter(|(name, _)| ["requestbody", "responsebody"].contains(&name.to_lowercase().as_str()))
        .find_map(|(_, body)| match body {
            Value::String(body) => {
                gibibytes(&serde_json::from_str(body).ok()?, "/properties/diskSizeGB")
            }
            body => gibibytes(body, "/properties/diskSizeGB"),
        })
}

fn error(record: &Value) -> String {
    let message = text(record, "/properties/statusMessage")
        .and_then(|message| serde_json::from_str::<Value>(&message).ok())
        .and_then(|message| text(&message, "/error/code"));
    message
        .or_else(|| value(record, "subStatus").filter(|status| !status.is_empty()))
        .or_else(|| text(record, "/resultSignature"))
        .unwrap_or_else(|| "Failed".to_owned())
}
