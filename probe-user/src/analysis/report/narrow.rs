//! A report of one volume only.

use super::{Detail, Report};
use crate::analysis::volumes::called;
use crate::model::Recording;
use std::collections::BTreeSet;

/// Leaves in a report only what concerns the volume that a person may mean by
/// this name: claim, persistent volume, disk id, device or mount point. False if
/// there is no such volume, or there was none at the end of the recording.
pub fn narrow(report: &mut Report, recording: &Recording, name: &str) -> bool {
    let devices = recording.devices();
    let own = called(recording, name).into_iter();
    let own: BTreeSet<String> = own.filter_map(|dev| devices.name(dev)).collect();
    let is_own = |device: &Option<String>| device.as_ref().is_some_and(|name| own.contains(name));
    report.devices.retain(|row| own.contains(&row.name));
    report
        .copy
        .retain(|row| is_own(&row.src) || is_own(&row.dst));
    report.readahead.retain(|row| is_own(&row.device));
    report
        .top
        .retain(|row| is_own(&row.src) || is_own(&row.dst));
    report.series.clear();
    report.timeline.retain(|row| {
        let worked_on = match &row.detail {
            Detail::ExecExit { devices, .. } => devices.iter().any(|tool| is_own(&tool.device)),
            _ => false,
        };
        is_own(&row.device) || worked_on
    });
    report
        .findings
        .retain(|finding| finding.device.is_none() || is_own(&finding.device));
    !own.is_empty()
}
