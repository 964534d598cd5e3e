//! What others tell, as timeline entries.

use super::TimelineRow;
use super::detail::{Detail, Source};
use crate::analysis::times::rfc3339;
use crate::cloud::External;
use crate::cloud::external::{ClaimChange, Detail as Told};

/// The entry of an external event. Its time is the start of an interval, and its
/// error the width of that.
pub(crate) fn entry(id: u64, device: Option<String>, event: &External) -> TimelineRow {
    let (kind, detail) = detail(event);
    TimelineRow {
        id,
        t_ns: Some(event.at.start_ns),
        error_ns: Some(event.at.end_ns.abs_diff(event.at.start_ns)),
        time: Some(rfc3339(event.at.start_ns)),
        kind,
        host: None,
        device,
        pid: None,
        comm: None,
        pod: None,
        detail,
        boot_ns: 0,
    }
}

fn detail(event: &External) -> (&'static str, Detail) {
    let source = Source {
        source: event.source,
        file: event.file.to_string(),
        line: event.line,
    };
    match &event.detail {
        Told::ApiResize(call) => (
            "api.resize",
            Detail::ApiResize {
                action: call.action.clone(),
                disk_id: call.disk_id.clone(),
                from_bytes: call.from_bytes,
                to_bytes: call.to_bytes,
                state: call.state,
                error: call.error.clone(),
                request_id: call.request_id.clone(),
                actor: call.actor.clone(),
                source,
            },
        ),
        Told::PvcSpec(change) => ("k8s.pvc_spec", claim(change, source)),
        Told::PvcStatus(change) => ("k8s.pvc_status", claim(change, source)),
        Told::Pv(change) => ("k8s.pv", claim(change, source)),
        Told::KubeEvent {
            reason,
            message,
            object,
        } => (
            "k8s.event",
            Detail::KubeEvent {
                reason: reason.clone(),
                message: message.clone(),
                object: object.clone(),
                source,
            },
        ),
        Told::LogLine { component, message } => (
            "log.line",
            Detail::LogLine {
                component: component.clone(),
                message: message.clone(),
                source,
            },
        ),
    }
}

fn claim(change: &ClaimChange, source: Source) -> Detail {
    Detail::Claim {
        namespace: Some(change.namespace.clone()).filter(|namespace| !namespace.is_empty()),
        name: change.name.clone(),
        from_bytes: change.from_bytes,
        to_bytes: change.to_bytes,
        error: change.error.clone(),
        actor: change.actor.clone(),
        source,
    }
}
