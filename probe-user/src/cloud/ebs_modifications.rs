//! `aws ec2 describe-volumes-modifications`.
//!
//! Source: EC2 API `VolumeModification`. Only the latest modification of a
//! volume is shown. When the size became usable is not told (it is at the
//! change to `optimizing`), only when the modification began and ended.

use super::external::{ApiResize, ApiState, Detail};
use super::json::{gibibytes, text, time};
use super::{Intake, JsonSource};
use serde_json::Value;

pub(super) const SOURCE: JsonSource = JsonSource {
    name: "ebs-modifications",
    time: |_| None,
    recognises,
    parse,
};

fn recognises(record: &Value) -> bool {
    record.get("VolumeId").is_some() && record.get("ModificationState").is_some()
}

fn parse(record: &Value, intake: &mut Intake) -> Result<(), String> {
    let from_bytes = gibibytes(record, "/OriginalSize");
    let to_bytes = gibibytes(record, "/TargetSize");
    if from_bytes.is_some() && from_bytes == to_bytes {
        return Ok(());
    }
    let volume = text(record, "/VolumeId").ok_or("no VolumeId")?;
    let failed = text(record, "/ModificationState").as_deref() == Some("failed");
    let mut take = |member: &str, state: ApiState, error: Option<String>| {
        if record.get(&member[1..]).is_none_or(Value::is_null) {
            return Ok(());
        }
        let at = time(record, member)?;
        let id = format!("{volume}/{}/{state:?}", at.start_ns);
        let detail = Detail::ApiResize(ApiResize {
            action: "ModifyVolume".to_owned(),
            disk_id: Some(volume.clone()),
            from_bytes,
            to_bytes,
            state,
            error,
            request_id: None,
            actor: None,
            offline: false,
        });
        intake.event(SOURCE.name, at, Some(&id), detail)
    };
    take("/StartTime", ApiState::Accepted, None)?;
    if failed {
        let why = text(record, "/StatusMessage").unwrap_or_else(|| "failed".to_owned());
        let when = if record.get("EndTime").is_some() {
            "/EndTime"
        } else {
            "/StartTime"
        };
        return take(when, ApiState::Failed, Some(why));
    }
    take("/EndTime", ApiState::Completed, None)
}
