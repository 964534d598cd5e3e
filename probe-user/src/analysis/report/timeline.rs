//! Events as timeline entries.

use super::TimelineRow;
use super::detail::{Detail, ToolDevice};
use super::mounted::Mountings;
use crate::analysis::absence::{self, Watch};
use crate::analysis::times::{Times, rfc3339};
use crate::analysis::volume::tool_name;
use crate::model::{Devices, Recording};
use crate::sample::event::Detail as Seen;
use crate::sample::{Dev, Event, ExecExit};
use std::collections::{BTreeMap, BTreeSet};

/// The entries of these events, in the order of their times.
pub(crate) fn timeline<'a>(
    recording: &Recording,
    events: impl Iterator<Item = &'a Event> + Clone,
) -> Vec<TimelineRow> {
    let context = Context {
        recording,
        returned: events.clone().filter_map(returned).collect(),
        ended: events.clone().filter_map(ended).collect(),
        mountings: Mountings::of(events.clone()),
    };
    let mut rows: Vec<_> = events.filter_map(|event| context.row(event)).collect();
    rows.sort_by_key(|row| (row.boot_ns, row.id));
    rows
}

/// A resize that returned: thread and the time it began.
fn returned(event: &Event) -> Option<(u32, u64)> {
    matches!(event.detail, Some(Seen::FsResize(_))).then_some((event.tid, event.boot_ns))
}

/// A tool that ended: process and the time it began.
fn ended(event: &Event) -> Option<((u32, u64), &ExecExit)> {
    match &event.detail {
        Some(Seen::ExecExit(exit)) => Some(((event.pid, exit.start_boot_ns), exit)),
        _ => None,
    }
}

struct Context<'a> {
    recording: &'a Recording,
    returned: BTreeSet<(u32, u64)>,
    ended: BTreeMap<(u32, u64), &'a ExecExit>,
    mountings: Mountings,
}

impl Context<'_> {
    fn row(&self, event: &Event) -> Option<TimelineRow> {
        let (device, detail) = self.detail(event)?;
        let at = Times(self.recording).at(event.boot_ns);
        let who = event.pid != 0;
        Some(TimelineRow {
            id: event.id,
            t_ns: at.map(|at| at.t_ns),
            error_ns: at.map(|at| at.error_ns),
            time: at.map(|at| rfc3339(at.t_ns)),
            host: None,
            kind: event.kind(),
            device,
            pid: who.then_some(event.pid),
            comm: (who && !event.comm.is_empty()).then(|| event.comm.clone()),
            pod: self.devices().pod(event.cgroup),
            detail,
            boot_ns: event.boot_ns,
        })
    }

    fn devices(&self) -> &Devices {
        self.recording.devices()
    }

    fn name(&self, dev: u32) -> Option<String> {
        self.devices().name(Dev(dev))
    }

    fn detail(&self, event: &Event) -> Option<(Option<String>, Detail)> {
        Some(match event.detail.as_ref()? {
            Seen::FsResizeBegin(begin) => {
                // Its return says more, and is an entry of its own.
                let returned = self.returned.range((event.tid, event.boot_ns)..).next();
                if returned.is_some_and(|&(tid, _)| tid == event.tid) {
                    return None;
                }
                let detail = Detail::FsResize {
                    fs: begin.fs.clone(),
                    from_bytes: None,
                    to_bytes: None,
                    requested_bytes: None,
                    error: None,
                    duration_ns: None,
                    command: begin.command.clone(),
                    returned: false,
                };
                (self.name(begin.dev), detail)
            }
            Seen::FsResize(resize) => {
                let detail = Detail::FsResize {
                    fs: resize.fs.clone(),
                    from_bytes: resize.from_bytes,
                    to_bytes: resize.to_bytes,
                    requested_bytes: resize.requested_bytes,
                    error: text(&resize.error).filter(|_| resize.has_returned()),
                    duration_ns: resize.has_returned().then_some(resize.duration_ns),
                    command: resize.command.clone(),
                    returned: resize.has_returned(),
                };
                (self.name(resize.dev), detail)
            }
            Seen::DeviceCapacity(change) => {
                let name = self.name(change.dev);
                let detail = Detail::Capacity {
                    from_bytes: change.from_bytes,
                    to_bytes: change.to_bytes,
                };
                (text(&change.name).or(name), detail)
            }
            Seen::PartitionChange(change) => {
                let name = self.name(change.disk_dev);
                let detail = Detail::Partition {
                    op: change.op.clone(),
                    number: (change.number != 0).then_some(change.number),
                    from_bytes: change.from_bytes,
                    to_bytes: change.to_bytes,
                    error: text(&change.error),
                };
                (text(&change.disk).or(name), detail)
            }
            Seen::ExecStart(start) => {
                let exit = self.ended.get(&(event.pid, event.boot_ns));
                let detail = Detail::ExecStart {
                    argv: start.argv.clone(),
                };
                (exit.and_then(|exit| self.worked_on(exit)), detail)
            }
            Seen::ExecExit(exit) => (self.worked_on(exit), self.exit(event, exit)),
            Seen::ReadAhead(change) => {
                let detail = Detail::ReadAhead {
                    from: change.from_kb,
                    to: change.to_kb,
                    error: text(&change.error),
                    via: change.via.clone(),
                };
                (self.name(change.dev), detail)
            }
            Seen::Mount(change) => {
                let mountings = &self.mountings;
                let detail = Detail::Mount {
                    mount_point: mountings.point(change, event.boot_ns, self.devices()),
                    fs: change.fs.clone(),
                    error: text(&change.error),
                };
                (self.name(change.dev), detail)
            }
            Seen::Module(_) => return None,
        })
    }

    fn exit(&self, event: &Event, exit: &ExecExit) -> Detail {
        let devices = exit.devices.iter().map(|asked| ToolDevice {
            device: self.name(asked.dev),
            size_bytes: asked.size_bytes,
            fs_size_bytes: asked.fs_size_bytes,
            resolved: asked.resolved.clone(),
        });
        Detail::ExecExit {
            argv: exit.argv.clone(),
            exit_code: exit.exit_code,
            signal: exit.signal,
            duration_ns: (exit.start_boot_ns != 0).then_some(exit.duration_ns),
            resize_calls: self.resize_calls(event, exit),
            devices: devices.collect(),
        }
    }

    /// The resize calls of a tool; none only where they would have been seen.
    fn resize_calls(&self, event: &Event, exit: &ExecExit) -> Option<u32> {
        let watched = || {
            let (start, end) = (exit.start_boot_ns, event.boot_ns);
            let watch = Watch::calls_of(tool_name(event, exit));
            start != 0 && absence::by_events(self.recording, watch, start, end).is_ok()
        };
        (exit.resize_calls > 0 || watched()).then_some(exit.resize_calls)
    }

    /// The one device that a tool worked on, if it is one.
    fn worked_on(&self, exit: &ExecExit) -> Option<String> {
        let mut names = exit.devices.iter().filter_map(|asked| self.name(asked.dev));
        let first = names.next()?;
        names.all(|name| name == first).then_some(first)
    }
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::{GIB, Story, VDB};
    use crate::sample::probe_status::State;

    /// The resize calls that a report states of a run of this tool at second 10.
    fn stated(tool: &str, story: impl Fn(&mut Story)) -> Option<u32> {
        let mut seen = Story::new();
        seen.at(5_000);
        story(&mut seen);
        seen.at(10_000)
            .tool(&[tool, "/dev/vdb"], 0, 0, &[(VDB, 20 * GIB)]);
        seen.end(20_000);
        let recording = seen.recording();
        let rows = timeline(&recording, recording.events());
        let calls = rows.iter().find_map(|row| match row.detail {
            Detail::ExecExit { resize_calls, .. } => Some(resize_calls),
            _ => None,
        });
        calls.expect("the tool's exit")
    }

    #[test]
    fn that_a_tool_made_no_call_is_only_stated_where_one_would_have_been_seen() {
        assert_eq!(stated("resize2fs", |_| {}), Some(0));
        let blind: [&dyn Fn(&mut Story); 4] = [
            &|story| _ = story.probe("resize", State::Off, ""),
            &|story| _ = story.probe("resize", State::Failed, "passed"),
            &|story| _ = story.gap("resize", 9_000, 11_000, "why"),
            &|story| _ = story.at(9_990).at(10_000).lose("ring/resize", 1),
        ];
        for (number, blind) in blind.into_iter().enumerate() {
            assert_eq!(stated("resize2fs", blind), None, "number {number}");
        }
    }

    #[test]
    fn a_tool_that_began_before_the_recording_was_not_watched() {
        let mut story = Story::new();
        story
            .at(5)
            .tool(&["resize2fs", "/dev/vdb"], 0, 0, &[(VDB, 20 * GIB)]);
        story.end(20_000);
        let recording = story.recording();
        let rows = timeline(&recording, recording.events());
        let exit = serde_json::to_value(&rows[0].detail).unwrap();
        assert_eq!(exit["resize_calls"], serde_json::Value::Null);
    }
}
