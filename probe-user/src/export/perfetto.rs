//! A trace for Perfetto: what ran, what was resized, what sizes there were and
//! what was copied, on one axis of boot time. Of several recordings each node
//! is a group of tracks, and the axis is real time.

use super::output::Target;
use super::{Failure, Recordings};
use crate::analysis::{Report, TimelineRow, report};
use crate::model::{Recording, Totals, series_name};
use crate::render::what;
use crate::sample::event::Detail;
use crate::sample::{Dev, Event, Window};
use crate::session::Span;
use prost::Message;
use proto::clock_snapshot::Clock;
use proto::counter_descriptor::Unit;
use proto::trace_packet::{Data, OptionalTrustedPacketSequenceId};
use proto::track_event::{CounterValueField, Type};
use proto::{ClockSnapshot, CounterDescriptor, Trace, TracePacket, TrackDescriptor, TrackEvent};
use std::collections::BTreeMap;
use std::io::{self, Write};

#[allow(clippy::pedantic, missing_docs, unreachable_pub)]
mod proto {
    include!(concat!(env!("OUT_DIR"), "/perfetto.protos.rs"));
}

/// Perfetto's numbers of the clocks.
const REALTIME: u32 = 1;
const BOOTTIME: u32 = 6;

pub(super) fn write(recordings: &Recordings, target: &Target) -> Result<(), Failure> {
    let mut out = target.file()?;
    for (number, parts) in recordings.iter().enumerate() {
        let recording = parts.fold(&Span::default())?;
        let mut trace = Tracks {
            recording: &recording,
            single: recordings.len() == 1,
            sequence: number as u32 + 1,
            uuids: BTreeMap::new(),
            root: 0,
            out: &mut out,
        };
        trace.begin()?;
        trace.events(&report(&recording))?;
        trace.sizes()?;
        let mut result = Ok(());
        parts.windows(|window| {
            result = trace.counts(&window);
            result.is_ok()
        })?;
        result?;
    }
    Ok(out.flush()?)
}

/// The tracks of one recording, being written.
struct Tracks<'a, W> {
    recording: &'a Recording,
    single: bool,
    sequence: u32,
    /// Tracks by name.
    uuids: BTreeMap<String, u64>,
    root: u64,
    out: &'a mut W,
}

impl<W: Write> Tracks<'_, W> {
    /// How boot time relates to real time, and the node.
    fn begin(&mut self) -> io::Result<()> {
        let start = self.recording.start_ns();
        if self.single
            && let Some(real) = self.recording.real(start)
        {
            let clock = |id, timestamp| Clock {
                clock_id: Some(id),
                timestamp: Some(timestamp),
            };
            let snapshot = ClockSnapshot {
                clocks: vec![
                    clock(BOOTTIME, start),
                    clock(REALTIME, u64::try_from(real.t_ns).unwrap_or(0)),
                ],
            };
            self.packet(start, Data::ClockSnapshot(snapshot))?;
        }
        let host = self.recording.session().map(|session| session.host.clone());
        self.root = self.track(&host.unwrap_or_default(), None)?;
        Ok(())
    }

    fn packet(&mut self, boot_ns: u64, data: Data) -> io::Result<()> {
        let (clock, timestamp) = if self.single {
            (BOOTTIME, boot_ns)
        } else {
            let real = self.recording.real(boot_ns).map_or(0, |at| at.t_ns);
            (REALTIME, u64::try_from(real).unwrap_or(0))
        };
        let id = OptionalTrustedPacketSequenceId::TrustedPacketSequenceId(self.sequence);
        let trace = Trace {
            packet: vec![TracePacket {
                timestamp: Some(timestamp),
                timestamp_clock_id: Some(clock),
                optional_trusted_packet_sequence_id: Some(id),
                data: Some(data),
            }],
        };
        // A trace in pieces is a trace: its packets just follow one another.
        self.out.write_all(&trace.encode_to_vec())
    }

    /// The track with this name, described the first time.
    fn track(&mut self, name: &str, unit: Option<Unit>) -> io::Result<u64> {
        if let Some(&uuid) = self.uuids.get(name) {
            return Ok(uuid);
        }
        let uuid = (u64::from(self.sequence) << 32) + self.uuids.len() as u64 + 1;
        let text = proto::track_descriptor::StaticOrDynamicName::Name(name.to_owned());
        let descriptor = TrackDescriptor {
            uuid: Some(uuid),
            parent_uuid: (self.root != 0).then_some(self.root),
            static_or_dynamic_name: Some(text),
            counter: unit.map(|unit| CounterDescriptor {
                unit: Some(unit.into()),
            }),
        };
        self.packet(self.recording.start_ns(), Data::TrackDescriptor(descriptor))?;
        self.uuids.insert(name.to_owned(), uuid);
        Ok(uuid)
    }

    fn count(&mut self, at: u64, track: &str, unit: Unit, value: u64) -> io::Result<()> {
        let track_uuid = self.track(track, Some(unit))?;
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        let event = TrackEvent {
            r#type: Some(Type::Counter.into()),
            track_uuid: Some(track_uuid),
            counter_value_field: Some(CounterValueField::CounterValue(value)),
            ..TrackEvent::default()
        };
        self.packet(at, Data::TrackEvent(event))
    }

    /// Something that lasted from one time to another; or a moment.
    fn span(
        &mut self,
        track: &str,
        name: &str,
        (from, to): (u64, u64),
        notes: &[(&str, String)],
    ) -> io::Result<()> {
        let track_uuid = self.track(track, None)?;
        let lasts = to > from;
        let notes = notes.iter().map(|(name, value)| proto::DebugAnnotation {
            name_field: Some(proto::debug_annotation::NameField::Name((*name).to_owned())),
            value: Some(proto::debug_annotation::Value::StringValue(value.clone())),
        });
        let kind = if lasts {
            Type::SliceBegin
        } else {
            Type::Instant
        };
        let event = TrackEvent {
            r#type: Some(kind.into()),
            track_uuid: Some(track_uuid),
            name_field: Some(proto::track_event::NameField::Name(name.to_owned())),
            debug_annotations: notes.collect(),
            ..TrackEvent::default()
        };
        self.packet(from, Data::TrackEvent(event))?;
        if !lasts {
            return Ok(());
        }
        let end = TrackEvent {
            r#type: Some(Type::SliceEnd.into()),
            track_uuid: Some(track_uuid),
            ..TrackEvent::default()
        };
        self.packet(to, Data::TrackEvent(end))
    }

    fn events(&mut self, report: &Report) -> io::Result<()> {
        let rows: BTreeMap<u64, &TimelineRow> =
            report.timeline.iter().map(|row| (row.id, row)).collect();
        let recording = self.recording;
        for event in recording.events() {
            if let Some(row) = rows.get(&event.id) {
                self.event(event, row)?;
            }
        }
        for finding in &report.findings {
            let notes = [
                ("summary", finding.summary.clone()),
                ("advice", finding.advice.clone().unwrap_or_default()),
            ];
            let end = recording.end_ns();
            self.span("findings", finding.rule, (end, end), &notes)?;
        }
        Ok(())
    }

    fn event(&mut self, event: &Event, row: &TimelineRow) -> io::Result<()> {
        let at = event.boot_ns;
        let device = row.device.as_deref().unwrap_or("?");
        let notes = [("what", what(row)), ("id", event.id.to_string())];
        match &event.detail {
            Some(Detail::ExecExit(exit)) => {
                let name = exit.argv.join(" ");
                // Tools that ran at the same time must not hide one another.
                let track = format!("tool {} {}", row.comm.as_deref().unwrap_or("?"), event.pid);
                let begun = if exit.start_boot_ns == 0 {
                    at
                } else {
                    exit.start_boot_ns
                };
                self.span(&track, &name, (begun, at), &notes)
            }
            // Its end tells more.
            Some(Detail::ExecStart(_)) => Ok(()),
            Some(Detail::FsResize(resize)) => {
                let track = format!("resize {device} {}", event.tid);
                let end = at.saturating_add(resize.duration_ns);
                self.span(&track, &what(row), (at, end), &notes)
            }
            Some(Detail::DeviceCapacity(change)) => {
                let track = format!("capacity {device}");
                match change.to_bytes {
                    Some(bytes) => self.count(at, &track, Unit::SizeBytes, bytes),
                    None => Ok(()),
                }
            }
            _ => self.span(row.kind, &what(row), (at, at), &notes),
        }
    }

    /// Sizes of devices and file systems whenever they were read.
    fn sizes(&mut self) -> io::Result<()> {
        let devices = self.recording.devices();
        let all: Vec<Dev> = devices.all().map(|(dev, _)| dev).collect();
        for dev in all {
            let Some(name) = devices.name(dev) else {
                continue;
            };
            for (what, runs) in [
                ("capacity", devices.sizes(dev)),
                ("file system", devices.fs_sizes(dev)),
            ] {
                for run in runs.map(crate::model::Runs::all).unwrap_or_default() {
                    let track = format!("{what} {name}");
                    self.count(run.first_ns, &track, Unit::SizeBytes, run.value)?;
                    self.count(run.last_ns, &track, Unit::SizeBytes, run.value)?;
                }
            }
        }
        Ok(())
    }

    /// Calls and bytes of each series in a window.
    fn counts(&mut self, window: &Window) -> io::Result<()> {
        let mut part = Totals::default();
        part.fold(window);
        let recording = self.recording;
        let known = recording.totals();
        for (id, total) in &part.counts {
            let Some(series) = known.series.get(id) else {
                continue;
            };
            let sums = known.schemas.get(&series.probe).map(|schema| &schema.sums);
            let name = series_name(known, recording.devices(), *id).join(" ");
            for (sum, value) in sums.into_iter().flatten().zip(&total.sums) {
                let unit = match sum.unit.as_str() {
                    "ns" => continue,
                    "bytes" => Unit::SizeBytes,
                    _ => Unit::Count,
                };
                let shown = matches!(
                    sum.name.as_str(),
                    "calls" | "bytes_copied" | "pages_submitted" | "errors"
                );
                if shown || !matches!(series.probe.as_str(), "copy" | "readahead") {
                    let track = format!("{name} {}", sum.name);
                    self.count(window.to_boot_ns, &track, unit, *value)?;
                }
            }
        }
        Ok(())
    }
}
