//! Google Cloud Audit Logs: `compute.disks.resize`.
//!
//! Source: Cloud Logging `LogEntry`, Cloud Audit `AuditLog`; Compute Engine
//! audit logging. A resize is a pair of entries with one `operation.id`: the
//! first is the request and has the size, the last is its end.

use super::external::{ApiResize, ApiState, Detail};
use super::json::{gibibytes, integer, text, time};
use super::{Intake, JsonSource};
use serde_json::Value;

pub(super) const SOURCE: JsonSource = JsonSource {
    name: "gcp-audit",
    time: |record| time(record, "/timestamp").ok(),
    recognises,
    parse,
};

fn recognises(record: &Value) -> bool {
    text(record, "/protoPayload/methodName").is_some()
}

fn parse(record: &Value, intake: &mut Intake) -> Result<(), String> {
    let method = text(record, "/protoPayload/methodName").unwrap_or_default();
    let is_resize =
        method.ends_with("compute.disks.resize") || method.ends_with("compute.regionDisks.resize");
    if !is_resize {
        return Ok(());
    }
    let at = time(record, "/timestamp")?;
    let code = integer(record, "/protoPayload/status/code").filter(|&code| code != 0);
    let is = |member| record.pointer(member) == Some(&Value::Bool(true));
    let state = match code {
        Some(_) => ApiState::Failed,
        None if is("/operation/last") => ApiState::Completed,
        None => ApiState::Requested,
    };
    let detail = Detail::ApiResize(ApiResize {
        action: method,
        disk_id: text(record, "/protoPayload/resourceName")
            .and_then(|name| Some(name.rsplit('/').next()?.to_owned())),
        from_bytes: None,
        to_bytes: gibibytes(record, "/protoPayload/request/sizeGb"),
        state,
        error: code.map(|code| {
            text(record, "/protoPayload/status/message").unwrap_or_else(|| code.to_string())
        }),
        request_id: text(record, "/operation/id"),
        actor: text(record, "/protoPayload/authenticationInfo/principalEmail"),
        offline: false,
    });
    intake.event(
        SOURCE.name,
        at,
        text(record, "/insertId").as_deref(),
        detail,
    )
}
