//! The layers that others tell of: request, API, cloud, Kubernetes.

use super::layer::{Layer, LayerRow, LayerState};
use crate::analysis::Evidence;
use crate::analysis::case::Case;
use crate::analysis::outside::{Call, Meaning, Outside, Told};

fn event(told: Told) -> Evidence {
    Evidence::Event { id: told.id }
}

/// Somebody asked for a larger claim.
pub(super) fn request(case: &Case) -> LayerRow {
    let outside = &case.outside;
    let Some(request) = outside.request() else {
        return if outside.is_claimed() || claimed_on_node(case) {
            LayerRow::new(
                Layer::Request,
                LayerState::Unknown,
                "no change of the claim's request is among the inputs",
            )
            .sizes(None, outside.claim.and_then(|claim| claim.request_bytes))
        } else {
            LayerRow::new(
                Layer::Request,
                LayerState::NotApplicable,
                "no claim is known",
            )
        };
    };
    let who = request.actor.map(|actor| format!(" by {actor}"));
    let what = match request.told {
        Some(_) => format!("claim patched{}", who.unwrap_or_default()),
        None => "the claim asks for it; when that was written is not among the inputs".to_owned(),
    };
    LayerRow::new(Layer::Request, LayerState::Done, what)
        .at(request.told.map(|told| told.event.at))
        .sizes(request.from_bytes, request.to_bytes)
        .shown_by(request.told.map(event))
}

fn claimed_on_node(case: &Case) -> bool {
    case.volume.as_ref().is_some_and(|volume| {
        let devices = volume.recording.devices();
        devices.claim(volume.dev).0.is_some()
    })
}

/// A call to the cloud's API.
pub(super) fn api(case: &Case) -> LayerRow {
    let outside = &case.outside;
    let Some(call) = outside.last_call() else {
        return match outside.trail() {
            Some(_) => LayerRow::new(
                Layer::Api,
                LayerState::Missing,
                "no call for this disk in the trail",
            ),
            None => LayerRow::new(
                Layer::Api,
                LayerState::Unknown,
                "no trail of API calls is among the inputs",
            ),
        };
    };
    let id = call.request_id().map(|id| format!(" {}", short(id)));
    let name = format!("{}{}", short_action(call.action()), id.unwrap_or_default());
    let sizes = (call.from_bytes(), call.to_bytes());
    let row = match (call.accepted(), call.failure()) {
        (None, Some((told, step))) => {
            let error = step.error.as_deref().unwrap_or("failed");
            LayerRow::new(Layer::Api, LayerState::Failed, format!("{name}: {error}"))
                .at(Some(told.event.at))
        }
        (None, None) => LayerRow::new(
            Layer::Api,
            LayerState::Unknown,
            format!("{name} requested; its outcome is not among the inputs"),
        )
        .at(Some(call.began())),
        (Some(_), _) => {
            let offline = if call.is_offline() {
                ", offline: at the next restart or attachment"
            } else {
                ""
            };
            let what = format!("{name} accepted{offline}");
            LayerRow::new(Layer::Api, LayerState::Done, what).at(Some(call.began()))
        }
    };
    row.sizes(sizes.0, sizes.1)
        .shown_by(call.records().map(event))
}

/// A request id as people quote it: what comes before its first dash, if long.
fn short(id: &str) -> &str {
    match id.split_once('-') {
        Some((first, _)) if first.len() >= 8 => first,
        _ => id,
    }
}

/// `v1.compute.disks.resize` and the like, without their prefix.
fn short_action(action: &str) -> &str {
    match action.split_once("compute.") {
        Some((_, rest)) => rest,
        None => action,
    }
}

/// The cloud, or the driver on its behalf, says that the disk is larger.
pub(super) fn cloud(case: &Case) -> LayerRow {
    let outside = &case.outside;
    let call = outside.last_call();
    if let Some((told, step)) = call.as_ref().and_then(Call::completed) {
        return LayerRow::new(
            Layer::Cloud,
            LayerState::Done,
            format!("completed, by {}", told.event.source),
        )
        .at(Some(told.event.at))
        .sizes(step.from_bytes, step.to_bytes)
        .shown_by([event(told)]);
    }
    let failed_later = call
        .as_ref()
        .and_then(|call| call.accepted().and(call.failure()));
    if let Some((told, step)) = failed_later {
        let error = step.error.as_deref().unwrap_or("failed");
        return LayerRow::new(Layer::Cloud, LayerState::Failed, error)
            .at(Some(told.event.at))
            .sizes(step.from_bytes, step.to_bytes)
            .shown_by([event(told)]);
    }
    if let Some((told, change)) = outside.capacity_written() {
        let what = "the controller wrote the persistent volume's capacity";
        return LayerRow::new(Layer::Cloud, LayerState::Done, what)
            .at(Some(told.event.at))
            .sizes(change.from_bytes, change.to_bytes)
            .shown_by([event(told)]);
    }
    if let Some(told) = outside.first(Meaning::CloudDone) {
        let what = "the controller says that the cloud is done";
        return LayerRow::new(Layer::Cloud, LayerState::Done, what)
            .at(Some(told.event.at))
            .shown_by([event(told)]);
    }
    if let Some(told) = outside.last(Meaning::CloudFailed) {
        return LayerRow::new(Layer::Cloud, LayerState::Failed, "the controller failed")
            .at(Some(told.event.at))
            .shown_by([event(told)]);
    }
    LayerRow::new(
        Layer::Cloud,
        LayerState::Unknown,
        "nothing among the inputs says when the cloud was done",
    )
}

/// Kubernetes says that it is done. Nobody measures for that.
pub(super) fn kubernetes(case: &Case, file_system: LayerState) -> LayerRow {
    let outside = &case.outside;
    if !outside.is_claimed() && !claimed_on_node(case) {
        return LayerRow::new(
            Layer::Kubernetes,
            LayerState::NotApplicable,
            "no claim is known",
        );
    }
    let unmeasured = match file_system {
        LayerState::Done => "",
        _ => "; nobody measured",
    };
    let row = |state, what: String| LayerRow::new(Layer::Kubernetes, state, what);
    let wanted = outside.wanted_bytes();
    let enough = |size: Option<u64>| size.zip(wanted).is_none_or(|(size, wanted)| size >= wanted);
    if let Some((told, change)) = outside.status_written()
        && change.error.is_none()
        && enough(change.to_bytes)
    {
        let actor = change.actor.as_deref().map(|actor| format!(" by {actor}"));
        let what = format!(
            "claim's status written{}{unmeasured}",
            actor.unwrap_or_default()
        );
        return row(LayerState::Done, what)
            .at(Some(told.event.at))
            .sizes(change.from_bytes, change.to_bytes)
            .shown_by([event(told)]);
    }
    let done = outside.last(Meaning::NodeDone);
    let failed = outside.last(Meaning::NodeFailed);
    if let Some(failed) = failed
        && done.is_none_or(|done| done.event.at.is_before(&failed.event.at))
    {
        return row(LayerState::Failed, "kubelet failed to expand it".to_owned())
            .at(Some(failed.event.at))
            .shown_by([event(failed)]);
    }
    let status = outside.claim.and_then(|claim| claim.status_bytes);
    if let Some(done) = done {
        let what = format!("{} says it succeeded{unmeasured}", speaker(&done));
        return row(LayerState::Done, what)
            .at(Some(done.event.at))
            .sizes(None, status.filter(|_| enough(status)))
            .shown_by([event(done)]);
    }
    match (status, wanted) {
        (Some(status), Some(wanted)) if status < wanted => {
            row(LayerState::Missing, waiting(outside)).sizes(Some(status), Some(status))
        }
        (Some(status), Some(_)) => row(
            LayerState::Done,
            format!("the claim's status has it{unmeasured}"),
        )
        .sizes(None, Some(status)),
        _ => row(
            LayerState::Unknown,
            "the claim's status is not among the inputs".to_owned(),
        ),
    }
}

fn speaker<'a>(told: &Told<'a>) -> &'a str {
    use crate::cloud::external::Detail;
    match &told.event.detail {
        Detail::LogLine { component, .. } => component,
        _ => "kubelet",
    }
}

/// What the claim itself says it waits for.
fn waiting(outside: &Outside) -> String {
    let claim = outside.claim;
    let condition = claim.and_then(|claim| claim.conditions.last());
    let status = claim.and_then(|claim| claim.resize_status.clone());
    let said = condition.map(|(kind, _)| kind.clone()).or(status);
    match said {
        Some(said) => format!("the claim's status still has the old size: {said}"),
        None => "the claim's status still has the old size".to_owned(),
    }
}
