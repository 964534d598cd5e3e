//! What external inputs tell, as text.

use crate::analysis::{Detail, TimelineRow};
use crate::cloud::ApiState;
use crate::units::bytes_change;

/// What somebody outside the kernel asked for, or wrote down, in words.
pub(super) fn told(row: &TimelineRow) -> String {
    let by = |actor: &Option<String>| {
        actor
            .as_ref()
            .map(|a| format!(" by {a}"))
            .unwrap_or_default()
    };
    let failed =
        |error: &Option<String>| error.as_ref().map(|e| format!(": {e}")).unwrap_or_default();
    match &row.detail {
        Detail::ApiResize {
            action,
            disk_id,
            from_bytes,
            to_bytes,
            state,
            error,
            actor,
            ..
        } => {
            let disk = disk_id.as_deref().unwrap_or_default();
            let state = match state {
                ApiState::Requested => "requested",
                ApiState::Accepted => "accepted",
                ApiState::Completed => "completed",
                ApiState::Failed => "failed",
            };
            let size = bytes_change(*from_bytes, *to_bytes);
            format!(
                "{action} {disk} {size} {state}{}{}",
                failed(error),
                by(actor)
            )
        }
        Detail::Claim {
            namespace,
            name,
            from_bytes,
            to_bytes,
            error,
            actor,
            ..
        } => {
            let what = match row.kind {
                "k8s.pvc_spec" => "request",
                "k8s.pvc_status" => "status",
                _ => "capacity",
            };
            let of = namespace
                .as_ref()
                .map_or_else(|| name.clone(), |ns| format!("{ns}/{name}"));
            let size = bytes_change(*from_bytes, *to_bytes);
            format!("{of} {what} {size}{}{}", failed(error), by(actor))
        }
        Detail::KubeEvent {
            reason,
            message,
            object,
            ..
        } => format!("{object}: {reason}: {message}"),
        Detail::LogLine {
            component, message, ..
        } => format!("{component}: {message}"),
        _ => String::new(),
    }
}
