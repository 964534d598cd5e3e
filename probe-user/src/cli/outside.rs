//! Flags that name what others tell.

use crate::analysis::ledger::Named;
use crate::cloud::{self, InputReport, Intake, Interval};
use crate::error::Error;
use crate::model::Recording;
use jiff::tz::TimeZone;
use std::path::PathBuf;

/// External inputs, and how to read them.
#[derive(clap::Args)]
pub struct Outside {
    /// What others tell: files, folders (with all beneath), or - for stdin; each
    /// format is recognised by its content, also in gzip
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub events: Vec<PathBuf>,
    /// That the disk ID is this device, such as vdb; may be given more than once
    #[arg(long, value_name = "ID=DEVICE", value_parser = named)]
    pub disk: Vec<Named>,
    /// Zone of log lines that have none, such as +08:00 or Asia/Shanghai
    #[arg(long, value_name = "ZONE", value_parser = zone, allow_hyphen_values = true)]
    log_tz: Option<TimeZone>,
    /// Year of the last line of logs that have none
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i16).range(1970..=9999))]
    log_year: Option<i16>,
}

/// The formats, for help texts.
pub const FORMATS: &str = "\
Formats of --events:
  Alibaba Cloud ActionTrail, AWS CloudTrail and describe-volumes-modifications,
  GCP audit logs, Azure activity logs; Kubernetes audit log;
  kubectl get events|pvc,pv,volumeattachment -o json;
  logs of kubelet, external-resizer and CSI plugins (klog, JSON, logrus), syslog, journal, dmesg;
  CSV or JSON lines with time, action, disk_id, new_size (docs/inputs.md)";

impl Outside {
    /// Reads all of them. What their times lack is taken from the recordings.
    pub fn read(&self, recordings: &[Recording]) -> Result<(Intake, Vec<InputReport>), Error> {
        let zone = |recording: &Recording| TimeZone::get(&recording.session()?.time_zone).ok();
        let end = |recording: &Recording| Some(recording.real(recording.end_ns())?.t_ns);
        let mut boots: Vec<_> = recordings
            .iter()
            .map(|recording| recording.session().map(|session| &session.boot_id))
            .collect();
        boots.dedup();
        let booted = match (&boots[..], recordings.first()) {
            ([_], Some(recording)) => recording.real(0).map(|at| Interval {
                start_ns: at.t_ns.saturating_sub_unsigned(at.error_ns),
                end_ns: at.t_ns.saturating_add_unsigned(at.error_ns),
            }),
            _ => None,
        };
        let options = cloud::Options {
            log_tz: self.log_tz.clone(),
            log_year: self.log_year,
            node_tz: recordings.iter().find_map(zone),
            around_ns: recordings.iter().filter_map(end).max(),
            booted,
        };
        let mut intake = Intake::default();
        let inputs = cloud::read(&self.events, &options, &mut intake)
            .map_err(|error| Error::Input(error.into()))?;
        Ok((intake, inputs))
    }
}

fn named(text: &str) -> Result<Named, String> {
    match text.split_once('=') {
        Some((id, device)) if !id.is_empty() && !device.is_empty() => Ok(Named {
            disk_id: id.to_owned(),
            device: device.trim_start_matches("/dev/").to_owned(),
        }),
        _ => Err("expected ID=DEVICE, such as d-bp1example=vdb".to_owned()),
    }
}

fn zone(text: &str) -> Result<TimeZone, String> {
    if matches!(text, "Z" | "UTC" | "utc") {
        return Ok(TimeZone::UTC);
    }
    let fixed = || {
        let (sign, rest) = match text.as_bytes().first()? {
            b'+' => (1, &text[1..]),
            b'-' => (-1, &text[1..]),
            _ => return None,
        };
        let digits: String = rest.chars().filter(|c| *c != ':').collect();
        let (hours, minutes) = match digits.len() {
            2 => (digits.as_str(), "0"),
            4 => digits.split_at(2),
            _ => return None,
        };
        let (hours, minutes) = (hours.parse::<i32>().ok()?, minutes.parse::<i32>().ok()?);
        let seconds = sign * (hours * 3600 + minutes * 60);
        let offset = jiff::tz::Offset::from_seconds(seconds).ok()?;
        (minutes < 60).then(|| offset.to_time_zone())
    };
    fixed().or_else(|| TimeZone::get(text).ok()).ok_or_else(|| {
        "expected an offset such as +08:00, UTC, or a name such as Asia/Shanghai".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_offsets_or_names() {
        for (text, seconds) in [
            ("+08:00", 28_800),
            ("-0330", -12_600),
            ("+05", 18_000),
            ("UTC", 0),
        ] {
            let zone = zone(text).unwrap();
            let offset = zone.to_offset(jiff::Timestamp::UNIX_EPOCH);
            assert_eq!(offset.seconds(), seconds, "{text}");
        }
        for text in ["", "8", "+8:00:00", "+99:00", "Nowhere/City"] {
            assert!(zone(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_disk_is_named_with_its_device() {
        let vdb = named("d-bp1=/dev/vdb").unwrap();
        assert_eq!(
            (vdb.disk_id.as_str(), vdb.device.as_str()),
            ("d-bp1", "vdb")
        );
        for text in ["d-bp1", "=vdb", "d-bp1="] {
            assert!(named(text).is_err(), "{text}");
        }
    }
}
